"""The stage's work: every check, then every task's labels, then the figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from datasets import Dataset

from tilth.cleaning.checks import CHECKS
from tilth.cleaning.config import Config
from tilth.cleaning.labels import judge_labels
from tilth.samples import Split, from_pandas, tighten, to_pandas
from tilth.stage import Figure, Resources, StageResult


def clean(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """See `tilth.cleaning.run`."""
    if not samples.num_rows:
        return StageResult(samples=samples, skipped="no rows")
    frame = to_pandas(samples)
    metrics: dict[str, Any] = {"checks": {}, "tasks": {}}
    duplicate_of = np.full(len(frame), None, dtype=object)
    for check in CHECKS.values():
        found = check.find(frame, config, resources.evidence)
        frame[f"{check.name}_score"], frame[f"is_{check.name}_issue"] = found.score, found.issue
        tighten(frame, found.issue, check.status, check.reason)
        if found.duplicate_of is not None:
            duplicate_of = np.where(pd.isna(duplicate_of), found.duplicate_of, duplicate_of)
        metrics["checks"][check.name] = int((found.issue & frame["split"].ne(Split.GOLD).to_numpy()).sum())
    frame["duplicate_of"] = duplicate_of
    figures = [
        Figure(
            kind="bar",
            title="What the checks found",
            data={"labels": list(metrics["checks"]), "values": list(metrics["checks"].values())},
        )
    ]
    for task in resources.tasks:
        metrics["tasks"][task.name] = judge_labels(frame, task, config, resources.evidence)
        figures += _figures(frame, task.name)
    return StageResult(samples=from_pandas(frame, resources.tasks), metrics=metrics, figures=figures)


def _figures(frame: pd.DataFrame, task: str) -> list[Figure]:
    quality = frame[f"{task}_quality"].dropna()
    if quality.empty:
        return []
    counts, edges = np.histogram(quality, bins=20, range=(0, 1))
    shown = frame[frame[f"is_{task}_issue"]].sort_values(f"{task}_quality").head(12)
    columns = ["text", f"{task}_given", f"{task}_suggested", f"{task}_given_confidence", f"{task}_action"]
    return [
        Figure(
            kind="histogram",
            title=f"Label quality: {task}",
            data={"edges": edges.round(2).tolist(), "counts": counts.tolist()},
            note="Probability that models give to the label, without having learned from it.",
        ),
        Figure(
            kind="table",
            title=f"Labels judged wrong: {task}",
            data={"columns": columns, "rows": shown[columns].round(3).astype(object).to_numpy().tolist()},
        ),
    ]
