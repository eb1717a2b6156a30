"""Linear heads on embeddings: a weighted logistic regression, with the parent's probabilities for a child."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from scipy.special import softmax

from tilth.learn import new_probe
from tilth.samples import Task

IMPOSSIBLE = -30.0
"""Logit of a class without a training row."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """A softmax regression.

    Attributes:
        task: what it answers.
        weight: float32, shape (labels, features); features are the embedding and, where `uses_parent`, the
            parent head's calibrated probabilities.
        bias: float32, shape (labels,).
        uses_parent: whether the parent's probabilities are among the features.
        temperature: what the logits are divided by.
    """

    task: Task
    weight: np.ndarray
    bias: np.ndarray
    uses_parent: bool = False
    temperature: float = 1.0

    def logits(self, features: np.ndarray | sparse.csr_matrix) -> np.ndarray:
        """Calibrated logits, float32, shape (rows, labels)."""
        return np.asarray((features @ self.weight.T + self.bias) / self.temperature, dtype=np.float32)

    def probabilities(self, features: np.ndarray | sparse.csr_matrix) -> np.ndarray:
        """Calibrated probabilities, float32, shape (rows, labels)."""
        return np.asarray(softmax(self.logits(features), axis=1), dtype=np.float32)

    def with_temperature(self, temperature: float) -> Head:
        """The same head, calibrated."""
        return replace(self, temperature=temperature)

    def shifted(self, offsets: np.ndarray | None) -> Head:
        """The same head with so much taken from each class's logit before the temperature, shape (labels,)."""
        return self if offsets is None else replace(self, bias=(self.bias - offsets).astype(np.float32))


def fit_head(
    task: Task,
    features: np.ndarray | sparse.csr_matrix,
    codes: np.ndarray,
    weights: np.ndarray,
    *,
    uses_parent: bool,
    looseness: float = 10,
) -> Head:
    """The linear probe of one task, with weights.

    Args:
        task: its `labels` order the rows of the weights.
        features: shape (rows, features).
        codes: each row's class, shape (rows,).
        weights: each row's weight, shape (rows,).
        uses_parent: whether the features hold the parent's probabilities.
        looseness: inverse strength of the penalty.
    """
    weight = np.zeros((len(task.labels), features.shape[1]), dtype=np.float32)
    bias = np.full(len(task.labels), IMPOSSIBLE, dtype=np.float32)
    seen = np.unique(codes)
    if len(seen) == 1:  # logistic regression needs two classes
        bias[seen] = 0.0
    elif len(seen) == 2:  # scikit-learn gives one row, the logit of the second class against the first
        model = new_probe(looseness).fit(features, codes, sample_weight=weights)
        weight[seen[1]], bias[seen[0]], bias[seen[1]] = model.coef_[0], 0.0, model.intercept_[0]
    elif len(seen) > 2:
        model = new_probe(looseness).fit(features, codes, sample_weight=weights)
        weight[seen], bias[seen] = model.coef_, model.intercept_
    return Head(task=task, weight=weight, bias=bias, uses_parent=uses_parent)


def predict_probabilities(heads: Sequence[Head], embeddings: np.ndarray) -> dict[str, np.ndarray]:
    """Each task's probabilities; parents come first, for a child's head may use theirs."""
    probabilities: dict[str, np.ndarray] = {}
    for head in heads:
        parts = [embeddings, probabilities[str(head.task.parent)]] if head.uses_parent else [embeddings]
        probabilities[head.task.name] = head.probabilities(np.concatenate(parts, axis=1))
    return probabilities
