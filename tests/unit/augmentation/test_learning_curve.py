from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.conftest import make_table
from tests.unit.augmentation.test_proof import TASK, judged, unit
from tests.unit.augmentation.test_stage import added, night
from tilth.augmentation import worth
from tilth.augmentation.config import Config
from tilth.augmentation.selection import learning_curve
from tilth.augmentation.selection.config import GateConfig
from tilth.augmentation.selection.cross_fitting import Proving
from tilth.augmentation.selection.learning_curve import Worth, measure
from tilth.store import digest_tree


def measured(spread: float, per_class: int = 40, fewest: int = 20, **changes: Any) -> Worth | None:
    """The curve of four classes around centers that their rows are as far from as the spread says."""
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(changes.get("classes", 4)), per_class)
    rows = unit(unit(rng.normal(size=(4, 32)))[codes] + spread * unit(rng.normal(size=(len(codes), 32))))
    folds = changes.get("folds", np.arange(len(codes)) % 5)
    order = changes.get("order", np.arange(len(codes)))
    proving = Proving([judged(rows[order], codes[order], folds[order])], rows[order], GateConfig())
    ids, sources = [f"r{row}" for row in order], np.arange(changes.get("sources", len(codes)))
    return measure(proving, ids, sources, 1.0, fewest=fewest, seed=0)


def test_where_more_labels_teach_nothing_there_is_nothing_to_see() -> None:
    found = measured(0.2)
    assert found is not None
    assert [score for _, score in found.curve] == [1.0, 1.0, 1.0]
    assert (found.gain, found.visible, found.enough) == (0.0, 0.0, False)


def test_where_errors_fall_with_the_labels_there_is() -> None:
    found = measured(3.5, per_class=80)
    assert found is not None
    labels, scores = zip(*found.curve, strict=True)
    assert labels == (128, 192, 256)  # of 80 a class four fifths teach: 64, of which half are 32 and three quarters 48
    assert scores[0] < scores[1] < scores[2]
    assert found.gain > found.visible > 0
    assert found.enough
    assert found.rows == 320


def test_a_gain_below_what_can_be_told_from_chance_is_not_enough() -> None:
    found = measured(2.5, per_class=120)  # the curve hardly rises any more: 0.824, 0.818, 0.827
    assert found is not None
    assert 0 < found.gain < found.visible
    assert not found.enough
    # A half width is 1.96 deviations, and a quarter of all differences lies 0.6745 deviations above their mean.
    found = Worth(240, 0.0065, 0.01, (), ())
    assert found.visible == pytest.approx(0.01 * (1 - 0.6745 / 1.96), abs=1e-6)  # 0.00656
    assert not found.enough
    assert Worth(240, 0.0066, 0.01, (), ()).enough


def test_the_gain_of_a_class_by_hand() -> None:
    """With twice the labels a quarter of the errors: the second power, so that twice as many again leave a quarter."""
    codes = np.array([0] * 10 + [1] * 10 + [3])  # class c has no row, and d one: nobody can know that it is d
    half, whole = codes.copy(), codes.copy()
    half[[0, 1, 2, 3]], half[[10, 11, 12, 13]] = 1, 0
    whole[0], whole[10] = 1, 0
    half[20] = whole[20] = 2
    proving: Any = SimpleNamespace(judges=[SimpleNamespace(codes=codes, task=TASK)], parts=np.arange(21) % 5)
    taught = np.array([1.0, 1.0, 0.0, 0.0])
    points = [learning_curve._Point([half], [4 * taught]), learning_curve._Point([whole], [8 * taught])]
    found = {one.label: one for one in learning_curve._classes(proving, points, 0, np.array([10, 0, 0, 1]))}
    assert (found["a"].f1, found["a"].labels) == (pytest.approx(0.9), 10)
    assert found["a"].gain == pytest.approx(0.1 * (1 - 0.25))
    assert (found["b"].gain, found["d"].gain, found["d"].f1) == (0, 0, 0)
    assert set(found) == {"a", "b", "d"}


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
    assert measured(2.5, **changes) is None


def test_which_rows_make_up_a_half_goes_by_their_ids() -> None:
    one, other = measured(2.5), measured(2.5, order=np.random.default_rng(1).permutation(160))
    assert one is not None
    assert other is not None
    assert (one.curve, one.gain) == (other.curve, pytest.approx(other.gain))


def test_who_always_wants_paraphrases_or_never_is_not_asked() -> None:
    for when in ("always", "never"):
        nobody: Any = None
        assert worth.estimate(nobody, [], [], Config(when=when), 0) is None


WORDS = {"refund": "refund money bank", "slow": "slow evening buffering", "outage": "red light outage"}
PLAIN = [
    (f"{intent}{k}", f"{words} please w{k}", "train", "billing" if intent == "refund" else "network", intent)
    for intent, words in WORDS.items()
    for k in range(24)
]


def test_a_night_that_could_see_no_help_draws_nothing_and_hands_the_denoiser_on(tmp_path: Path) -> None:
    carried = tmp_path / "carried"
    carried.mkdir()
    (carried / "weights").write_text("as last night left them")
    gate = {"enough": 20}
    result = night(make_table(PLAIN), tmp_path / "night", carried=carried, gate=gate)
    assert result.skipped is not None
    assert result.skipped.startswith("no paraphrase could be seen to help: 4 more labeled rows")
    assert 'augmentation.when = "always"' in result.skipped
    assert result.samples.num_rows == len(PLAIN)
    assert result.metrics["worth"]["gain"] == 0
    assert [figure.title for figure in result.figures] == ["Learning curve", "What more labels would be worth"]
    assert result.carried is not None
    assert digest_tree(result.carried) == digest_tree(carried)
    assert night(make_table(PLAIN), tmp_path / "fresh", gate=gate).carried is None


def test_a_night_that_always_wants_them_draws_all_the_same(tmp_path: Path) -> None:
    result = night(make_table(PLAIN), tmp_path, when="always", gate={"enough": 20})
    assert result.skipped is None
    assert len(added(result)) == result.metrics["candidates"] > 0
