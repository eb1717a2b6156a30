"""Predictions of held-out train rows, by which promotion compares nights where there is no gold.

The exported model cannot be measured on them: it learned from every train row, and so did each model before it. What
can be measured is how it was made. A fifth of the ids, the same ones every night for they fall by a hash, is held
out: heads as the exported ones are (their weights of rows, their parent's probabilities as features), on the trunk
that is exported (a tuned one learns from no held-out row), are fitted without them and predict them, and a child's
label is decided together with its parent's as the exported model does it. Each night keeps these predictions under
the rows' ids; two nights are compared on the ids that both hold, by tonight's labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from datasets import Dataset

from tilth import store
from tilth.learn import decide
from tilth.samples import Task, picture_alone
from tilth.training.heads import Head
from tilth.training.inputs import TrainingSet
from tilth.training.views import PictureView, Wording

FitHead = Callable[[TrainingSet, Task, np.ndarray, np.ndarray, np.ndarray | None], Head]


@dataclass(frozen=True, kw_only=True)
class HeldOutAnswers:
    """Answers to the held-out rows by heads that did not learn from them.

    Attributes:
        rows: boolean, shape (rows,): those that are answered, labels in doubt among them.
        measured: for each task, those of them that nights are compared by, shape (rows,).
        codes: for each task, the class of each answered row, shape (answered rows,).
    """

    rows: np.ndarray
    measured: Mapping[str, np.ndarray]
    codes: Mapping[str, np.ndarray]


def answer_held_out(
    frame: pd.DataFrame,
    training_set: TrainingSet,
    heads: Sequence[Head],
    embeddings: np.ndarray,
    fit: FitHead,
    wording: Wording,
    pictures: PictureView,
    known: Mapping[str, np.ndarray],
) -> HeldOutAnswers | None:
    """Answers to the held-out rows; None where no row is held out by whose label nights are compared.

    Args:
        frame: the table.
        training_set: what the exported heads were fitted to.
        heads: the exported ones.
        embeddings: what they stand on, shape (rows, dimensions).
        fit: as `tilth.training.fitting.head_fitting.fit_task_head`.
        wording: the other view, pooled as the exported model pools it.
        pictures: the view of rows with a picture; of a picture alone it is the only one.
        known: for each task, the probabilities of its held-out rows (`training_set.measured`) by heads that were fitted
            without them, on labels that were propagated without theirs.
    """
    measured = {head.task.name: _measured(training_set, pictures, head.task) for head in heads}
    rows = np.any(list(measured.values()), axis=0)
    if not rows.any() or not _learned_without(training_set, pictures):
        return None
    for doubt in training_set.doubts.values():
        rows |= training_set.held_out & doubt.doubted
    probabilities = {
        head.task.name: _probabilities(training_set, head, embeddings, rows, fit, known[head.task.name])
        for head in heads
    }
    texts = frame["text"][rows]
    probabilities = wording.normalized(wording.mix_held_out(texts.tolist(), probabilities))
    probabilities = pictures.pool_held_out(probabilities, np.flatnonzero(rows))
    decided = decide([head.task.to_json() for head in heads], probabilities)
    return HeldOutAnswers(rows=rows, measured=measured, codes={name: codes for name, (codes, _) in decided.items()})


def write_predictions(
    frame: pd.DataFrame, tasks: Sequence[Task], answers: HeldOutAnswers, folder: Path
) -> dict[str, Path]:
    """Write the answers by which nights are compared into a folder, and return the artifact."""
    compared = np.any(list(answers.measured.values()), axis=0)
    predictions = pd.DataFrame({"id": frame["id"][compared], "text_digest": read_digests(frame[compared])})
    for task in tasks:
        name = task.name
        predictions[name] = frame[name].where(answers.measured[name], None)[compared]
        predictions[f"{name}_predicted"] = task.decoded(answers.codes[name][compared[answers.rows]])
    store.write_table(folder / store.HELD_OUT, Dataset.from_pandas(predictions, preserve_index=False))
    return {store.HELD_OUT: folder / store.HELD_OUT}


def read_digests(frame: pd.DataFrame) -> pd.Series:
    """A digest of what each row is read by: its text, and of a picture alone the picture's own."""
    digests: pd.Series = frame["text"].map(store.digest)
    alone = picture_alone(frame)
    return digests.where(~alone, frame["picture_digest"]) if alone.any() else digests


def _measured(training_set: TrainingSet, pictures: PictureView, task: Task) -> np.ndarray:
    """Held-out rows that a task is measured by, by their text or by a picture alone."""
    alone = pictures.measured(task)
    measured = training_set.measured(task)
    return measured if alone is None else measured | (alone & training_set.held_out)


def _learned_without(training_set: TrainingSet, pictures: PictureView) -> bool:
    """Whether anything is left to learn from beside the held-out rows."""
    by_picture = pictures.rows is not None and bool((pictures.rows.labeled & ~training_set.held_out).any())
    return by_picture or bool(training_set.outside_hold_out.any())


def _probabilities(
    training_set: TrainingSet,
    head: Head,
    embeddings: np.ndarray,
    rows: np.ndarray,
    fit: FitHead,
    known: np.ndarray,
) -> np.ndarray:
    """Of the rows in a mask, by a head like this one that is fitted without the held-out rows."""
    name = head.task.name
    if (training_set.propagated[name] & (training_set.codes[name] >= 0)).any():
        # The labels that were propagated know those of the held-out rows; here they were propagated without.
        probabilities = training_set.out_of_fold[name].probabilities.copy()
        probabilities[training_set.measured(head.task)] = known
        return probabilities[rows]
    parent = training_set.out_of_fold[str(head.task.parent)].probabilities if head.uses_parent else None
    refitted = fit(training_set, head.task, embeddings, training_set.outside_hold_out, parent)
    features = embeddings if parent is None else np.concatenate([embeddings, parent], axis=1)
    return refitted.with_temperature(head.temperature).probabilities(features[rows])
