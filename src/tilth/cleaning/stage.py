"""The stage's work: every check, then every task's labels, then the figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from datasets import Dataset

from tilth import progress
from tilth.cleaning.checks import copy_metrics, examine_dataset, find_conflicts, ordered_checks
from tilth.cleaning.config import Config
from tilth.cleaning.figures import figures
from tilth.cleaning.label_errors import check_filter_name, find_label_errors
from tilth.learn import EncoderReading, measure_reading
from tilth.samples import Split, Status, Task, escalate_status, from_pandas, to_pandas
from tilth.stage import Resources, StageResult


def clean(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """See `tilth.cleaning.run`."""
    check_filter_name(config.filter)
    if not samples.num_rows:
        return StageResult(samples=samples, skipped="no rows")
    frame = to_pandas(samples)
    metrics: dict[str, Any] = {"checks": {}, "counts": {}, "tasks": {}}
    duplicate_of = np.full(len(frame), None, dtype=object)
    gold = frame["split"].eq(Split.GOLD).to_numpy(dtype=bool)
    for check in ordered_checks(pictures=resources.evidence.pictures is not None):
        result = check.run(frame, config, resources.evidence)
        frame[f"{check.name}_score"], frame[f"is_{check.name}_issue"] = result.score, result.issue
        if check.status is not Status.ACTIVE:
            escalate_status(frame, result.issue, check.status, check.reason)
        if result.duplicate_of is not None:
            duplicate_of = np.where(duplicate_of == None, result.duplicate_of, duplicate_of)  # noqa: E711 - elementwise
        metrics["checks"][check.name] = int((result.issue & ~gold).sum())
        progress.found(check.name, metrics["checks"][check.name])
        if result.counts:
            metrics["counts"][check.name] = dict(result.counts)
    frame["duplicate_of"] = duplicate_of
    conflicts = find_conflicts(frame, resources.tasks)
    metrics["copies"] = copy_metrics(frame, resources.tasks, conflicts)
    finest = resources.tasks[-1]
    metrics["whole"] = examine_dataset(frame, finest, resources.evidence, conflicts[finest.name].rows)
    metrics["encoder"] = _reading(frame, finest, resources).to_json()
    metrics["tasks"] = find_label_errors(frame, resources.tasks, config, resources.evidence, resources.seed, conflicts)
    return StageResult(
        samples=from_pandas(frame, resources.tasks),
        metrics=metrics,
        figures=figures(frame, metrics, resources.tasks, conflicts),
    )


def _reading(frame: pd.DataFrame, task: Task, resources: Resources) -> EncoderReading:
    """How the encoder reads the rows that may be learned from."""
    rows = np.flatnonzero(frame["split"].ne(Split.GOLD) & frame["status"].eq(Status.ACTIVE))
    evidence, part = resources.evidence, frame.iloc[rows]
    codes = task.codes(part[f"{task.name}_given"].tolist())
    return measure_reading(evidence.encoder, part["text"].tolist(), evidence.embeddings()[rows], codes)
