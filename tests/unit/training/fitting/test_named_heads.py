"""Heads that learn from the classes' names beside the rows, whose number and order stay as they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.small_table import TASKS, HashingEncoder, make_table
from tests.unit.training.tiny_encoder import FROZEN, TUNED, FolderEncoder, resources
from tilth import samples as table
from tilth import training
from tilth.learn import Evidence, NamedClasses, class_texts
from tilth.samples import Task
from tilth.training.evaluation import class_names
from tilth.training.fitting.head_fitting import fit_task_head
from tilth.training.heads import IMPOSSIBLE
from tilth.training.inputs import TrainingSet, named_by, relabeled, tuning_rows
from tilth.training.inputs.training_set import training_set_of
from tilth.training.views import WordingTrial

TASK = Task(name="t", labels=("a", "b", "c"))
VECTORS = np.eye(3, dtype=np.float32)[[0, 0, 1, 1]]


def rows(named: NamedClasses) -> TrainingSet:
    """Two rows of two classes each; none of the third."""
    none = np.zeros(4, dtype=bool)
    return TrainingSet(
        tasks=(TASK,),
        codes={"t": np.array([0, 0, 1, 1])},
        weights={"t": np.ones(4)},
        held_out=none,
        original=~none,
        propagated={"t": none},
        out_of_fold={},
        named={"t": named},
    )


def names(vectors: np.ndarray) -> NamedClasses:
    return NamedClasses(texts=("one", "two", "three"), vectors=vectors, codes=np.arange(3))


def test_a_head_learns_from_names_as_from_rows_of_weight_one() -> None:
    vectors = np.eye(3, dtype=np.float32)[[2, 1, 0]]
    head = fit_task_head(rows(names(vectors)), TASK, VECTORS, np.ones(4, dtype=bool))
    by_hand = rows(NamedClasses())
    by_hand = replace(by_hand, codes={"t": np.array([0, 0, 1, 1, 0, 1])}, weights={"t": np.ones(6)})
    both = np.concatenate([VECTORS, vectors[:2]])
    expected = fit_task_head(by_hand, TASK, both, np.ones(6, dtype=bool))
    assert head.weight == pytest.approx(expected.weight, abs=1e-4)
    assert head.bias == pytest.approx(expected.bias, abs=1e-4)  # of the third class, which no row has, IMPOSSIBLE
    without = fit_task_head(rows(NamedClasses()), TASK, VECTORS, np.ones(4, dtype=bool))
    assert not np.allclose(head.weight, without.weight, atol=1e-2)


def test_a_name_has_the_parent_that_rows_of_its_class_have() -> None:
    """Where the vectors say nothing, a head by the parent's probabilities is the same with names and without."""
    parent = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.0, 1.0]], dtype=np.float32)
    nothing = np.zeros((4, 3), dtype=np.float32)
    everywhere = np.ones(4, dtype=bool)
    head = fit_task_head(rows(names(np.zeros((3, 3), dtype=np.float32))), TASK, nothing, everywhere, parent)
    assert head.weight.shape == (3, 5)
    by_hand = replace(rows(NamedClasses()), codes={"t": np.array([0, 0, 1, 1, 0, 1])}, weights={"t": np.ones(6)})
    more = np.concatenate([parent, [[0.8, 0.2], [0.1, 0.9]]]).astype(np.float32)
    expected = fit_task_head(by_hand, TASK, np.zeros((6, 3), dtype=np.float32), np.ones(6, dtype=bool), more)
    assert head.weight == pytest.approx(expected.weight, abs=1e-4)


def test_the_encoder_is_trained_on_names_after_the_rows() -> None:
    made = rows(names(VECTORS[:3]))
    found = tuning_rows(pd.Series(["p", "q", "r", "s"]), made, np.array([0, 3]))
    assert list(found.texts) == ["p", "s", "one", "two", "three"]
    assert found.codes["t"].tolist() == [0, 1, 0, 1, 2]
    assert found.measured.tolist() == [False] * 5
    by_trained = np.arange(15, dtype=np.float32).reshape(5, 3)
    assert named_by(made, by_trained[2:])["t"].vectors.tolist() == by_trained[2:].tolist()
    assert named_by(rows(NamedClasses()), by_trained[5:])["t"].texts == ()


