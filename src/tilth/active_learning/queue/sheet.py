"""`queue.csv`: one line a question, for a person to fill in."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from tilth.active_learning.queue.candidates import QueueInputs
from tilth.active_learning.queue.selection import Queue
from tilth.learn import decide, fit_predict
from tilth.samples import evenly_spaced, settled_by_any

_LIKELY = 3
_MOST, _A_CLASS = 10_000, 100
"""Labels that the asked rows are predicted by at most, and of many classes so many of each: of 100,000 labels a probe
took 38 of the 96 CPU seconds of a night in which 1% of the rows were new."""


def queue_sheet(queue: Queue, inputs: QueueInputs, vectors: np.ndarray) -> pd.DataFrame:
    """One row a question, in order, every column filled but the answers.

    Args:
        queue: which rows, and why.
        inputs: what the queue was made from.
        vectors: of the whole table, shape (rows, dimensions).

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
    probabilities = {task.name: _probabilities(inputs, rows, vectors, task.name) for task in inputs.tasks}
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


def _probabilities(inputs: QueueInputs, rows: np.ndarray, vectors: np.ndarray, name: str) -> np.ndarray:
    """The linear probe's probabilities of one task's labels; NaN where labels are of no two classes.

    A row that is asked is predicted as if it had no label of its own.
    """
    task = next(task for task in inputs.tasks if task.name == name)
    labeled = settled_by_any(inputs.frame, name)
    labeled[rows] = False
    learned = np.flatnonzero(labeled)
    learned = learned[evenly_spaced(len(learned), max(_MOST, _A_CLASS * len(task.labels)))]
    codes = task.codes(inputs.frame[name])[learned]
    if len(np.unique(codes)) < 2:
        return np.full((len(rows), len(task.labels)), np.nan)
    return fit_predict(vectors[learned], codes, vectors[rows], len(task.labels))


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
