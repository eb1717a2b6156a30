"""Which passages of a long text its label follows from, learned from labels of whole texts (experimental).

A passage speaks for each class by a linear head, and a text by the log-sum-exp of its passages, a soft maximum: one
decisive sentence among two thousand words counts as if it stood alone (multi-instance learning; Ray and Craven 2005,
section 3). The gradient of that sum is each passage's weight, attention with one query a class, which gives the text a
vector: the mean of its passages by these weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tilth.learn.encoder import Passages

SCALE = 10.0
"""Logits of a head on vectors of length 1 are steep; this spares the optimizer the way there."""
AT_ONCE = 40_000_000
"""Passages × classes that are held in memory."""


@dataclass(frozen=True)
class PassagePooling:
    """A fitted head of passages.

    Attributes:
        weight: float32, shape (classes, dimensions).
        bias: float32, shape (classes,).
    """

    weight: np.ndarray
    bias: np.ndarray

    def probabilities(self, passages: Passages) -> np.ndarray:
        """Of the classes, float32, shape (texts, classes), not calibrated."""
        found = [np.zeros((0, len(self.bias)), dtype=np.float32)]
        return np.concatenate([*found, *(softmax(logits) for logits, _, _ in self._read(passages))])

    def weights(self, passages: Passages) -> np.ndarray:
        """Each passage's share of its text's vector, float32, shape (passages,); those of a text sum to 1.

        It is what it adds to each class, weighed by how probable the class is.
        """
        found = [np.zeros(0, dtype=np.float32)]
        for logits, shares, owner in self._read(passages):
            found.append((shares * softmax(logits)[owner]).sum(axis=1))
        return np.concatenate(found)

    def _read(self, passages: Passages) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Logits of texts, each passage's share of them and its text, a part of the texts after the other."""
        spoken = passages.vectors @ (SCALE * self.weight).T + self.bias
        most = max(AT_ONCE // max(len(self.bias), 1), 1)
        first = 0
        while first < len(passages):
            last = int(np.searchsorted(passages.starts, passages.starts[first] + most, side="right")) - 1
            last = min(max(last, first + 1), len(passages))
            starts = passages.starts[first : last + 1]
            owner = np.repeat(np.arange(last - first), np.diff(starts))
            logits, shares = log_sum(spoken[passages.index[starts[0] : starts[-1]]], starts - starts[0], owner)
            yield logits, shares, owner
            first = last


def pooled(passages: Passages, weights: np.ndarray) -> np.ndarray:
    """The mean of each text's passages by their weights, L2-normalized, float32, shape (texts, dimensions)."""
    found = np.zeros((len(passages), passages.vectors.shape[1]), dtype=np.float32)
    for row, (start, end) in enumerate(zip(passages.starts[:-1], passages.starts[1:], strict=True)):
        found[row] = weights[start:end] @ passages.vectors[passages.index[start:end]]
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)


def log_sum(spoken: np.ndarray, starts: np.ndarray, owner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log-sum-exp of passages by text, shape (texts, classes), and each passage's share, shape (passages, classes)."""
    most = np.maximum.reduceat(spoken, starts[:-1], axis=0)
    most = np.where(np.isfinite(most), most, 0.0)  # of a class that was never seen
    shares = np.exp(spoken - most[owner])
    sums = np.add.reduceat(shares, starts[:-1], axis=0)
    with np.errstate(divide="ignore"):
        logits = most + np.log(sums)
    return logits, shares / np.maximum(sums, 1e-30)[owner]


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities of logits, shape (texts, classes)."""
    spread = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(spread / spread.sum(axis=1, keepdims=True))
