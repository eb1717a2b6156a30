"""Numbers of a text alone: computed once, whatever stands beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tilth import engine
from tilth.cleaning.checks import per_text as per_text_module
from tilth.cleaning.checks.per_text import per_text
from tilth.store import Cache

calls: list[list[str]] = []


def lengths(texts: list[str], factor: int) -> np.ndarray:
    calls.append(list(texts))
    return np.array([[len(text) * factor, 1.0] for text in texts], dtype=np.float32)


@pytest.fixture(autouse=True)
def forget() -> None:
    calls.clear()


def test_a_night_computes_new_texts_alone(tmp_path: Path) -> None:
    first = per_text(Cache(tmp_path), "length", ["ab", "c", "ab"], lengths, 10)
    assert first.tolist() == [[20, 1], [10, 1], [20, 1]]
    again = per_text(Cache(tmp_path), "length", ["c", "defg", "ab"], lengths, 10)
    assert again.tolist() == [[10, 1], [40, 1], [20, 1]]
    assert calls == [["c", "ab"], ["defg"]]
    assert per_text(Cache(tmp_path), "length", [], lengths, 10).shape == (0, 1)


def test_another_check_and_other_words_of_the_corpus_are_computed_anew(tmp_path: Path) -> None:
    for name, key in (("length", ()), ("other", ()), ("length", ("asdf",)), ("length", ("asdf",))):
        per_text(Cache(tmp_path), name, ["ab"], lengths, 10, key=key)
    assert calls == [["ab"]] * 3


def test_many_texts_go_to_the_workers_by_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Runner:
        def map_blocks(self, function: object, blocks: object, shared: object) -> object:
            for block in blocks:  # type: ignore[attr-defined]
                asked.append(len(block))
                yield function(block, shared)  # type: ignore[operator]

    monkeypatch.setattr(per_text_module, "_ROWS", 2)
    with engine.computed_by(Runner()):  # type: ignore[arg-type]
        few = per_text(Cache(tmp_path), "length", ["a", "bb"], lengths, 1)
        many = per_text(Cache(tmp_path), "length", ["a", "bb", "ccc", "dddd", "eeeee"], lengths, 1)
    assert asked == [2, 1]
    assert few[:, 0].tolist() == [1, 2]
    assert many[:, 0].tolist() == [1, 2, 3, 4, 5]
