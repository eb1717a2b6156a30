"""Rows that ask for nothing: by phrases, unless a class means them, and by what people answered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.small_table import ROWS, TASKS, HashingEncoder, make_table
from tilth import samples as table
from tilth.active_learning.queue.small_talk import PHRASES, small_talk_probability
from tilth.config import EncoderConfig
from tilth.learn import Evidence
from tilth.learn.encoder import Encoder as TextEncoder
from tilth.store import Cache


class Encoder(HashingEncoder):
    """Bags of words of which no two fall together."""

    dimensions = 8192


HELLO = ("h1", "Hello, is anybody there?", "unlabeled", None, None)
ROUTER = ("x1", "router blinks odd", "unlabeled", None, None)


def found(folder: Path, rows: Sequence[tuple[Any, ...]], **columns: dict[str, Any]) -> dict[str, float]:
    """Probability by row id, with some columns set: name → row id → value."""
    samples = make_table(rows)
    frame = table.to_pandas(samples)
    for name, values in columns.items():
        frame[name] = frame["id"].map(values).where(frame["id"].isin(values), frame.get(name))
    evidence = Evidence(samples, encoder=Encoder(), cache=Cache(folder / "cache"))  # type: ignore[arg-type]
    return dict(zip(frame["id"], small_talk_probability(frame, TASKS[1], evidence).tolist(), strict=True))


def test_a_phrase_alone_asks_for_nothing_and_a_request_does(tmp_path: Path) -> None:
    """In bags of words "hello is anybody there" shares 3 words with "is anybody there": cosine 3 / sqrt(4 * 3)."""
    assert "is anybody there" in PHRASES
    every = found(tmp_path, [*ROWS, HELLO, ROUTER])
    assert {row for row, probability in every.items() if probability} == {"h1"}
    vectors = Encoder().encode([HELLO[1], *(row[1] for row in ROWS if row[2] == "train")])
    labeled = float((vectors[1:] @ vectors[0]).max())
    like = 3 / np.sqrt(12)
    assert labeled < like
    assert every["h1"] == pytest.approx(like**8 / (like**8 + labeled**8), rel=1e-4)


def test_what_is_nearer_to_a_sure_label_is_a_request(tmp_path: Path) -> None:
    like = ("a4", "hello is anybody there about the refund", "train", "billing", "refund")
    asked = ("h1", "hello is anybody there about my refund", "unlabeled", None, None)
    every = found(tmp_path, [*ROWS, like, asked])
    assert every["h1"] == 0


def test_a_class_of_such_texts_is_what_people_ask_for(tmp_path: Path) -> None:
    """A class of two rows of small talk keeps the others in the queue; one such row in a class of many does not."""
    greetings = [
        ("s1", "good morning", "train", "network", "outage"),
        ("s2", "hey there", "train", "network", "outage"),
    ]
    rows = [row for row in ROWS if row[4] != "outage"]
    assert found(tmp_path, [*rows, *greetings, HELLO])["h1"] == 0
    others = [(f"o{i}", f"no connection light{i} red{i}", "train", "network", "outage") for i in range(8)]
    assert found(tmp_path / "many", [*rows, greetings[0], *others, HELLO])["h1"] > 0.5


def test_answers_teach_which_rows_are_asked_last(tmp_path: Path) -> None:
    """Rows like one that people called junk, or of no class, are held back; near a label they are not."""
    rows = [*ROWS, ROUTER, ("x2", "my router blinks so odd", "unlabeled", None, None)]
    assert found(tmp_path, rows)["x2"] == 0
    none = found(tmp_path / "none", rows, intent_none={"x1": True})
    assert none["x2"] > 0.5
    junk = found(tmp_path / "junk", rows, status={"x1": "quarantined"}, reason={"x1": "answered_junk"})
    assert junk["x2"] == pytest.approx(none["x2"])
    assert junk["x1"] == 0  # is not asked


def test_nothing_is_held_back_where_nothing_shows_what_the_classes_mean(tmp_path: Path) -> None:
    unlabeled = [(row[0], row[1], "unlabeled", None, None) for row in ROWS]
    assert not any(found(tmp_path, [*unlabeled, HELLO]).values())


@pytest.mark.parametrize("name", ["german", "chinese"])
def test_of_texts_in_another_language_the_default_encoder_holds_none_back(name: str, tmp_path: Path) -> None:
    """To the English phrases no request comes near, whether a row has a label or not; a real greeting does."""
    file = Path(__file__).parents[2] / "workspaces" / name / "data/messages.csv"
    texts = pd.read_csv(file)["text"].iloc[::8].tolist()
    labeled = ("a0", texts[0], "train", "billing", "refund")
    asked = [(f"u{place}", text, "unlabeled", None, None) for place, text in enumerate(texts[1:])]
    samples = make_table([labeled, *asked, HELLO])
    encoder = TextEncoder(EncoderConfig(), Cache(tmp_path))
    evidence = Evidence(samples, encoder=encoder, cache=Cache(tmp_path))
    probability = small_talk_probability(table.to_pandas(samples), TASKS[1], evidence)
    assert np.flatnonzero(probability).tolist() == [len(texts)], "the greeting, in English, alone"
