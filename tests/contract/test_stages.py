"""What every registered stage must keep, whatever it does; a new stage is tested by being registered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from datasets import Dataset
from snorkel.labeling import LabelingFunction

from tests.conftest import TASKS, HashingEncoder, make_table
from tilth import samples as table
from tilth import stage as stages
from tilth.evidence import Evidence
from tilth.store import Cache, digest_table
from tilth.weak_supervision.loader import LoadedFunction

# What keeps a stage quick here; a stage that is not named runs by its defaults.
QUICK: dict[str, dict[str, Any]] = {
    "augmentation": {
        "sources": 3,
        "candidates": 2,
        "inference_steps": 2,
        "grammar": "denoiser",
        "max_heldout_loss": 50.0,
        "adapt": {"steps": 1, "low": 0.2},
    }
}


def function(name: str, term: str, label: str) -> LoadedFunction:
    voter = LabelingFunction(name, lambda x: label if term in x.text else -1)
    return LoadedFunction(task="intent", name=name, function=voter, fingerprint=name)


FUNCTIONS = (
    function("refunds", "refund", "refund"),
    function("slowness", "slow", "slow"),
    function("red", "red light", "outage"),
)


def perform(name: str, samples: Dataset, folder: Path, **config: Any) -> stages.StageResult:
    (folder / "scratch").mkdir(parents=True)
    evidence = Evidence(samples, encoder=HashingEncoder(), cache=Cache(folder / "cache"))  # type: ignore[arg-type]
    resources = stages.Resources(
        tasks=TASKS, seed=0, evidence=evidence, scratch=folder / "scratch", labeling_functions=FUNCTIONS
    )
    return stages.perform(name, samples, stages.get(name).Config(**{**QUICK.get(name, {}), **config}), resources)


@pytest.mark.parametrize("name", stages.NAMES)
def test_the_input_is_left_as_it_was(name: str, samples: Dataset, tmp_path: Path) -> None:
    before = digest_table(samples)
    perform(name, samples, tmp_path)
    assert digest_table(samples) == before


def test_the_labeling_functions_of_these_tests_do_label(samples: Dataset, tmp_path: Path) -> None:
    result = perform("weak_supervision", samples, tmp_path)
    assert result.skipped is None
    assert (table.to_pandas(result.samples)["intent_weak_confidence"] > 0).any()


@pytest.mark.parametrize("name", stages.NAMES)
def test_the_same_seed_gives_the_same_table(name: str, samples: Dataset, tmp_path: Path) -> None:
    first, second = (perform(name, samples, tmp_path / turn) for turn in ("first", "second"))
    assert digest_table(first.samples) == digest_table(second.samples)


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
@pytest.mark.parametrize("other", GOLD.values(), ids=GOLD)
def test_another_gold_set_changes_nothing_but_itself(
    other: dict[str, list[str]], name: str, samples: Dataset, tmp_path: Path
) -> None:
    swapped = table.to_pandas(samples)
    swapped.loc[swapped["split"] == "gold", list(other)] = pd.DataFrame(other).to_numpy()
    again = table.from_pandas(table.resolve(swapped, TASKS), TASKS)
    outcomes = [
        table.to_pandas(perform(name, rows, tmp_path / turn).samples)
        for turn, rows in (("as_is", samples), ("swapped", again))
    ]
    first, second = (out[out["split"] != "gold"].reset_index(drop=True) for out in outcomes)
    pd.testing.assert_frame_equal(first, second)


def test_a_stage_that_writes_a_column_of_another_is_named(
    samples: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Meddler:
        Config = stages.get("cleaning").Config

        @staticmethod
        def run(samples: Dataset, config: Any, resources: Any) -> stages.StageResult:
            frame = table.to_pandas(samples).assign(acquisition_score=1.0)
            return stages.StageResult(samples=table.from_pandas(frame, TASKS))

    monkeypatch.setattr(stages, "get", lambda name: Meddler)
    with pytest.raises(Exception, match=r'cleaning changed column "acquisition_score", which active_learning owns'):
        perform("cleaning", samples, tmp_path)


def test_an_unknown_stage_is_named_with_its_nearest() -> None:
    with pytest.raises(Exception, match='did you mean "cleaning"'):
        stages.get("cleening")
