"""Training of an encoder that reads long texts by windows: a tiny model, texts of some hundred words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.small_table import ROWS
from tests.unit.training.tiny_encoder import TUNED
from tilth import training
from tilth.config import EncoderConfig
from tilth.errors import ConfigError
from tilth.learn.encoder import Encoder, LongTexts, Tokens, WindowedTrunk, encode_with_trunk, new_trunk
from tilth.samples import Task
from tilth.store import Cache
from tilth.training.heads import fit_head
from tilth.training.inputs.config import Config
from tilth.training.modes import MODES, TuningJob
from tilth.training.modes.top_layers import TopLayers
from tilth.training.trainer import TuningRows

WORDS = sorted({word.strip(",") for row in ROWS for word in row[1].split()})


def text(words: int, seed: int = 0) -> str:
    return " ".join(np.random.default_rng(seed).choice(WORDS, words))


TEXTS = [text(300), text(3, 1), text(330, 2), text(60, 3)]


def reads(folder: Path, **settings: Any) -> EncoderConfig:
    values = {"attention": "dynamic", "max_tokens": 64, "window": 192, **settings}
    return EncoderConfig(model=str(folder), **values)


def windowed(folder: Path) -> WindowedTrunk:
    long_texts = LongTexts.of(reads(folder), folder)
    assert long_texts is not None
    return WindowedTrunk(folder, long_texts).eval()


def job(folder: Path, home: Path, texts: list[str], **settings: Any) -> TuningJob:
    """Texts of two classes in turn, of which the last is held out."""
    codes = np.arange(len(texts)) % 2
    vectors = Encoder(reads(folder), Cache(home)).encode(texts)
    head = fit_head(Task(name="t", labels=("a", "b")), vectors, codes, np.ones(len(codes)), uses_parent=False)
    rows = TuningRows(
        texts=texts, codes={"t": codes}, weights={"t": np.ones(len(codes))},
        measured=np.arange(len(codes)) >= len(codes) - 1,
    )  # fmt: skip
    return TuningJob(
        folder=folder, fingerprint="windows", reads=reads(folder), rows=rows, heads=[head],
        config=TUNED.model_copy(update={"max_tokens": 400, "batch_size": 2, **settings}), seed=0, cache=Cache(home),
        top_layers=1,
    )  # fmt: skip


def test_its_vectors_are_those_of_the_encoder(folder: Path, tmp_path: Path) -> None:
    expected = Encoder(reads(folder, max_chunks=3), Cache(tmp_path)).encode(TEXTS)
    found = encode_with_trunk(windowed(folder), folder, TEXTS, limit=16, most=3)
    assert found == pytest.approx(expected, abs=0.02)  # bfloat16, where the processor has it
    in_chunks = encode_with_trunk(new_trunk(folder, None).eval(), folder, TEXTS, limit=64, most=3)
    assert found[1] == pytest.approx(in_chunks[1], abs=0.02)
    assert np.linalg.norm(found[0] - in_chunks[0]) > 5 * np.linalg.norm(found[0] - expected[0])
    assert np.linalg.norm(found[0] - in_chunks[0]) > 0.05


def test_neighbors_in_a_batch_change_no_vector(folder: Path) -> None:
    trunk, tokens = windowed(folder), Tokens.load(folder)
    encoded = tokens.pieces(TEXTS, 64, 8)[1]
    with torch.inference_mode():
        together = trunk(*tokens.batch(encoded))
        for place, one in enumerate(encoded):
            assert trunk(*tokens.batch([one]))[0].numpy() == pytest.approx(together[place].numpy(), abs=1e-5)


@pytest.mark.parametrize("again", [True, False])
def test_a_gradient_flows_through_windows(folder: Path, again: bool) -> None:
    trunk, tokens = windowed(folder), Tokens.load(folder)
    if again:  # computed again for the gradient
        trunk.train()
        for part in trunk.modules():
            if isinstance(part, torch.nn.Dropout):
                part.p = 0.0
    batch = tokens.batch(tokens.pieces(TEXTS[:1], 64, 8)[1])
    trunk(*batch)[0, 0].backward()
    weight = trunk.get_parameter("model.encoder.layer.0.attention.self.value.weight")
    assert weight.grad is not None
    before, moved = weight.grad[3, 5].item(), 1e-2
    with torch.no_grad():  # the slope, by hand
        values = []
        for step in (moved, -2 * moved):
            weight[3, 5] += step
            values.append(trunk(*batch)[0, 0].item())
    assert before == pytest.approx((values[0] - values[1]) / (2 * moved), rel=0.05, abs=1e-4)


def test_the_cut_encoder_reads_long_texts_as_the_whole_one(folder: Path) -> None:
    part = TopLayers(folder, TEXTS, 400, 1, lambda compute: compute(), LongTexts.of(reads(folder), folder))
    whole = encode_with_trunk(windowed(folder), folder, TEXTS, limit=64, most=8)
    assert part.vectors() == pytest.approx(whole, abs=0.02)


@pytest.mark.parametrize("mode", ["top", "full", "contrastive"])
def test_a_mode_learns_long_texts_and_reads_them_whole(folder: Path, tmp_path: Path, mode: str) -> None:
    texts = [f"{text(280, seed)} {('refund' if seed % 2 else 'network ') * 3}" for seed in range(8)]
    one = job(folder, tmp_path, texts, steps=20)
    trained = MODES[mode].trained(one)
    assert np.mean(trained.tuned.losses[-4:]) < np.mean(trained.tuned.losses[:4])
    assert isinstance(trained.tuned.trunk, WindowedTrunk)
    read = encode_with_trunk(trained.tuned.trunk, folder, texts, one.config.max_tokens, one.reads.max_chunks)
    assert trained.vectors == pytest.approx(read, abs=0.02)
    cut = replace(one, config=one.config.model_copy(update={"max_tokens": 32}))  # what training reads of them
    assert MODES[mode].trained(cut).tuned.losses != trained.tuned.losses


@pytest.mark.parametrize(
    ("attention", "settings", "fix"),
    [
        ("full", {"max_tokens": 2048}, r'training\.max_tokens = 2048.*encoder\.attention = "dynamic"'),
        ("dynamic", {"processes": 2}, r"training\.processes = 2.*set training\.processes = 1, or"),
        ("dynamic", {"head": "liquid"}, r'training\.head = "liquid".*set training\.head = "linear", or'),
        ("dynamic", {"compile": "always"}, r'training\.compile = "always".*set training\.compile = "auto", or'),
    ],
)
def test_what_such_a_training_cannot_have_is_refused_before_the_night(
    folder: Path, attention: str, settings: dict[str, Any], fix: str
) -> None:
    with pytest.raises(ConfigError, match=fix):
        training.check_encoder(Config(**settings), folder, reads(folder, attention=attention))
    training.check_encoder(Config(mode="full"), folder, reads(folder, attention=attention))
