"""What every registered stage must keep, whatever it does; a new stage is tested by being registered."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from datasets import Dataset

from tests.contract.harness import broken_rules, perform
from tests.small_table import TASKS, make_table
from tilth import samples as table
from tilth import stage as stages


@pytest.mark.parametrize("name", stages.NAMES)
def test_it_keeps_the_rules_that_can_be_seen_from_outside_alone(name: str, samples: Dataset, tmp_path: Path) -> None:
    assert broken_rules(name, samples, tmp_path) == []


def test_the_labeling_functions_of_these_tests_do_label(samples: Dataset, tmp_path: Path) -> None:
    result = perform("weak_supervision", samples, tmp_path)
    assert result.skipped is None
    assert (table.to_pandas(result.samples)["intent_weak_confidence"] > 0).any()


@pytest.mark.parametrize("name", stages.NAMES)
def test_a_night_of_defaults_finds_all_that_it_names(name: str) -> None:
    stages.check(name, stages.get(name).Config())


@pytest.mark.parametrize("name", stages.NAMES)
def test_an_empty_table_goes_through(name: str, tmp_path: Path) -> None:
    assert perform(name, make_table([]), tmp_path).samples.num_rows == 0


@pytest.mark.parametrize("name", stages.NAMES)
def test_a_table_without_labels_goes_through(name: str, samples: Dataset, tmp_path: Path) -> None:
    frame = table.to_pandas(samples)
    frame[["area_given", "intent_given"]] = None
    frame["split"] = "unlabeled"
    bare = table.from_pandas(table.resolve(frame, TASKS), TASKS)
    assert perform(name, bare, tmp_path).samples.num_rows >= len(frame)


GOLD = {
    "labels": {"area_given": ["network", "billing"], "intent_given": ["slow", "refund"]},
    "texts": {"text": ["the light is red and slow tonight", "two weeks and my bank sees nothing"]},
}


@pytest.mark.parametrize("name", stages.NAMES)
def test_another_gold_set_changes_nothing_but_itself(name: str, samples: Dataset, tmp_path: Path) -> None:
    first = not_gold(perform(name, samples, tmp_path / "as_is"))
    for turn, other in GOLD.items():
        swapped = table.to_pandas(samples)
        swapped.loc[swapped["split"] == "gold", list(other)] = pd.DataFrame(other).to_numpy()
        again = table.from_pandas(table.resolve(swapped, TASKS), TASKS)
        pd.testing.assert_frame_equal(first, not_gold(perform(name, again, tmp_path / turn)), obj=turn)


def not_gold(result: stages.StageResult) -> pd.DataFrame:
    frame = table.to_pandas(result.samples)
    return frame[frame["split"] != "gold"].reset_index(drop=True)


def test_an_unknown_stage_is_named_with_its_nearest() -> None:
    with pytest.raises(Exception, match='did you mean "cleaning"'):
        stages.get("cleening")
