from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.unit.augmentation.proof.test_cross_validation import TASK, fitted, unit
from tilth.augmentation.selection import CrossFitting, GateConfig, Worth, estimate_worth, learning_curve

MORE = np.array([10, 0, 0, 1])  # rows of each class


def worth(spread: float, per_class: int = 40, fewest: int = 20, **changes: Any) -> Worth | None:
    """The curve of four classes around centers that their rows are as far from as the spread says."""
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(changes.get("classes", 4)), per_class)
    rows = unit(unit(rng.normal(size=(4, 32)))[codes] + spread * unit(rng.normal(size=(len(codes), 32))))
    folds = changes.get("folds", np.arange(len(codes)) % 5)
    order = changes.get("order", np.arange(len(codes)))
    cross_fitting = CrossFitting([fitted(rows[order], codes[order], folds[order])], rows[order], GateConfig())
    ids, sources = [f"r{row}" for row in order], np.arange(changes.get("sources", len(codes)))
    bounded = changes.get("bounded", fewest)
    return estimate_worth(cross_fitting, ids, sources, 1.0, fewest=fewest, bounded=bounded, seed=0)


def test_where_more_labels_teach_nothing_there_is_nothing_to_see() -> None:
    found = worth(0.2)
    assert found is not None
    assert [score for _, score in found.curve] == [1.0, 1.0, 1.0]
    assert (found.gain, found.visible, found.enough) == (0.0, 0.0, False)


def test_where_errors_fall_with_the_labels_there_is() -> None:
    found = worth(3.5, per_class=80)
    assert found is not None
    labels, scores = zip(*found.curve, strict=True)
    assert labels == (
        128,
        192,
        256,
    )  # of four fifths of 80 a class, 64, half are 32 and three quarters 48
    assert scores[0] < scores[1] < scores[2]
    assert found.gain > found.visible > 0
    assert found.enough
    assert found.rows == 320


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
    found = {one.label: one for one in learning_curve._class_worths(cross_fitting, points, 0, MORE, None)}
    assert (found["a"].f1, found["a"].labels) == (pytest.approx(0.9), 10)
    assert found["a"].gain == pytest.approx(0.1 * (1 - 0.25))
    assert (found["b"].gain, found["d"].gain, found["d"].f1) == (0, 0, 0)
    assert set(found) == {"a", "b", "d"}
    # By the first power, twice the labels halve what is wrong, whatever the curve says.
    most = {one.label: one for one in learning_curve._class_worths(cross_fitting, points, 0, MORE, 1.0)}
    assert most["a"].gain == pytest.approx(0.1 / 2)


def test_of_few_labels_errors_that_are_less_than_a_row_leave_nothing_to_see() -> None:
    found = worth(0.2, per_class=30, fewest=60, bounded=20)
    assert found is not None
    assert (found.curve, found.gain, found.visible) == (((96, 1.0),), 0.0, 1 / 120)
    assert not found.enough


def test_a_row_of_a_rare_class_counts_as_one_row_too() -> None:
    """One of its ten rows is wrong, which twice the rows mend by half: half a row, though 2.6 points of macro-F1."""
    codes = np.repeat([0, 1], [10, 90])
    wrong = codes.copy()
    wrong[0] = 1
    task = SimpleNamespace(codes=codes, task=TASK, classes=4)
    refits = [SimpleNamespace(without=lambda _: None)]
    cross_fitting: Any = SimpleNamespace(tasks=[task], refits=refits, parts=np.arange(100) % 5, held_out_parts=[])
    with pytest.MonkeyPatch.context() as patch:
        point = learning_curve._Point([wrong], [np.array([8.0, 72.0, 0.0, 0.0])])
        patch.setattr(learning_curve, "_point", lambda *_: point)
        bound = learning_curve._bound(cross_fitting, np.arange(10), 1.0)
    errors = 1 - 18 / 19, 1 - 180 / 181  # 9 of 10 and 90 of 90 are found, and 91 called so
    assert bound.gain == pytest.approx(errors[0] / 2 / 2)
    assert bound.gain / bound.visible == pytest.approx(10 * errors[0] / 2)
    assert not bound.enough


def test_of_few_labels_with_more_errors_nothing_is_said() -> None:
    assert worth(3.5, per_class=30, fewest=60, bounded=20) is None
    assert worth(0.2, per_class=30, fewest=60, bounded=31) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"per_class": 19},
        {"per_class": 1, "fewest": 0},
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
