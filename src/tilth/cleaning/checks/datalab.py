"""Datalab's checks of a data set as a whole, on our embeddings and our neighbor graph (cleanlab)."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import pandas as pd
from cleanlab import Datalab
from scipy.sparse import csr_matrix

from tilth.learn import Evidence, Neighbors
from tilth.samples import Split, Status, Task

KINDS = ("non_iid", "class_imbalance", "underperforming_group")
_NEIGHBORS = 10
_FEWEST = 50


def examine_dataset(frame: pd.DataFrame, task: Task, evidence: Evidence, conflicting: np.ndarray) -> dict[str, Any]:
    """Write the columns of each check into the frame, for the rows that are learned from; return the counts and scores.

    The graph is ours: without one Datalab builds its own on the probabilities, which takes minutes at 100,000 rows
    and 20 classes and raises a false non-iid alarm. Rows in `conflicting`, boolean, have no label that counts.
    """
    eligible = frame["split"].eq(Split.TRAIN) & frame["status"].ne(Status.QUARANTINED) & ~conflicting
    codes = np.where(eligible, task.codes(frame[f"{task.name}_given"]), -1)
    rows = np.flatnonzero(codes >= 0)
    for kind in KINDS:
        frame[f"{kind}_score"], frame[f"is_{kind}_issue"] = 1.0, False
    present, compact = np.unique(codes[rows], return_inverse=True)
    if len(rows) < _FEWEST or len(present) < 2:
        return {"examined": 0}
    given = [task.labels[code] if code >= 0 else None for code in codes]
    probabilities = evidence.out_of_fold(task, given).probabilities[rows][:, present].astype(np.float64)
    probabilities = probabilities / np.maximum(probabilities.sum(axis=1, keepdims=True), 1e-9)
    metrics: dict[str, Any] = {"examined": len(rows)}
    issues, summary = _issues(compact, probabilities, _graph(evidence.neighbors(_NEIGHBORS, rows)))
    for kind in KINDS:
        if f"{kind}_score" not in issues:
            continue
        frame.loc[rows, f"{kind}_score"] = issues[f"{kind}_score"].to_numpy(dtype=float)
        frame.loc[rows, f"is_{kind}_issue"] = issues[f"is_{kind}_issue"].to_numpy(dtype=bool)
        score = summary.loc[summary["issue_type"] == kind, "score"]
        metrics[kind] = {"rows": int(issues[f"is_{kind}_issue"].sum()), "score": round(float(score.iloc[0]), 4)}
    return metrics


def _issues(codes: np.ndarray, probabilities: np.ndarray, graph: csr_matrix) -> tuple[pd.DataFrame, pd.DataFrame]:
    lab = Datalab(data={"label": codes}, label_name="label", task="classification", verbosity=0)
    state = np.random.get_state()  # noqa: NPY002 - its non-iid test draws from the global generator; it is put back
    try:
        np.random.seed(0)  # noqa: NPY002
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it cannot do, and goes on
            lab.find_issues(pred_probs=probabilities, knn_graph=graph, issue_types={kind: {} for kind in KINDS})
    finally:
        np.random.set_state(state)  # noqa: NPY002
    return lab.get_issues(), lab.get_issue_summary()


def _graph(near: Neighbors) -> csr_matrix:
    """Distances to the nearest rows, nearest first, as Datalab takes them."""
    return csr_matrix(near.matrix(np.maximum(1 - near.similarities.astype(np.float64), 0.0)))
