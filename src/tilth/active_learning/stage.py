"""The stage: fit a learner to the labeled rows, let its strategy pick from the others, and write the queue."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from datasets import Dataset

from tilth import samples as table
from tilth.active_learning import query_strategies
from tilth.active_learning.config import Config
from tilth.active_learning.learner import Learner
from tilth.io import write_csv
from tilth.learn import decide, fit_predict, new_probe
from tilth.samples import Source, Split, Status, Task
from tilth.stage import Figure, Resources, StageResult


def run(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """See `tilth.active_learning.run`."""
    strategy = query_strategies.get(config.strategy)
    frame, task = table.to_pandas(samples), finest(resources.tasks)
    labeled, pool = table.settled(frame, task.name), _pool(frame, task)
    classes = frame.loc[labeled, task.name].nunique()
    if classes < 2:
        why = "no labels" if classes == 0 else f"labels of one class only for {task.name}"
        return StageResult(samples=samples, skipped=why)
    if not pool.any():
        return StageResult(samples=samples, skipped="nothing to ask")
    vectors = resources.evidence.embeddings()
    learner = Learner(estimator=new_probe(), query_strategy=strategy)
    learner.teach(vectors[labeled], frame.loc[labeled, task.name].to_numpy(dtype=str))
    picks, _, scores = learner.query(vectors[pool], n_instances=config.batch, return_metrics=True)
    rows = np.flatnonzero(pool)
    score, rank = np.full(len(frame), np.nan, dtype=np.float32), np.full(len(frame), np.nan)
    score[rows], rank[rows[picks]] = scores, np.arange(1, len(picks) + 1)
    frame["acquisition_score"], frame["acquisition_rank"] = score, pd.array(rank, dtype="Int32")
    queue = _queue(frame, rows[picks], vectors, resources.tasks)
    path = resources.scratch / "queue.csv"
    write_csv(queue, path)
    return StageResult(
        samples=table.from_pandas(frame, resources.tasks),
        metrics={
            "task": task.name,
            "strategy": config.strategy,
            "taught_on": int(labeled.sum()),
            "pool": int(pool.sum()),
            "asked": len(picks),
            "median_score_asked": round(float(np.median(scores[picks])), 4),
            "median_score_pool": round(float(np.median(scores)), 4),
        },
        figures=_figures(queue, scores, task),
        artifacts={"queue.csv": path},
    )


def finest(tasks: Sequence[Task]) -> Task:
    """The last task that no other refines; with a label for it, those above it follow."""
    parents = {task.parent for task in tasks}
    return [task for task in tasks if task.name not in parents][-1]


def _pool(frame: pd.DataFrame, task: Task) -> np.ndarray:
    """Rows worth asking about: active, of the input, not gold, without a current label or with an unsure one."""
    unanswered = frame[task.name].isna() | table.unsure(frame, task.name)
    if f"{task.name}_answer" in frame:  # what a person answered is never asked again
        unanswered &= frame[f"{task.name}_answer"].isna()
    eligible = frame["status"].eq(Status.ACTIVE) & frame["split"].ne(Split.GOLD)
    eligible &= frame["source"].ne(Source.PARAPHRASE)
    return np.asarray((eligible & unanswered).to_numpy(dtype=bool))


def _queue(frame: pd.DataFrame, rows: np.ndarray, vectors: np.ndarray, tasks: Sequence[Task]) -> pd.DataFrame:
    """One row a question, in order: rank, id, text, suggestion and confidence per task, score, empty answers."""
    queue = pd.DataFrame(
        {
            "rank": np.arange(1, len(rows) + 1),
            "id": frame["id"].to_numpy(dtype=object)[rows],
            "text": frame["text"].to_numpy(dtype=object)[rows],
        }
    )
    probabilities = {task.name: _probabilities(frame, rows, vectors, task) for task in tasks}
    decided = decide([task.to_json() for task in tasks], probabilities)
    for task in tasks:
        codes, confidence = decided[task.name]
        queue[f"{task.name}_suggested"] = task.decoded(codes)
        queue[f"{task.name}_confidence"] = confidence.round(4)
    queue["score"] = frame["acquisition_score"].to_numpy(dtype=float)[rows].round(6)
    for task in tasks:
        queue[f"{task.name}_answer"] = ""
    return queue


def _probabilities(frame: pd.DataFrame, rows: np.ndarray, vectors: np.ndarray, task: Task) -> np.ndarray:
    """The linear probe's probabilities of one task's labels for the queue's rows; a sure current label is certain."""
    labeled = table.settled(frame, task.name)
    codes = task.codes(frame[task.name])
    probabilities = fit_predict(vectors[labeled], codes[labeled], vectors[rows], len(task.labels))
    sure = np.flatnonzero(labeled[rows])
    probabilities[sure] = np.eye(len(task.labels), dtype=probabilities.dtype)[codes[rows[sure]]]
    return probabilities


def _figures(queue: pd.DataFrame, scores: np.ndarray, task: Task) -> tuple[Figure, ...]:
    counts, edges = np.histogram(scores, bins=20)
    suggested = queue[f"{task.name}_suggested"].value_counts(sort=False).sort_index()
    return (
        Figure(
            kind="histogram",
            title="Acquisition score of the pool",
            data={"edges": edges.round(5).tolist(), "counts": counts.tolist()},
            note="The higher, the more the model is expected to learn from a label of the row.",
        ),
        Figure(
            kind="bar",
            title=f"Queue by suggested {task.name}",
            data={"labels": [str(label) for label in suggested.index], "values": [int(n) for n in suggested]},
            note="Which classes the rows of the queue seem to belong to.",
        ),
    )
