"""`queue.csv`: one line a question, for a person to fill in."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from tilth.active_learning.queue.candidates import QueueInputs
from tilth.active_learning.queue.selection import Queue
from tilth.learn import Evidence, decide, fit_predict
from tilth.samples import Task, settled_by_any

_LIKELY = 3
_MANY = 20_000
"""Labels from which the probes of the folds, which are fitted already, know as much as one of all labels but those of
the asked rows. To fit that one took 38 of the 96 CPU seconds of a night on 100,000 rows of which 1% were new."""


def queue_sheet(queue: Queue, inputs: QueueInputs, evidence: Evidence) -> pd.DataFrame:
    """One row a question, in order, every column filled but the answers.

    Args:
        queue: which rows, and why.
        inputs: what the queue was made from.
        evidence: of the whole table.

    Returns:
        `rank`, `id`, `text`, `picture` (its file; no such column without pictures), `detector`, `reason`, `belief`
        (labels of the finest task with their probability, likeliest first), `group` (JSON: ids of near copies that the
        answer stands for too; empty where there are none), for each task `_suggested` and `_confidence`, `score` (rows
        set right a minute; empty for rows by lot), and for each task an empty `_answer`.
    """
    rows = queue.lines["row"].to_numpy(dtype=np.int64)
    frame = inputs.frame
    sheet = pd.DataFrame(
        {
            "rank": np.arange(1, len(rows) + 1),
            "id": frame["id"].to_numpy(dtype=object)[rows],
            "text": frame["text"].to_numpy(dtype=object)[rows],
            **_pictures(frame, rows),
            "detector": queue.lines["detector"].to_numpy(dtype=object),
            "reason": queue.lines["reason"].to_numpy(dtype=object),
        }
    )
    probabilities = {task.name: _probabilities(inputs, rows, evidence, task) for task in inputs.tasks}
    sheet["belief"] = _beliefs(probabilities[inputs.task.name], inputs.task.labels)
    sheet["group"] = [json.dumps(ids, ensure_ascii=False) if ids else "" for ids in queue.lines["group"]]
    for task, codes in zip(inputs.tasks, _agreeing(inputs, probabilities), strict=True):
        known = (codes >= 0) & ~np.isnan(probabilities[task.name][:, 0])
        confidence = probabilities[task.name][np.arange(len(rows)), codes].astype(float)
        sheet[f"{task.name}_suggested"] = task.decoded(np.where(known, codes, -1))
        sheet[f"{task.name}_confidence"] = np.where(known, confidence.round(4), np.nan)
    sheet["score"] = queue.lines["rate"].to_numpy(dtype=float).round(4)
    for task in inputs.tasks:
        sheet[f"{task.name}_answer"] = ""
    return sheet


def _pictures(frame: pd.DataFrame, rows: np.ndarray) -> dict[str, np.ndarray]:
    """The column of pictures' files, for who answers elsewhere than on the label page; none without pictures."""
    if "picture_path" not in frame or frame["picture_path"].isna().all():
        return {}
    return {"picture": frame["picture_path"].to_numpy(dtype=object)[rows]}


def _probabilities(inputs: QueueInputs, rows: np.ndarray, evidence: Evidence, task: Task) -> np.ndarray:
    """The linear probe's probabilities of one task's labels; NaN where labels are of no two classes.

    A row that is asked is predicted as if it had no label of its own.
    """
    labeled = settled_by_any(inputs.frame, task.name)
    if labeled.sum() >= _MANY and evidence.pictures is None:
        return evidence.out_of_fold(task, inputs.frame[task.name].where(labeled, None).tolist()).probabilities[rows]
    labeled[rows] = False
    codes, vectors = task.codes(inputs.frame[task.name]), evidence.joint_embeddings()
    if len(np.unique(codes[labeled])) < 2:
        return np.full((len(rows), len(task.labels)), np.nan)
    return fit_predict(vectors[labeled], codes[labeled], vectors[rows], len(task.labels))


def _agreeing(inputs: QueueInputs, probabilities: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Each task's suggested codes: the likeliest label of the finest task, those above it that go with it, and so on.

    Of labels in doubt the finest task's own model is right more often than its product with those above it.
    """
    known = {name: np.nan_to_num(one) for name, one in probabilities.items()}
    finest = inputs.task.name
    likeliest = np.eye(len(inputs.task.labels))[known[finest].argmax(axis=1)]
    decided = decide([task.to_json() for task in inputs.tasks], {**known, finest: likeliest})
    return [decided[task.name][0] for task in inputs.tasks]


def _beliefs(probabilities: np.ndarray, labels: tuple[str, ...]) -> list[str]:
    if np.isnan(probabilities).any():
        return [""] * len(probabilities)
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :_LIKELY]
    return [
        " · ".join(f"{labels[code]} {row[code]:.2f}" for code in best)
        for row, best in zip(probabilities, order, strict=True)
    ]
