"""A night of long texts: one sentence decides, the model finds it, and the folder answers as the night did."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.small_table import ROWS, make_table
from tests.unit.training.tiny_encoder import FROZEN, resources
from tilth import samples as table
from tilth import stage
from tilth.config import EncoderConfig
from tilth.errors import RequestError
from tilth.learn import pooled
from tilth.learn.encoder import Encoder, encode_passages
from tilth.samples import Task
from tilth.store import Cache
from tilth.training import Config
from tilth.training.export import Predictor, write_digests
from tilth.training.exporting.passage_reading import write_passages

TASKS = (Task(name="area", labels=("billing", "network")), Task(name="intent", labels=("slow", "refund")))
SAID = {"slow": "the internet is very slow", "refund": "where is the refund"}
FILLER = ["a red light on the box", "why is everything at home", "two weeks after the evening", "i am cross at night"]


def long_rows(count: int = 80) -> list[tuple[Any, ...]]:
    random = np.random.default_rng(0)
    rows = []
    for number in range(count):
        label = ("slow", "refund")[number % 2]
        sentences = [FILLER[place] for place in random.integers(0, len(FILLER), 12)]
        sentences.insert(int(random.integers(13)), SAID[label])
        rows.append((f"r{number}", ". ".join(sentences) + ".", "train" if number < count - 10 else "gold", None, label))
    return rows


def by_passages(folder: Path, tmp_path: Path, **settings: Any) -> Encoder:
    config = EncoderConfig(model=str(folder), max_tokens=32, long_texts="passages", **settings)
    return Encoder(config, Cache(tmp_path / "vectors"))


@pytest.fixture(scope="module")
def night(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[stage.StageResult, Encoder]:
    root = tmp_path_factory.mktemp("long")
    samples, encoder = make_table(long_rows(), TASKS), by_passages(folder, root)
    config = FROZEN.model_copy(update={"mode": "auto", "wording": "never"})
    return stage.perform("training", samples, config, resources(samples, encoder, root, TASKS)), encoder


def test_the_decisive_sentence_is_found_and_the_folder_answers_as_the_night(
    night: tuple[stage.StageResult, Encoder],
) -> None:
    result, _ = night
    facts = result.metrics["trunk"]["passages"]["intent"]
    assert facts["chosen"] == "passages"
    assert facts["passages"] > facts["mean"]
    assert "passages" in result.metrics["trunk"]["why"]
    assert result.metrics["gold"]["intent"]["macro_f1"] == 1.0
    assert result.metrics["compression"]["answer"] == "refused"
    frame = table.to_pandas(result.samples)
    expected = frame["intent"].fillna(frame["intent_given"]).map(SAID) + "."
    assert (frame["passage"] == expected).mean() > 0.9
    predictor = Predictor.load(result.artifacts["model"])
    texts = frame["text"].tolist()
    answers = predictor(texts)
    assert [answer["intent"]["label"] for answer in answers] == frame["intent_predicted"].tolist()
    assert predictor.decisive_passages(texts[:5]) == frame["passage"].tolist()[:5]
    assert predictor.decisive_passages(["my refund"]) == [None]


@pytest.mark.slow
def test_a_smaller_model_reads_by_passages_too(folder: Path, tmp_path: Path) -> None:
    samples, encoder = make_table(long_rows(340), TASKS), by_passages(folder, tmp_path)
    contract = {"size_mb": 1, "points_lost": 20, "steps": 50}
    given = {**FROZEN.model_dump(), "mode": "auto", "wording": "never", "contract": contract}
    made = resources(samples, encoder, tmp_path, TASKS)
    result = stage.perform("training", samples, Config.model_validate(given), made)
    found = result.metrics["compression"]
    assert found["answer"] == "met"
    assert found["steps"] == 0  # no student is taught to weigh passages
    assert "passages" in found["undistilled"]
    predictor, frame = Predictor.load(result.artifacts["model"]), table.to_pandas(result.samples)
    assert predictor.settings["packed"]
    assert predictor.settings["passages"]
    codes = predictor.answers(frame["text"].tolist()).codes["intent"]
    assert TASKS[1].decoded(codes).tolist() == frame["intent_predicted"].tolist()


def test_a_night_that_takes_the_model_over_tells_the_sentences_too(
    night: tuple[stage.StageResult, Encoder], tmp_path: Path
) -> None:
    result, encoder = night
    frame = table.to_pandas(result.samples)
    before = frame["passage"].tolist()
    frame["passage"] = None
    write_passages(frame, result.artifacts["model"], None, resources(result.samples, encoder, tmp_path, TASKS))
    assert frame["passage"].tolist() == before


def test_answers_depend_on_no_neighbor(night: tuple[stage.StageResult, Encoder]) -> None:
    predictor = Predictor.load(night[0].artifacts["model"])
    long = long_rows(2)[0][1]
    texts = ["", "my refund", long, "refund " * 100_000, "x" * 1_000_000, long + " slow again", "  "]
    together = predictor(texts)
    assert together == [predictor(text) for text in texts]
    assert predictor(texts[2::-1]) == together[2::-1]
    assert [answer["intent"]["confidence"] for answer in (together[0], together[6])] == [0.0, 0.0]


def test_vectors_are_those_of_the_encoder_whatever_stands_beside(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    encoder = by_passages(folder, tmp_path, max_chunks=1)
    long = long_rows(2)[0][1]
    texts = ["", "my refund", long, "refund " * 1_000, "x" * 1_000_000]
    with caplog.at_level(logging.WARNING):
        passages = encode_passages(encoder, texts, Cache(tmp_path / "blocks"))
    assert "a text of 1000 tokens: of its passages 16, evenly spaced, are read" in caplog.text
    assert np.diff(passages.starts).tolist() == [1, 1, 13, 16, 1]
    lengths = np.array([max(len(piece), 1) for piece in encoder.pieces(texts)[1]], dtype=np.float32)
    together = encoder.encode(texts)
    assert together == pytest.approx(pooled(passages, lengths), abs=1e-6)
    alone = np.concatenate([by_passages(folder, tmp_path / text[:3], max_chunks=1).encode([text]) for text in texts])
    assert alone == pytest.approx(together, abs=1e-5)


def test_other_folders_are_read_as_before_and_a_half_copied_one_is_refused(
    night: tuple[stage.StageResult, Encoder], written: Path, tmp_path: Path
) -> None:
    assert json.loads((written / "tilth.json").read_text())["version"] == 4
    assert Predictor.load(written).decisive_passages([ROWS[0][1]]) == [None]
    model = tmp_path / "model"
    model.mkdir()
    for file in night[0].artifacts["model"].iterdir():
        (model / file.name).write_bytes(file.read_bytes())
    assert json.loads((model / "tilth.json").read_text())["version"] == 5
    (model / "passages.npz").unlink()
    write_digests(model)
    with pytest.raises(RequestError, match=r"lacks passages\.npz"):
        Predictor.load(model)
