"""The stage's work: every check, then every task's labels, then the figures."""

from __future__ import annotations

from typing import Any

import numpy as np
from datasets import Dataset

from tilth.cleaning import figures as report
from tilth.cleaning.checks import copies, examine, ordered
from tilth.cleaning.config import Config
from tilth.cleaning.label_errors import filters, judge_all
from tilth.samples import Split, Status, escalate_status, from_pandas, to_pandas
from tilth.stage import Resources, StageResult


def clean(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """See `tilth.cleaning.run`."""
    filters.check_name(config.filter)
    if not samples.num_rows:
        return StageResult(samples=samples, skipped="no rows")
    frame = to_pandas(samples)
    metrics: dict[str, Any] = {"checks": {}, "counts": {}, "tasks": {}}
    duplicate_of = np.full(len(frame), None, dtype=object)
    gold = frame["split"].eq(Split.GOLD).to_numpy(dtype=bool)
    for check in ordered():
        found = check.find(frame, config, resources.evidence)
        frame[f"{check.name}_score"], frame[f"is_{check.name}_issue"] = found.score, found.issue
        if check.status is not Status.ACTIVE:
            escalate_status(frame, found.issue, check.status, check.reason)
        if found.duplicate_of is not None:
            duplicate_of = np.where(duplicate_of == None, found.duplicate_of, duplicate_of)  # noqa: E711 - elementwise
        metrics["checks"][check.name] = int((found.issue & ~gold).sum())
        if found.counts:
            metrics["counts"][check.name] = dict(found.counts)
    frame["duplicate_of"] = duplicate_of
    conflicts = copies.conflicts(frame, resources.tasks)
    metrics["copies"] = copies.metrics(frame, resources.tasks, conflicts)
    finest = resources.tasks[-1]
    metrics["whole"] = examine(frame, finest, resources.evidence, conflicts[finest.name].rows)
    metrics["tasks"] = judge_all(frame, resources.tasks, config, resources.evidence, resources.seed, conflicts)
    return StageResult(
        samples=from_pandas(frame, resources.tasks),
        metrics=metrics,
        figures=report.figures(frame, metrics, resources.tasks, conflicts),
    )
