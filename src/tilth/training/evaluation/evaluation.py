"""How good the model is: figures on gold, or cross-validated where there is none, and the pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from tilth import learn
from tilth import samples as table
from tilth.samples import Split, Task
from tilth.stage import Figure

WORST = 20


def gold_pairs(frame: pd.DataFrame, tasks: Sequence[Task]) -> dict[str, tuple[list[str], list[str]]]:
    """For each task with gold labels, the true and the predicted ones; no prediction is an empty text."""
    pairs = {}
    for task in tasks:
        truth = table.gold_labels(frame, task.name)
        rows = truth.notna()
        if rows.any():
            predicted = frame.loc[rows, f"{task.name}_predicted"].fillna("").tolist()
            pairs[task.name] = (truth[rows].tolist(), predicted)
    return pairs


def scores(pairs: Mapping[str, tuple[list[str], list[str]]]) -> dict[str, dict[str, Any]]:
    """Macro-F1 and accuracy of each task; null with the reason under `why` where the rows say nothing of it."""
    scores_by_task: dict[str, dict[str, Any]] = {}
    for task, (truth, predicted) in pairs.items():
        why = learn.why_no_score(truth)
        none = {"macro_f1": None, "accuracy": None, "why": why}
        scores_by_task[task] = none if why else dict(learn.scores(truth, predicted))
    return scores_by_task


def calibration(frame: pd.DataFrame, tasks: Sequence[Task]) -> dict[str, float]:
    """The expected calibration error of each task's confidence on its gold rows."""
    errors = {}
    for task in tasks:
        truth = table.gold_labels(frame, task.name)
        confidence = frame[f"{task.name}_predicted_confidence"]
        rows = truth.notna() & confidence.notna()
        if rows.any():
            right = frame.loc[rows, f"{task.name}_predicted"].eq(truth[rows]).to_numpy(dtype=bool)
            errors[task.name] = round(learn.expected_calibration_error(confidence[rows].to_numpy(), right), 4)
    return errors


def measure_on_gold(
    frame: pd.DataFrame, tasks: Sequence[Task]
) -> tuple[dict[str, Any], dict[str, tuple[list[str], list[str]]]]:
    """The figures on gold, as the stage's metrics hold them, and the pairs of `gold_pairs`; both empty without gold."""
    pairs = gold_pairs(frame, tasks)
    if not pairs:
        return {}, {}
    gold = scores(pairs)
    for name, error in calibration(frame, tasks).items():
        if gold[name]["macro_f1"] is not None:
            gold[name]["calibration_error"] = error
    return {"gold": gold, "gold_rows": int((frame["split"] == Split.GOLD).sum())}, pairs


def views(facts: Mapping[str, Any]) -> list[Figure]:
    """Which view of the texts carries a task, what they mean or how they are worded, by held-out train rows."""
    note = "Macro-F1 on train rows that were held out. Meaning is the encoder's vector, wording the n-grams."
    columns = ["task", "rows", "meaning alone", "wording alone", "both", "weight of wording"]
    title = "What the texts mean and how they are worded"
    return _pooled_views(facts, ("meaning", "wording"), columns, title, note)


def class_names(facts: Mapping[str, Any]) -> list[Figure]:
    """Whether the classes' names are learned from as labeled texts, of each task whose names were tried."""
    rows = [
        [
            task,
            fact["texts"],
            fact["held_out_rows"],
            *(fact.get("accuracy", {}).get(way) for way in ("rows", "rows_and_names")),
            fact.get("likelihood_gain"),
            fact.get("agreement"),
            "learned from" if fact["kept"] else "left out",
        ]
        for task, fact in facts.items()
    ]
    if not rows:
        return []
    columns = [
        "task",
        "texts of classes",
        "rows",
        "accuracy without names",
        "with names",
        "nats gained",
        "kappa of the names alone",
        "the names are",
    ]
    note = (
        "By cross-validation on train rows. Names are learned from where the labels of these rows are likelier by it. "
        "Where too few rows can be held out, it is where the names alone classify them (Cohen's kappa of 0.5 at least)."
    )
    title = "What the classes are called, as labeled texts"
    return [Figure(kind="table", title=title, data={"columns": columns, "rows": rows}, note=note)]


