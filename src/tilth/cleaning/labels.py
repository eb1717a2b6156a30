"""Which given labels are wrong, by models that did not learn from them (confident learning, Northcutt et al. 2021)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from cleanlab.count import estimate_py_and_noise_matrices_from_probabilities
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores

from tilth.cleaning.config import Config
from tilth.evidence import Evidence
from tilth.samples import Action, Split, Task


def judge_labels(frame: pd.DataFrame, task: Task, config: Config, evidence: Evidence) -> dict[str, Any]:
    """Write the task's columns into the frame, and return its metrics.

    Only train rows take part; a class with a single row is kept and judged by nobody.
    """
    name, index = task.name, {label: i for i, label in enumerate(task.labels)}
    given = frame[f"{name}_given"].where(frame["split"].eq(Split.TRAIN))
    codes = given.map(index).astype(float).fillna(-1).astype(int).to_numpy()
    counts = np.bincount(codes[codes >= 0], minlength=len(index))
    rows = np.flatnonzero((codes >= 0) & (counts[codes] > 1))
    quality, issue, action = np.full(len(frame), np.nan), np.zeros(len(frame), dtype=bool), np.full(len(frame), None, object)
    suggested, sure, right = action.copy(), quality.copy(), quality.copy()
    noise = None
    if len(np.unique(codes[rows])) > 1:
        probabilities = evidence.out_of_fold(task, given.tolist()).probabilities[rows]
        noise = _judge(codes[rows], probabilities, config, rows, quality, issue, right)
        best = probabilities.argmax(axis=1)
        suggested[rows], sure[rows] = np.array(task.labels, dtype=object)[best], probabilities.max(axis=1)
        issue[rows] &= best != codes[rows]
        action[rows] = Action.KEEP.value
        action[issue] = _actions(config, sure[issue])
    for suffix, values in (("quality", quality), ("suggested", suggested), ("given_confidence", right)):
        frame[f"{name}_{suffix}"] = values
    frame[f"is_{name}_issue"], frame[f"{name}_action"], frame[f"{name}_suggested_confidence"] = issue, action, sure
    return {
        "judged": len(rows),
        "issues": int(issue.sum()),
        "noise_rate": noise,
        "actions": {word.value: int((action == word.value).sum()) for word in Action},
        "single_row_classes": [label for label, i in index.items() if counts[i] == 1],
    }


def _judge(
    codes: np.ndarray,
    probabilities: np.ndarray,
    config: Config,
    rows: np.ndarray,
    quality: np.ndarray,
    issue: np.ndarray,
    right: np.ndarray,
) -> float:
    present = np.unique(codes)
    compact = np.searchsorted(present, codes)
    among = probabilities[:, present] / np.maximum(probabilities[:, present].sum(axis=1, keepdims=True), 1e-9)
    own = among[np.arange(len(rows)), compact]
    quality[rows] = get_label_quality_scores(compact, among, method="self_confidence")
    # "both" keeps what two filters agree on; the floor on the given label's own probability guards rare classes.
    found = find_label_issues(compact, among, filter_by="both", n_jobs=1)
    issue[rows] = found & (own < config.max_given_probability)
    prior, noise_matrix, _, _ = estimate_py_and_noise_matrices_from_probabilities(compact, among)
    # P(true = given | text, given): the model's belief in each class, times how often that class is so labeled
    joint = among * noise_matrix[compact]
    right[rows] = joint[np.arange(len(rows)), compact] / np.maximum(joint.sum(axis=1), 1e-9)
    return round(float(1 - (prior * np.diag(noise_matrix)).sum()), 4)


def _actions(config: Config, sure: np.ndarray) -> np.ndarray:
    if config.policy != "correct":
        return np.full(len(sure), config.policy, dtype=object)
    return np.where(sure > config.correct_above, Action.CORRECT.value, Action.SET_ASIDE.value).astype(object)
