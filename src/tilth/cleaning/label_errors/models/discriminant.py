"""A linear discriminant in closed form, out of fold: from moments of each fold, so that rows are read in blocks, once.

What a model of some folds needs are sums over their rows: of the weights, of the vectors and of their products with
themselves. Those of each fold are taken once and added up for every model, with no copy of the vectors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

_SHRINKAGE = 0.2
"""Share of a sphere in the discriminant's covariance (Ledoit and Wolf 2004): few rows a dimension are usual here."""
_BLOCK = 16_384
_TINY = 1e-9


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Weighted sums over some rows, float64.

    Attributes:
        size: of the weights by class, shape (classes,).
        sums: of the vectors by class, shape (classes, dimensions).
        products: of each vector with itself, shape (dimensions, dimensions).
    """

    size: np.ndarray
    sums: np.ndarray
    products: np.ndarray

    @classmethod
    def of(cls, vectors: np.ndarray, codes: np.ndarray, weights: np.ndarray, rows: np.ndarray, classes: int) -> Moments:
        """Of the rows at some positions, a block at a time."""
        width = vectors.shape[1]
        size, sums, products = np.zeros(classes), np.zeros((classes, width)), np.zeros((width, width))
        for first in range(0, len(rows), _BLOCK):
            part = rows[first : first + _BLOCK]
            x, y, w = vectors[part].astype(np.float64), codes[part], weights[part]
            members = csr_array((w, (y, np.arange(len(y)))), shape=(classes, len(y)))
            size += np.bincount(y, weights=w, minlength=classes)
            sums += members @ x
            x *= np.sqrt(w)[:, None]
            products += x.T @ x
        return cls(size=size, sums=sums, products=products)

    def __add__(self, other: Moments) -> Moments:
        """Of the rows of both."""
        return Moments(
            size=self.size + other.size, sums=self.sums + other.sums, products=self.products + other.products
        )

    def discriminant(self) -> tuple[np.ndarray, np.ndarray]:
        """Directions, shape (dimensions, classes), and biases, shape (classes,): Gaussian classes of one covariance."""
        size = self.size + _TINY
        means = self.sums / size[:, None]
        crossed = self.sums.T @ means
        residual = self.products - crossed - crossed.T + (means.T * self.size) @ means
        covariance = residual / max(self.size.sum(), _TINY)
        sphere = np.trace(covariance) / len(covariance) + _TINY
        covariance = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * sphere * np.eye(len(covariance))
        directions = np.linalg.solve(covariance, means.T)
        return directions, np.log(size / size.sum()) - 0.5 * (means.T * directions).sum(axis=0)


@dataclass(frozen=True, kw_only=True)
class FoldMoments:
    """The moments of each fold, and who belongs to which.

    Attributes:
        by_fold: in the order of the folds that have rows.
        rows: positions of each fold's rows, in the same order.
    """

    by_fold: list[Moments]
    rows: list[np.ndarray]

    @classmethod
    def of(
        cls, vectors: np.ndarray, codes: np.ndarray, folds: np.ndarray, weights: np.ndarray, classes: int
    ) -> FoldMoments:
        """Of rows with these codes, each below `classes`, folds and weights, all of shape (rows,)."""
        rows = [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
        return cls(by_fold=[Moments.of(vectors, codes, weights, part, classes) for part in rows], rows=rows)

    def scores(self, vectors: np.ndarray, part: float = 1.0) -> np.ndarray:
        """Out-of-fold scores of a discriminant that learns from a part of the other folds.

        Returns:
            float32, shape (rows, classes).
        """
        count = len(self.rows)
        scores = np.zeros((len(vectors), len(self.by_fold[0].size)), dtype=np.float32)
        for place, held_out in enumerate(self.rows):
            others = [(place + step) % count for step in range(1, count)]
            taken = [self.by_fold[other] for other in others[: max(1, round(part * len(others)))]]
            if not taken:
                continue
            directions, bias = sum(taken[1:], taken[0]).discriminant()
            for first in range(0, len(held_out), _BLOCK):
                rows = held_out[first : first + _BLOCK]
                scores[rows] = vectors[rows] @ directions + bias
        return scores