def picture_views(facts: Mapping[str, Any]) -> list[Figure]:
    """What pictures add to texts, by train rows that neither model learned from; nothing without rows of both."""
    note = "Macro-F1 on train rows with both, by models that did not learn from them."
    columns = ["task", "rows", "text alone", "picture alone", "both", "weight of the picture"]
    return _pooled_views(facts, ("text", "picture"), columns, "What pictures add to the texts", note)


def _pooled_views(
    facts: Mapping[str, Any], names: tuple[str, str], columns: list[str], title: str, note: str
) -> list[Figure]:
    """A table of two views and of both, of the tasks that were measured (`view_pooling.choose_share`)."""
    rows = [
        [
            task,
            fact["held_out_rows"],
            *(round(fact["held_out"][view]["macro_f1"], 4) for view in (*names, "pooled")),
            fact["share"] if fact["kept"] else 0,
        ]
        for task, fact in facts.get("tasks", {}).items()
        if "held_out" in fact
    ]
    return [Figure(kind="table", title=title, data={"columns": columns, "rows": rows}, note=note)] if rows else []


def sharing(facts: Mapping[str, Any]) -> list[Figure]:
    """What it buys that the tasks share one encoder, by held-out train rows; nothing where it was not measured."""
    found = facts.get("sharing", {})
    rows = [
        [name, one["rows"], one["joint"], one["alone"], one["gain"], f"{one['low']:+.3f} to {one['high']:+.3f}"]
        for name, one in found.get("tasks", {}).items()
        if "gain" in one
    ]
    if not rows:
        return []
    columns = ["task", "rows", "all tasks on one encoder", "each alone", "difference", "95%"]
    note = "Macro-F1 on train rows that were held out, measured whenever the encoder is trained anew"
    note += f"; last on {found['date'][:10]}." if found["date"] else "."
    return [Figure(kind="table", title="What sharing bought", data={"columns": columns, "rows": rows}, note=note)]


def figures(pairs: Mapping[str, tuple[list[str], list[str]]], measured: str, losses: Sequence[float]) -> list[Figure]:
    """The worst classes and the most confused pairs of each task, and the loss where the encoder was tuned."""
    figures_of_tasks = []
    for task, (truth, predicted) in pairs.items():
        if learn.why_no_score(truth) is not None:
            continue
        figures_of_tasks += [_worst(task, truth, predicted, measured), _confused(task, truth, predicted, measured)]
    if losses:
        data: dict[str, Any] = {"x": list(range(1, len(losses) + 1)), "y": [round(loss, 4) for loss in losses]}
        figures_of_tasks.append(Figure(kind="line", title="Loss of fine-tuning, by step", data=data))
    return figures_of_tasks


def _worst(task: str, truth: list[str], predicted: list[str], measured: str) -> Figure:
    labels = sorted(set(truth))
    values = f1_score(truth, predicted, labels=labels, average=None, zero_division=0)
    order = np.argsort(values, kind="stable")[:WORST]
    data = {"labels": [labels[i] for i in order], "values": [round(float(values[i]), 4) for i in order]}
    return Figure(kind="bar", title=f"{task}: F1 of the {len(order)} weakest classes ({measured})", data=data)


def _confused(task: str, truth: list[str], predicted: list[str], measured: str) -> Figure:
    wrong = Counter((a, b) for a, b in zip(truth, predicted, strict=True) if a != b)
    rows = [[a, b or "(none)", count] for (a, b), count in wrong.most_common(WORST)]
    data = {"columns": ["label", "predicted", "rows"], "rows": rows}
    return Figure(kind="table", title=f"{task}: most confused pairs ({measured})", data=data)
