"""Which mode `auto` takes, with how many steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tilth.config import load
from tilth.learn import OutOfFold
from tilth.samples import Task
from tilth.training.fitting.mode_choice import choose_mode
from tilth.training.inputs.config import Config
from tilth.training.inputs.training_set import TrainingSet
from tilth.training.modes import MODES


def rows(labels: int, classes: int, wrong: int | None = None) -> TrainingSet:
    """So many labeled rows of one task, as many of each class, every fifth held out; a probe gets so many wrong."""
    task = Task(name="t", labels=tuple(map(str, range(classes))))
    codes, none = np.arange(labels) % classes, np.zeros(labels, dtype=bool)
    predicted = np.where(np.arange(labels) < (labels if wrong is None else wrong), codes + 1, codes) % classes
    probabilities = np.eye(classes, dtype=np.float32)[predicted]
    return TrainingSet(
        tasks=(task,),
        codes={"t": codes},
        weights={"t": np.ones(labels)},
        held_out=np.arange(labels) % 5 == 0,
        original=~none,
        propagated={"t": none},
        out_of_fold={"t": OutOfFold(probabilities=probabilities, labeled=~none, temperature=1.0)},
    )


@pytest.mark.parametrize(
    ("labels", "classes", "settings", "accelerated", "mode", "steps"),
    [
        (50, 10, {}, False, "contrastive", 19),  # 12 passes over the labels in batches of 32
        (100, 10, {"passes": 999}, False, "contrastive", 333),  # 150 / 0.45
        (400, 10, {}, False, "top", 75),
        (400, 10, {}, True, "full", 3000),
        (2000, 10, {}, False, "full", 150),
        (4000, 10, {}, False, "full", 150),
        (4001, 10, {}, False, "top", 333),
        (4001, 10, {"steps": 9}, False, "top", 20),
        (4001, 10, {}, True, "full", 3000),
        (4001, 10, {"mode": "full", "steps": 9}, False, "full", 9),
        (50, 10, {"head": "liquid"}, False, "full", 150),  # which no other mode trains
        (4001, 10, {"processes": 2}, False, "full", 150),
        (4001, 10, {"mode": "probe"}, True, "probe", 150),
    ],
)
def test_auto_goes_by_labels_hardware_and_steps(
    labels: int, classes: int, settings: dict[str, Any], accelerated: bool, mode: str, steps: int
) -> None:
    choice = choose_mode(Config(**settings), rows(labels, classes), trainable=True, accelerated=accelerated)
    assert (choice.mode, choice.steps) == (mode, steps)
    assert str(labels) in choice.why


@pytest.mark.parametrize(
    ("labels", "wrong", "settings", "mode"),
    [
        (300, 9, {}, "probe"),  # of 60 held-out rows 1.8 are expected to be wrong, and training mends 0.9
        (300, 10, {}, "top"),
        (50, 1, {}, "probe"),
        (50, 10, {}, "contrastive"),
        (10000, 9, {}, "probe"),
        (300, 9, {"mode": "top"}, "top"),
    ],
)
def test_where_training_could_mend_less_than_a_held_out_row_nothing_is_trained(
    labels: int, wrong: int, settings: dict[str, Any], mode: str
) -> None:
    choice = choose_mode(Config(**settings), rows(labels, 10, wrong), trainable=True, accelerated=False)
    assert choice.mode == mode
    assert (choice.steps == 0) == (mode == "probe")


@pytest.mark.parametrize(
    ("labels", "steps", "faster"),
    [(400, 75, 2), (800, 100, 1.5), (1200, 150, 1), (1999, 150, 1), (4001, 333, 4)],
)
def test_few_labels_take_fewer_and_larger_steps_and_many_larger_ones(labels: int, steps: int, faster: float) -> None:
    choice = choose_mode(Config(), rows(labels, 10), trainable=True, accelerated=False)
    assert (choice.mode, choice.steps, choice.faster) == ("top", steps, faster)


def test_nothing_to_measure_by_trains_nothing() -> None:
    choice = choose_mode(Config(mode="full"), rows(50, 10), trainable=False, accelerated=False)
    assert (choice.mode, choice.why) == ("probe", "no held-out row or no model folder")


def test_every_mode_of_the_config_is_registered() -> None:
    named = Config.model_json_schema()["properties"]["mode"]["enum"]
    assert {*named} == {"auto", *MODES}


@pytest.mark.parametrize(("old", "new"), [("frozen", "probe"), ("tuned", "full"), ("auto", "auto")])
def test_the_key_of_an_older_release_still_works(old: str, new: str) -> None:
    assert Config.model_validate({"trunk": old}).mode == new
    assert Config.model_validate({"trunk": old, "mode": "top"}).mode == "top"


def test_the_old_key_is_said_to_be_old(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "tilth.toml").write_text('[training]\ntrunk = "frozen"\n', encoding="utf-8")
    settings = load(tmp_path / "tilth.toml", {}, {"training": Config})
    assert settings.model_dump()["training"]["mode"] == "probe"
    assert "training.mode takes its place" in caplog.text
