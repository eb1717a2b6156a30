"""Fit what weighs the passages of long texts; see `passage_pooling`."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from tilth.learn.encoder import Passages
from tilth.learn.passages.passage_pooling import AT_ONCE, SCALE, PassagePooling, log_sum, softmax
from tilth.samples import evenly_spaced
from tilth.threads import one_thread

_PENALTY = 1e-3  # of the squared weights, beside the mean loss of a text
_STEPS = 30  # of L-BFGS


def fit_passage_pooling(passages: Passages, labels: np.ndarray, *, classes: int) -> PassagePooling:
    """Fit the head of passages to labels of whole texts; the first weights are zero, so that nothing is random.

    Args:
        passages: of the texts; of more than fit in memory, evenly spaced texts are learned from.
        labels: integer classes of the texts, shape (texts,).
        classes: how many there are; of one that no text has, nothing is ever said.

    Raises:
        ValueError: a text has no label, or a label no text.
    """
    if len(passages) != len(labels):
        raise ValueError(f"passages of {len(passages)} texts and {len(labels)} labels; give one label a text")
    held = len(passages.index) * classes
    if held > AT_ONCE:
        rows = evenly_spaced(len(labels), max(len(labels) * AT_ONCE // held, 1))
        passages, labels = passages.part(rows), labels[rows]
    seen, codes = np.unique(labels, return_inverse=True)
    weight = np.zeros((classes, passages.vectors.shape[1]), dtype=np.float32)
    bias = np.full(classes, -np.inf, dtype=np.float32)
    bias[seen] = 0.0
    if len(seen) > 1:
        weight[seen], bias[seen] = _fit(passages, codes, len(seen))
    return PassagePooling(weight, bias)


def _fit(passages: Passages, codes: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    used, index = np.unique(passages.index, return_inverse=True)
    vectors, owner, size = passages.vectors[used], passages.owner, passages.vectors.shape[1]
    rows, order = np.arange(len(codes)), np.argsort(index, kind="stable")
    first = np.searchsorted(index[order], np.arange(len(used)))

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        weight, bias = values[:-classes].reshape(classes, size).astype(np.float32), values[-classes:].astype(np.float32)
        logits, shares = log_sum((vectors @ (SCALE * weight).T + bias)[index], passages.starts, owner)
        error = softmax(logits)
        total = float(-np.log(np.maximum(error[rows, codes], 1e-12)).mean()) + _PENALTY * float((weight**2).sum())
        error[rows, codes] -= 1
        shares *= error[owner] / len(codes)
        slope = np.add.reduceat(shares[order], first, axis=0)
        of_weight = SCALE * (slope.T @ vectors) + 2 * _PENALTY * weight
        return total, np.concatenate([of_weight.ravel(), slope.sum(axis=0)]).astype(np.float64)

    with one_thread():  # as the linear probe
        found = minimize(
            loss, np.zeros(classes * (size + 1)), jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}
        ).x
    return found[:-classes].reshape(classes, size), found[-classes:]
