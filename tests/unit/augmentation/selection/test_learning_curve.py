from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.unit.augmentation.proof.test_cross_validation import TASK, fitted, unit
from tilth.augmentation.selection import CrossFitting, GateConfig, Worth, estimate_worth, learning_curve

MORE = np.array([10, 0, 0, 1])  # rows of each class


def worth(spread: float, per_class: int = 40, **changes: Any) -> Worth | None:
    """The curve of four classes around centers that their rows are as far from as the spread says."""
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(changes.get("classes", 4)), per_class)
    rows = unit(unit(rng.normal(size=(4, 32)))[codes] + spread * unit(rng.normal(size=(len(codes), 32))))
    folds = changes.get("folds", np.arange(len(codes)) % 5)
    order = changes.get("order", np.arange(len(codes)))
    cross_fitting = CrossFitting([fitted(rows[order], codes[order], folds[order])], rows[order], GateConfig())
    ids, sources = [f"r{row}" for row in order], np.arange(changes.get("sources", len(codes)))
    return estimate_worth(cross_fitting, ids, sources, 1.0, seed=0)


def test_where_more_labels_teach_nothing_there_is_nothing_to_see() -> None:
    found = worth(0.2)
    assert found is not None
    assert [score for _, score in found.curve] == [1.0, 1.0, 1.0]
    assert (found.gain, found.visible, found.enough) == (0.0, 1 / 160, False)  # not less than a row


def test_where_errors_fall_with_the_labels_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning_curve, "_REAL", 1.0)
    found = worth(3.5, per_class=80)
    assert found is not None
    labels, scores = zip(*found.curve, strict=True)
    assert labels == (128, 192, 256)  # of four fifths of 80 a class, 64, half are 32 and three quarters 48
    assert scores[0] < scores[1] < scores[2]
    assert found.gain > found.visible > 0
    assert found.enough
    assert found.rows == 320


def test_paraphrases_are_worth_a_fifth_of_real_rows_and_change_as_much() -> None:
    found = {}
    for real in (1.0, 0.2):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(learning_curve, "_REAL", real)
            found[real] = worth(3.5, per_class=80)
    as_real, as_they_are = found[1.0], found[0.2]
    assert as_real is not None
    assert as_they_are is not None
    assert as_real.gain / 5 < as_they_are.gain < as_real.gain / 2
    assert as_they_are.visible == as_real.visible


def test_a_gain_below_what_can_be_told_from_chance_is_not_enough() -> None:
    found = worth(2.5, per_class=120)  # the curve hardly rises any more: 0.824, 0.818, 0.827
    assert found is not None
    assert 0 < found.gain < found.visible
    assert not found.enough
    assert not Worth(240, 0.0007, 0.0012, (), ()).enough
    assert Worth(240, 0.0012, 0.0012, (), ()).enough


def test_the_gain_of_a_class_by_hand() -> None:
    """With twice the labels a quarter of the errors: the second power, so that twice as many again leave a quarter."""
    codes = np.array([0] * 10 + [1] * 10 + [3])  # class c has no row, and d one: nobody can know that it is d
    half, whole = codes.copy(), codes.copy()
    half[[0, 1, 2, 3]], half[[10, 11, 12, 13]] = 1, 0
    whole[0], whole[10] = 1, 0
    half[20] = whole[20] = 2
    task = SimpleNamespace(codes=codes, task=TASK, classes=4)
    cross_fitting: Any = SimpleNamespace(tasks=[task], parts=np.arange(21) % 5)
    labels = np.array([1.0, 1.0, 0.0, 0.0])
    points = [
        learning_curve._Point([half], [4 * labels]),
        learning_curve._Point([whole], [8 * labels]),
    ]
    found = {one.label: one for one in learning_curve._class_worths(cross_fitting, points, 0, MORE, 0.0)}
    assert (found["a"].f1, found["a"].labels) == (pytest.approx(0.9), 10)
    assert found["a"].gain == pytest.approx(0.1 * (1 - 0.25))
    assert (found["b"].gain, found["d"].gain, found["d"].f1) == (0, 0, 0)
    assert set(found) == {"a", "b", "d"}
    # Where three points are too noisy, errors are taken to fall by some power at least.
    points = [learning_curve._Point([whole], [4 * labels]), points[1]]
    least = {one.label: one for one in learning_curve._class_worths(cross_fitting, points, 0, MORE, 1.0)}
    assert least["a"].gain == pytest.approx(0.1 / 2)


def test_of_few_labels_errors_are_taken_to_fall_whatever_three_points_say() -> None:
    """The curve of 10 a class falls by chance, that of 80 does not rise any more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learning_curve, "_power", lambda *_: 0.0)
        few, many = worth(3.5, per_class=10), worth(3.5, per_class=80)
    assert few is not None
    assert many is not None
    error = 1 - few.curve[-1][1]
    assert few.gain == pytest.approx(error * (1 - 1.2**-0.5), rel=1e-5)
    assert many.gain == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"per_class": 3},
        {"per_class": 1},
        {"classes": 1},
        {"sources": 0},
        {"folds": np.repeat(np.arange(4), 40)},
    ],
    ids=["few labels", "one row a class", "one class", "nothing to paraphrase", "no label can be held out"],
)
def test_where_a_curve_means_nothing_there_is_none(changes: dict[str, Any]) -> None:
    assert worth(2.5, **changes) is None


def test_which_rows_make_up_a_half_goes_by_their_ids() -> None:
    one, other = worth(2.5), worth(2.5, order=np.random.default_rng(1).permutation(160))
    assert one is not None
    assert other is not None
    assert (one.curve, one.gain) == (other.curve, pytest.approx(other.gain))
