"""The stage: fit a learner to the sure labels, let its strategy pick, and rank all that is in doubt in one queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from datasets import Dataset

from tilth import samples as table
from tilth.active_learning import query_strategies
from tilth.active_learning.clustering import center_rows
from tilth.active_learning.config import Config
from tilth.active_learning.figures import figures
from tilth.active_learning.learner import Learner
from tilth.active_learning.learning_curve import Forecast, forecast
from tilth.active_learning.queue import (
    Queue,
    QueueInputs,
    as_if_kept,
    askable,
    build_queue,
    queue_sheet,
    unanswered,
    without_sure_label,
)
from tilth.io import write_csv
from tilth.learn import Evidence, FittedProbe, complement_naive_bayes, fit_probe
from tilth.samples import Task
from tilth.stage import Resources, StageResult
from tilth.store import digest_json, row_digests

_A_CLASS = 2
"""Rows a class that a night without any label asks about."""


def run(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """See `tilth.active_learning.run`."""
    query_strategies.get(config.strategy)
    night, task = table.to_pandas(samples), finest(resources.tasks)
    if len(task.labels) < 2:
        return StageResult(samples=samples, skipped=f"labels of one class only for {task.name}")
    frame = as_if_kept(night, resources.left_out, resources.tasks) if resources.left_out else night
    vectors = resources.evidence.joint_embeddings()
    labeled = table.settled_by_any(frame, task.name)
    pool = np.flatnonzero(askable(frame) & unanswered(frame, task) & without_sure_label(frame, task))
    learned = len(frame.loc[labeled, task.name].unique()) > 1
    if learned:
        picks, probabilities = _picked_by_strategy(config, resources, frame, task, labeled, pool)
    else:
        picks = center_rows(vectors[pool], count=min(config.batch, _A_CLASS * len(task.labels)), seed=resources.seed)
        probabilities = np.full((len(pool), len(task.labels)), 1 / len(task.labels))
    inputs = QueueInputs(
        frame=frame,
        tasks=resources.tasks,
        task=task,
        pool=pool,
        probabilities=probabilities,
        picks=picks,
        questions=resources.questions,
        learned=learned,
        only=config.sources,
    )
    queue = build_queue(
        inputs, resources.evidence, budget=config.batch, random_share=config.random, seed=resources.seed
    )
    if queue.lines.empty:
        not_worth = queue.not_worth
        why = f"nothing is worth asking: an answer to any of {not_worth} rows in doubt would set hardly any right"
        return StageResult(samples=samples, skipped=why if not_worth else "nothing to ask")
    expected = _forecast(night, task, resources) if learned else None
    return _result(queue, inputs, vectors, config, resources, expected, night=night, labels=int(labeled.sum()))


def _forecast(frame: pd.DataFrame, task: Task, resources: Resources) -> Forecast | None:
    """What further labels are expected to bring; an earlier night's forecast while few labels have changed."""
    evidence, labeled = resources.evidence, table.settled_by_any(frame, task.name)

    def fit() -> dict[str, Any] | None:
        found = forecast(evidence.joint_embeddings(), frame, task, evidence.folds)
        return None if found is None else asdict(found)

    rows = row_digests(evidence.row_keys[labeled], task.codes(frame[task.name])[labeled])
    basis = {"classes": digest_json(task.labels)}
    found = evidence.fits.facts(f"{task.name}: what further labels bring", rows, fit, basis=basis)
    return None if found is None else Forecast.from_json(found)


def finest(tasks: Sequence[Task]) -> Task:
    """The last task that no other refines; with a label for it, those above it follow."""
    parents = {task.parent for task in tasks}
    return [task for task in tasks if task.name not in parents][-1]


def _picked_by_strategy(
    config: Config, resources: Resources, frame: pd.DataFrame, task: Task, labeled: np.ndarray, pool: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The strategy's picks, as places in the pool, and the learner's probabilities of the whole pool."""
    vectors = resources.evidence.joint_embeddings()
    codes = np.where(labeled, task.codes(frame[task.name]), -1)
    probe = _probe(resources.evidence, task, codes, labeled)
    learner = Learner(
        estimator=probe.as_estimator(np.array(task.labels)), query_strategy=query_strategies.get(config.strategy)
    )
    learner.X_training, learner.y_training = vectors[labeled], frame.loc[labeled, task.name].to_numpy(dtype=str)
    probabilities = np.zeros((len(pool), len(task.labels)), dtype=np.float32)
    if not len(pool):
        return np.zeros(0, dtype=np.int64), probabilities
    seen = task.codes(learner.estimator.classes_)
    probabilities[:, seen] = learner.predict_proba(vectors[pool])
    if config.strategy in query_strategies.NEED_WORDING:
        words, codes = resources.evidence.lexical.words, task.codes(frame[task.name])
        learner.wording = complement_naive_bayes(words[labeled], codes[labeled], words[pool], len(task.labels))[:, seen]
    picks, _ = learner.query(vectors[pool], n_instances=min(config.batch, len(pool)))
    return np.asarray(picks), probabilities


def _probe(evidence: Evidence, task: Task, codes: np.ndarray, labeled: np.ndarray) -> FittedProbe:
    """The learner's; of texts alone that of an earlier night while few labels have changed."""
    if evidence.pictures is not None:
        return fit_probe(evidence.joint_embeddings()[labeled], codes[labeled], len(task.labels))
    [probe] = evidence.probes.fit(f"{task.name}: the learner", codes, [labeled], task.labels)
    return probe


def _result(
    queue: Queue,
    inputs: QueueInputs,
    vectors: np.ndarray,
    config: Config,
    resources: Resources,
    expected: Forecast | None,
    *,
    night: pd.DataFrame,
    labels: int,
) -> StageResult:
    """The night's table with its two columns, `queue.csv`, and what the report says of them."""
    rank = np.full(len(night), np.nan)
    rank[queue.lines["row"]] = np.arange(1, len(queue.lines) + 1)
    night["acquisition_score"] = queue.rates.astype(np.float32)
    night["acquisition_rank"] = pd.array(rank, dtype="Int32")
    sheet = queue_sheet(queue, inputs, vectors)
    path = resources.scratch / "queue.csv"
    write_csv(sheet, path)
    metrics: dict[str, Any] = {
        "task": inputs.task.name,
        "strategy": config.strategy if inputs.learned else "cold start: rows nearest the centers of k-means",
        "taught_on": labels,
        "pool": len(inputs.pool),
        "asked": len(sheet),
        "detectors": queue.counts,
        "beyond_the_budget": sum(one["beyond"] for one in queue.counts.values()),
        "not_worth_asking": queue.not_worth,
        "for_thin_classes": queue.thin,
        "answers_for": int(queue.lines["group"].map(len).sum()),
        "minutes": round(queue.minutes(night["text"]), 1),
        "rows_told_right": round(float(np.nansum(queue.lines["gain"])), 1),
        "expected": expected.to_json() if expected else None,
    }
    return StageResult(
        samples=table.from_pandas(night, resources.tasks),
        metrics=metrics,
        figures=figures(sheet, queue, inputs.task, expected),
        artifacts={"queue.csv": path},
    )
