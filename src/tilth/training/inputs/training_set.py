"""Which rows of a table are trained on, at which weight, and by which of them models are measured."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from tilth import samples as table
from tilth.learn import Focus, NamedClasses, OutOfFold
from tilth.notes import listed
from tilth.samples import Origin, Source, Task
from tilth.stage import Resources
from tilth.text import fold_of
from tilth.training.inputs.label_doubt import LabelDoubt, doubted_rows, label_doubt
from tilth.training.inputs.noisy_labels import NoisyLabels, noisy_labels

log = logging.getLogger(__name__)

FOLDS = 5


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """The rows that the night's model is trained on.

    Attributes:
        tasks: those with something to learn, parents first.
        codes: for each task, the class of each row, −1 where it is not trained on, shape (rows,).
        weights: for each task, shape (rows,).
        held_out: boolean, shape (rows,): the hold-out by which decisions are made; paraphrases fall with their source.
        original: boolean, shape (rows,): no paraphrase.
        propagated: for each task, boolean, shape (rows,): a model of the embeddings gave the row its label.
        out_of_fold: for each task, predictions by models that were not trained on the row; `labeled` are the rows to
            measure by.
        offsets: for tasks whose rare classes count for more, what is taken from each class's logit, shape (labels,).
        focuses: for each task, how the passages of long texts are weighed for it.
        doubts: for each task, how far its labels may be wrong; none where nothing is known of that.
        noisy: the tasks of whose labels many may be wrong, and the labels as they arrived.
        named: for each task, texts of its classes that heads learn from beside the rows; no row is one of them. Their
            vectors are those that the heads stand on.
    """

    tasks: tuple[Task, ...]
    codes: Mapping[str, np.ndarray]
    weights: Mapping[str, np.ndarray]
    held_out: np.ndarray
    original: np.ndarray
    propagated: Mapping[str, np.ndarray]
    out_of_fold: Mapping[str, OutOfFold]
    offsets: Mapping[str, np.ndarray] = field(default_factory=dict)
    focuses: Mapping[str, Focus] = field(default_factory=dict)
    doubts: Mapping[str, LabelDoubt] = field(default_factory=dict)
    noisy: Mapping[str, NoisyLabels] = field(default_factory=dict)
    named: Mapping[str, NamedClasses] = field(default_factory=dict)

    @property
    def labeled(self) -> np.ndarray:
        """Rows that are trained on for any task."""
        return np.any([codes >= 0 for codes in self.codes.values()], axis=0)

    @property
    def outside_hold_out(self) -> np.ndarray:
        """Rows that are trained on for any task and are not held out."""
        return self.labeled & ~self.held_out

    def measured(self, task: Task) -> np.ndarray:
        """The held-out rows that a task is measured by."""
        return np.asarray(self.held_out & self.out_of_fold[task.name].labeled)

    @cached_property
    def softening(self) -> dict[str, float]:
        """For each task, what a temperature fitted to its measured rows is multiplied by: labels may be wrong."""
        factors = {name: doubt.softening(self.out_of_fold[name]) for name, doubt in self.doubts.items()}
        return {task.name: factors.get(task.name, 1.0) for task in self.tasks}

    def named_texts(self) -> tuple[list[str], dict[str, np.ndarray]]:
        """The texts of all tasks' classes, and for each task their codes, -1 for those of another task's classes."""
        named = [(task.name, self.named[task.name]) for task in self.tasks if task.name in self.named]
        none = np.zeros(0, dtype=np.int64)
        codes = {
            task.name: np.concatenate(
                [none, *(np.where(name == task.name, one.codes, -1) for name, one in named)], dtype=np.int64
            )
            for task in self.tasks
        }
        return [text for _, one in named for text in one.texts], codes

    @property
    def named_facts(self) -> dict[str, dict[str, Any]]:
        """For each task of whose classes texts were tried, what was measured, for `run.json`."""
        return {task: dict(named.facts) for task, named in self.named.items() if named.facts}

    def without_propagated(self) -> TrainingSet:
        """The same without the labels that a model of the embeddings gave."""
        codes = {name: np.where(self.propagated[name], -1, values) for name, values in self.codes.items()}
        return replace(self, codes=codes)


def training_set_of(frame: pd.DataFrame, tasks: tuple[Task, ...], resources: Resources) -> TrainingSet:
    """The rows of a table that these tasks are trained on."""
    original = (frame["source"] != Source.PARAPHRASE).to_numpy()
    codes, weights, propagated, out_of_fold, focuses, doubts = {}, {}, {}, {}, {}, {}
    noisy, named, folds = {}, {}, folds_of(frame)
    for task in tasks:
        learnable = table.learnable(frame, task.name)
        codes[task.name] = np.where(learnable, task.codes(frame[task.name]), -1)
        weights[task.name] = table.sample_weights(frame, task.name)
        # A paraphrase beside its source in another fold would flatter the estimate, and what a model propagated is no
        # truth to measure by, so that neither takes part.
        given = frame[task.name].where(table.settled(frame, task.name) & original, None).tolist()
        if (found := noisy_labels(frame, task, np.where(original, codes[task.name], -1), folds)) is not None:
            noisy[task.name] = found
        propagated[task.name] = learnable & frame[f"{task.name}_origin"].eq(Origin.PROPAGATED).to_numpy(dtype=bool)
        doubted = doubted_rows(frame, task.name, propagated[task.name]) & original
        doubts[task.name] = label_doubt(frame, task, codes[task.name], doubted)
        focuses[task.name] = resources.evidence.focus(task, given)
        named[task.name] = NamedClasses() if task.name in noisy else resources.evidence.named(task, given)
        if propagated[task.name].any() and focuses[task.name].weights is None:
            out_of_fold[task.name] = resources.evidence.self_trained(task, given, table.unlabeled(frame, task.name))
        else:
            alone = resources.evidence.out_of_fold(task, given)
            out_of_fold[task.name] = named[task.name].out_of_fold or alone
    return TrainingSet(
        tasks=tasks,
        codes=codes,
        weights=weights,
        held_out=folds == 0,
        original=original,
        propagated=propagated,
        out_of_fold=out_of_fold,
        focuses=focuses,
        doubts=doubts,
        noisy=noisy,
        named=named,
    )


def classes_without_rows(
    training_set: TrainingSet, tasks: Sequence[Task], pictures: Mapping[str, np.ndarray]
) -> dict[str, list[str]]:
    """For each task that lacks any, the classes that no row is trained on, which the model can never answer.

    A warning says so: labels that a config declares may be misspelled there, or not labeled yet.

    Args:
        training_set: what texts teach.
        tasks: of the night, also those that nothing teaches.
        pictures: for each task that pictures teach, the class of each row, −1 for none, shape (rows,).
    """
    found: dict[str, list[str]] = {}
    for task in tasks:
        known = {code for codes in (training_set.codes, pictures) for code in np.unique(codes.get(task.name, []))}
        if gone := [label for code, label in enumerate(task.labels) if code not in known]:
            found[task.name] = gone
            if len(gone) == len(task.labels):
                log.warning('task "%s": no row to learn from has a label, so it has no answers', task.name)
            else:
                what = "this class is" if len(gone) == 1 else "these classes are"
                log.warning('task "%s": no row to learn from is %s; %s never answered', task.name, listed(gone), what)
    return found


def folds_of(frame: pd.DataFrame) -> np.ndarray:
    """The fold of each row, shape (rows,): paraphrases fall with their source; 0 is the hold-out."""
    family = frame["parent_id"].where(frame["source"] == Source.PARAPHRASE, frame["id"]).fillna(frame["id"])
    return np.array([fold_of(row_id, FOLDS) for row_id in family], dtype=np.int64)
