"""Windows that learn to give what full attention gives: a tiny model of random weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import BertModel

from tests.unit.learn.encoder.attention.test_long_texts import folder, text
from tilth.learn.encoder import LongTexts, Tokens, adapt_windows
from tilth.learn.encoder import window_adaptation as module
from tilth.learn.encoder.attention import LongReader

__all__ = ["folder"]  # a fixture
LONG = LongTexts(window=192, span=80, around=(1, 1))
TEXTS = [text(400, seed) for seed in range(24)]


def distance(weights: Path, teacher: Path, value: str) -> float:
    """Of the states by windows under some weights from those by full attention under others, by hand."""
    ids = Tokens.load(teacher).pieces([value], 80, 100)[1][0]
    with torch.inference_mode():
        found, expected = (
            LongReader(BertModel.from_pretrained(one).eval(), rule=rule, window=192, span=80).states(ids, (1, 1))
            for one, rule in ((weights, "dynamic"), (teacher, "full"))
        )
    return float((found - expected).square().sum() / expected.square().sum())


def test_adapted_windows_are_nearer_to_full_attention(folder: Path, tmp_path: Path) -> None:
    found = adapt_windows(folder, tmp_path / "one", TEXTS, LONG, 60, seed=0, device="cpu")
    assert found.after < 0.95 * found.before
    held_out = [distance(folder, folder, value) for value in TEXTS[:8]]
    assert found.before == pytest.approx(np.mean(held_out), rel=1e-3)
    unseen = text(500, 99)
    assert distance(tmp_path / "one", folder, unseen) < distance(folder, folder, unseen)
    names = {path.name for path in (tmp_path / "one").iterdir()}
    assert names == {"adaptation.json", "config.json", "model.safetensors", "tokenizer.json"}
    record = json.loads((tmp_path / "one" / "adaptation.json").read_text(encoding="utf-8"))
    assert record == {"steps": 60, "before": found.before, "after": found.after}
    before, after = (load_file(one / "model.safetensors") for one in (folder, tmp_path / "one"))
    name = "embeddings.word_embeddings.weight"
    assert torch.equal(before[name], after[name])


def test_the_seed_settles_the_weights(folder: Path, tmp_path: Path) -> None:
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        torch.manual_seed(len(name))  # of no effect
        adapt_windows(folder, tmp_path / name, TEXTS, LONG, 4, seed=seed, device="cpu")
    one, two, three = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two", "three"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert any(not torch.equal(one[name], three[name]) for name in one)


def test_weights_that_do_worse_are_not_kept(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RATE", 1.0)
    found = adapt_windows(folder, tmp_path / "one", TEXTS, LONG, 4, seed=0, device="cpu")
    assert found.after == found.before
    before, after = (load_file(one / "model.safetensors") for one in (folder, tmp_path / "one"))
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_loss_that_is_no_number_ends_it_and_nothing_is_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module._Pair, "loss", lambda *_: torch.tensor(float("nan")))
    with pytest.raises(FloatingPointError, match="the loss of step"):
        adapt_windows(folder, tmp_path / "one", TEXTS, LONG, 9, seed=0, device="cpu")
    assert not (tmp_path / "one").exists()