def test_a_word_that_one_text_shares_with_its_name_is_learned() -> None:
    texts = ["my money", "the money", "a box", "one box parcel"]
    known = [rows(one) for one in (NamedClasses(), replace(names(VECTORS[:3]), texts=("refund", "parcel", "card")))]
    trials = [WordingTrial(texts, one, training.Config()) for one in known]
    without, learned = (features for features, _ in (trial.fitted for trial in trials))
    assert "parcel" not in without.names["words"]  # two texts are needed
    assert "parcel" in learned.names["words"]
    (head,) = trials[1].fitted[1]
    assert head.logits(learned.transform(["parcel"])).argmax(axis=1).tolist() == [1]
    assert head.bias[2] == IMPOSSIBLE  # no row is a card


def test_rows_labeled_anew_are_those_without_a_label_and_no_name() -> None:
    made = rows(names(np.eye(3, dtype=np.float32)))
    marks = np.array([False, True, False, False])
    found = relabeled(replace(made, propagated={"t": marks}), VECTORS, marks, ~marks)
    assert found.codes["t"].tolist() == [0, 0, 1, 1]


def night(samples: Any, encoder: Any, folder: Path, wanted: str) -> Any:
    """What training is handed, with the classes' names."""
    given = resources(samples, encoder, folder)
    texts = class_texts(TASKS, {}, wanted)
    evidence = Evidence(samples, encoder=encoder, cache=given.evidence.cache, class_texts=texts)
    return replace(given, evidence=evidence)


@pytest.mark.parametrize("config", [FROZEN, TUNED])
def test_a_night_with_names_counts_its_rows_alone(config: training.Config, folder: Path, tmp_path: Path) -> None:
    samples = make_table()
    never, always = (
        training.run(samples, config, night(samples, FolderEncoder(folder), tmp_path / wanted, wanted))
        for wanted in ("never", "always")
    )
    assert "class_names" not in never.metrics
    facts = always.metrics["class_names"]
    assert facts["intent"]["texts"] == 3
    assert facts["intent"]["kept"]
    assert always.metrics["rows"] == never.metrics["rows"] == 8
    assert always.metrics["gold_rows"] == never.metrics["gold_rows"]
    assert always.samples.num_rows == never.samples.num_rows
    assert any(figure.title.startswith("What the classes are called") for figure in always.figures)


def test_names_that_nobody_wants_change_no_answer(tmp_path: Path) -> None:
    samples = make_table()
    given = resources(samples, HashingEncoder(), tmp_path / "without")
    plain = training_set_of(table.to_pandas(samples), TASKS, given)
    never = night(samples, HashingEncoder(), tmp_path / "never", "never")
    off = training_set_of(table.to_pandas(samples), TASKS, never)
    assert off.named_facts == {}
    for task in TASKS:
        vectors = given.evidence.embeddings()
        heads = [fit_task_head(one, task, vectors, one.labeled) for one in (plain, off)]
        assert np.array_equal(heads[0].weight, heads[1].weight)
        found = [one.out_of_fold[task.name].probabilities for one in (plain, off)]
        assert np.array_equal(*found)


def test_the_page_says_which_names_are_learned_from() -> None:
    facts = {
        "t": {
            "texts": 3, "held_out_rows": 40, "accuracy": {"rows": 0.5, "rows_and_names": 0.6},
            "likelihood_gain": 3.0, "kept": True,
        },
        "u": {"texts": 2, "held_out_rows": 8, "agreement": 0.2, "why": "too few", "kept": False},
    }  # fmt: skip
    (figure,) = class_names(facts)
    assert figure.data["rows"] == [
        ["t", 3, 40, 0.5, 0.6, 3.0, None, "learned from"],
        ["u", 2, 8, None, None, None, 0.2, "left out"],
    ]
    assert class_names({}) == []
