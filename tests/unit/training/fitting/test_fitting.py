"""Which labels the heads and the trunk learn from, and at what weight."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.small_table import TASKS, HashingEncoder, make_table
from tests.unit.training.tiny_encoder import FROZEN, TUNED, FolderEncoder, resources
from tilth import samples as table
from tilth import training
from tilth.samples import Task
from tilth.training.fitting import fitting
from tilth.training.fitting.mode_choice import Choice
from tilth.training.heads import fit_head
from tilth.training.inputs.pseudo_labels import propagated_rows, relabeled
from tilth.training.inputs.training_set import training_set_of


def test_a_paraphrase_counts_by_its_weight(tmp_path: Path) -> None:
    frame = table.to_pandas(make_table())
    twin = frame.iloc[[0]].assign(
        id="p", source="paraphrase", parent_id=frame["id"][0], label_agreement=0.8, used=True, weight=0.25
    )
    samples = table.from_pandas(table.resolve(pd.concat([frame, twin], ignore_index=True), TASKS), TASKS)
    rows = training_set_of(table.to_pandas(samples), TASKS, resources(samples, HashingEncoder(), tmp_path))
    assert rows.labeled[-1]
    assert rows.weights["intent"][-1] == pytest.approx(0.25 * 0.8)
    assert rows.weights["intent"][0] == 1


def test_propagated_labels_teach_the_heads_and_no_trunk(folder: Path, tmp_path: Path) -> None:
    frame = table.to_pandas(make_table())
    more = frame[frame["split"] == "train"].assign(split="unlabeled", area_given=None, intent_given=None)
    more = more.assign(id=[f"p{row}" for row in more["id"]], text=[f"my {text}" for text in more["text"]])
    more["area"], more["intent"] = more["area"].iloc[::-1].tolist(), more["intent"].iloc[::-1].tolist()  # mistakes
    for name in ("area", "intent"):
        more[f"{name}_origin"], more[f"{name}_confidence"] = "propagated", 0.9
    both = pd.concat([frame, more], ignore_index=True)
    found = {}
    for name, rows in (("without", frame), ("with", both)):
        samples = table.from_pandas(rows, TASKS)
        given = resources(samples, FolderEncoder(folder), tmp_path / name)
        found[name] = training.run(samples, TUNED, given).metrics["trunk"]
        frozen = training.run(samples, FROZEN, resources(samples, HashingEncoder(), tmp_path / f"{name}-frozen"))
        assert frozen.metrics["rows"] == int((rows["intent"].notna() & (rows["split"] != "gold")).sum())
    assert found["with"]["chosen"] == "tuned"
    assert found["with"]["held_out_rows"] == found["without"]["held_out_rows"] > 0
    tuning = [one["fine_tuning"] for one in found.values()]
    assert tuning[0] == tuning[1]  # the encoder learned from the same rows


def test_the_encoder_is_trained_as_was_chosen(folder: Path, tmp_path: Path) -> None:
    samples = make_table()
    given = resources(samples, FolderEncoder(folder), tmp_path)
    frame = table.to_pandas(samples)
    choice = Choice(mode="top", steps=7, why="few labels", faster=2)
    job = fitting._job(frame, training_set_of(frame, TASKS, given), training.Config(), choice, given, folder)
    assert (job.config.steps, job.config.learning_rate) == (7, 2 * training.Config().learning_rate)


def test_one_class_and_two_classes_and_a_class_without_rows() -> None:
    task = Task(name="t", labels=("a", "b", "c"))
    features, ones = np.eye(3, dtype=np.float32), np.ones(3)
    one = fit_head(task, features, np.array([1, 1, 1]), ones, uses_parent=False)
    assert one.probabilities(features).argmax(1).tolist() == [1, 1, 1]
    two = fit_head(task, features, np.array([2, 0, 0]), ones, uses_parent=False)
    assert two.probabilities(features).argmax(1).tolist() == [2, 0, 0]
    assert two.probabilities(features)[:, 1].max() < 1e-9


def test_a_trained_encoder_labels_anew_what_the_one_that_came_had_labeled(tmp_path: Path) -> None:
    """Two directions, two classes; a row that was labeled wrongly gets the label of the rows beside it."""
    samples = make_table()
    rows = training_set_of(table.to_pandas(samples), TASKS, resources(samples, HashingEncoder(), tmp_path))
    codes = {name: values.copy() for name, values in rows.codes.items()}
    wrong = np.flatnonzero(codes["area"] == 0)[0]  # of billing; now "propagated" as network
    codes["area"][wrong] = 1
    marks = {name: np.zeros(len(values), dtype=bool) for name, values in codes.items()}
    marks["area"][wrong] = True
    rows = replace(rows, codes=codes, propagated=marks)
    vectors = np.zeros((len(rows.original), 2), dtype=np.float32)
    vectors[np.arange(len(vectors)), (rows.codes["area"] == 1).astype(int)] = 1
    vectors[wrong] = [1.0, 0.0]
    known = rows.without_propagated().labeled
    found = relabeled(rows, vectors, propagated_rows(rows), known)
    assert found.codes["area"][wrong] == 0
    assert 0.5 < found.weights["area"][wrong] <= 1
    others = np.arange(len(vectors)) != wrong
    assert (found.codes["area"][others] == rows.codes["area"][others]).all()
    nothing = relabeled(rows, vectors, np.zeros(len(vectors), dtype=bool), known)
    assert nothing.codes["area"][wrong] == -1
