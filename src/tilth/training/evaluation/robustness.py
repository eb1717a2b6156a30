"""Whether the exported model's answer survives a paraphrase that keeps its label, and the rows of which it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tilth.samples import Origin, Source, Split, Status, Task
from tilth.stage import Figure, Question, register_source

if TYPE_CHECKING:
    from tilth.training.export import Answers

FLIPS = "paraphrase_flips"
_MOST = 200
"""Rows that are handed on, those of the largest doubt: several nights' queues."""
_CLASSES = 40  # shown at most

register_source(FLIPS, seconds=4.0)  # a label that stands there already, and reading the answer that speaks against it


@dataclass(frozen=True)
class Robustness:
    """What accepted paraphrases say of the exported model.

    Attributes:
        metrics: for each task `pairs` of a row and a paraphrase, the share of them that is `answered_alike`, and how
            many of the paraphrases were `learned_from`, which makes that share too good.
        figures: the same by class.
        questions: rows whose paraphrases get another answer, for the next night's queue.
    """

    metrics: Mapping[str, Any] = field(default_factory=dict)
    figures: Sequence[Figure] = ()
    questions: tuple[Question, ...] = ()


def measure_robustness(frame: pd.DataFrame, tasks: Sequence[Task], answers: Answers) -> Robustness:
    """Compares the answers for accepted paraphrases with those for the rows that they came from.

    Args:
        frame: the table.
        tasks: those that the model answers, parents first; the last one's label is asked.
        answers: the exported model's, one a row.
    """
    if "accepted" not in frame:
        return Robustness()
    accepted = frame["source"].eq(Source.PARAPHRASE) & frame["accepted"].eq(True) & frame["status"].eq(Status.ACTIVE)
    children = np.flatnonzero(accepted)
    place = {row_id: number for number, row_id in enumerate(frame["id"])}
    parents = np.array([place[row_id] for row_id in frame["parent_id"].iloc[children]], dtype=np.int64)
    metrics, rows = {}, []
    for task in tasks:
        labels, codes = task.codes(frame[task.name]), answers.codes[task.name]
        pairs = (labels[parents] >= 0) & (codes[parents] >= 0)
        if not pairs.any():
            continue
        alike = codes[children[pairs]] == codes[parents[pairs]]
        learned = frame["used"].iloc[children[pairs]].eq(True)
        metrics[task.name] = {
            "pairs": len(alike),
            "answered_alike": round(float(alike.mean()), 4),
            "learned_from": int(learned.sum()),
        }
        for code in np.unique(labels[parents[pairs]]):
            of_class = labels[parents[pairs]] == code
            rows.append([task.name, task.labels[code], int(of_class.sum()), round(float(alike[of_class].mean()), 3)])
    if not rows:
        return Robustness()
    return Robustness(metrics, _figures(metrics, rows), _questions(frame, tasks[-1], answers, children, parents))


def _figures(metrics: Mapping[str, Any], rows: Sequence[list[Any]]) -> list[Figure]:
    shown = sorted(rows, key=lambda row: (row[3], -row[2]))[:_CLASSES]
    counts = {name: sum(found[name] for found in metrics.values()) for name in ("pairs", "learned_from")}
    return [
        Figure(
            kind="table",
            title="Does an answer survive a paraphrase?",
            data={"columns": ["task", "label", "paraphrases", "answered alike"], "rows": shown},
            note="By class, the lowest first: the share of accepted paraphrases, which keep their row's label, that "
            f"get the row's answer. The model learned from {counts['learned_from']} of these {counts['pairs']}; of "
            "them it is surer than it would be of new ones.",
        )
    ]


def _questions(
    frame: pd.DataFrame, task: Task, answers: Answers, children: np.ndarray, parents: np.ndarray
) -> tuple[Question, ...]:
    """Labeled rows of which a paraphrase gets another answer, the most doubtful first; what a person said stands."""
    codes, labels = answers.codes[task.name], task.codes(frame[task.name])
    doubtful: dict[int, tuple[float, int, int, int]] = {}
    for parent in np.unique(parents).tolist():
        own = children[parents == parent]
        flipped = own[codes[own] != codes[parent]]
        asked = frame["split"].iloc[parent] != Split.GOLD and frame["status"].iloc[parent] == Status.ACTIVE
        asked &= frame[f"{task.name}_origin"].iloc[parent] != Origin.ANNOTATOR
        if asked and labels[parent] >= 0 and len(flipped):
            doubt = 1 - float(answers.probabilities[task.name][[parent, *own], labels[parent]].mean())
            other = int(np.bincount(codes[flipped][codes[flipped] >= 0], minlength=len(task.labels)).argmax())
            doubtful[parent] = doubt, other, len(flipped), len(own)
    most = sorted(doubtful, key=lambda parent: (-doubtful[parent][0], parent))[:_MOST]
    return tuple(_question(frame, task, parent, *doubtful[parent]) for parent in most)


def _question(
    frame: pd.DataFrame, task: Task, parent: int, doubt: float, other: int, flipped: int, count: int
) -> Question:
    return Question.about(
        str(frame["id"].iloc[parent]),
        str(frame["text"].iloc[parent]),
        detector=FLIPS,
        reason=f"said in other words, it gets another answer: {flipped} of its {count} paraphrases do",
        doubt=float(np.clip(doubt, 0, 1)),
        task=task.name,
        belief=str(task.labels[other]),
    )
