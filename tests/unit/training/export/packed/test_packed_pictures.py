"""Picture heads as the exported model has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tilth.training.export import PackedPictures, PictureHead, Scope, Seen


def packed(share: float = 0.25, alone: tuple[str, ...] = ()) -> PackedPictures:
    weight, bias = np.array([[2.0, 0.0], [0.0, 2.0]], dtype=np.float32), np.array([0.5, 0.0], dtype=np.float32)
    head = PictureHead(weight=weight, bias=bias, share=share, temperature=0.5)
    scope = Scope(certainty=(-0.5, 0.25), nearest=(0.75, 0.125), reject_below=0.125)
    prototypes = np.eye(2, dtype=np.float32)
    return PackedPictures(heads={"a ä": head}, by_pictures_alone=alone, prototypes=prototypes, scope=scope)


def seen(**rows: tuple[bool, bool]) -> Seen:
    """Of rows by whether each has a text and a picture; every picture is the first class's."""
    has_text, has_picture = (np.array(one, dtype=bool) for one in zip(*rows.values(), strict=True))
    vectors = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (len(rows), 1))
    return Seen(vectors=vectors, has_picture=has_picture, has_text=has_text)


def test_each_row_is_answered_by_what_it_has() -> None:
    rows = seen(text=(True, False), picture=(False, True), both=(True, True))
    texts = np.tile(np.array([[0.2, 0.8]], dtype=np.float32), (3, 1))
    probabilities = packed().pool({"a ä": texts, "b": texts}, rows)
    text, picture, both = probabilities["a ä"]
    assert text == pytest.approx([0.2, 0.8])
    by_picture = np.exp([2.5, 0]) / np.exp([2.5, 0]).sum()
    assert picture == pytest.approx(by_picture, abs=1e-6)
    mixed = np.exp((0.75 * np.log([0.2, 0.8]) + 0.25 * np.log(by_picture)) / 0.5)
    assert both == pytest.approx(mixed / mixed.sum(), abs=1e-6)
    assert probabilities["b"].tolist() == pytest.approx(np.array([[0.2, 0.8], [0.5, 0.5], [0.2, 0.8]]))


def test_a_row_without_what_a_task_is_known_by_has_no_label() -> None:
    rows = seen(text=(True, False), picture=(False, True), both=(True, True))
    decided = {task: (np.zeros(3, dtype=int), np.full(3, 0.9, dtype=np.float32)) for task in ("a ä", "b")}
    known = packed(alone=("a ä",)).without_unknown(decided, rows)
    assert known["a ä"][0].tolist() == [-1, 0, 0]
    assert known["b"][0].tolist() == [0, -1, 0]
    assert known["b"][1].tolist() == pytest.approx([0.9, 0, 0.9])


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    before = packed(share=1.0, alone=("a ä",))
    before.save(tmp_path / "pictures.npz")
    after = PackedPictures.load(tmp_path / "pictures.npz")
    assert after.by_pictures_alone == ("a ä",)
    assert after.scope == before.scope
    assert (after.heads["a ä"].share, after.heads["a ä"].temperature) == (1.0, 0.5)
    for name in ("weight", "bias"):
        assert np.array_equal(getattr(after.heads["a ä"], name), getattr(before.heads["a ä"], name))
    assert np.array_equal(after.prototypes, before.prototypes)
