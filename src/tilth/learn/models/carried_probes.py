"""Linear probes of a table's embeddings that go on from night to night: see `tilth.store.Fits`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tilth.learn.models.linear_probe import FittedProbe
from tilth.learn.models.out_of_fold import fit_probes, probes_from
from tilth.store import Fits, digest, row_digests


@dataclass(frozen=True)
class CarriedProbes:
    """Fits linear probes, or takes over those of an earlier night while few of their rows have changed since.

    Attributes:
        fits: of the stage and the night.
        vectors: gives the embeddings of all rows, float32, shape (rows, dimensions).
        row_keys: a digest of each row's id and text, uint64, shape (rows,).
        learnable: boolean, shape (rows,): false for gold rows, of which nothing is learned.
        folds: each row's fold, shape (rows,).
        fold_count: how many there are.
        basis: what every probe rests on, as digests by a name for people.
    """

    fits: Fits
    vectors: Callable[[], np.ndarray]
    row_keys: np.ndarray
    learnable: np.ndarray
    folds: np.ndarray
    fold_count: int
    basis: Mapping[str, str]

    def fit(
        self,
        name: str,
        codes: np.ndarray,
        parts: Sequence[np.ndarray],
        labels: Sequence[str],
        weights: np.ndarray | None = None,
    ) -> list[FittedProbe]:
        """Probes of the same labels, each of a part of the rows.

        Args:
            name: what they are for.
            codes: class codes, -1 for rows that nothing is learned from, shape (rows,).
            parts: for each probe, which rows it may learn from, by a hash of their ids, boolean, shape (rows,).
            labels: the classes' names.
            weights: of the rows, shape (rows,).
        """
        codes = np.where(self.learnable, codes, -1)
        learned = codes >= 0

        def fit() -> dict[str, np.ndarray]:
            return fit_probes(self.vectors(), codes, parts, len(labels), weights)

        kept = None if weights is None else weights[learned]
        return self.take(name, learned, codes, fit, labels, f"{len(parts)} parts", weights=kept)

    def by_fold(self, name: str, codes: np.ndarray, labels: Sequence[str]) -> list[FittedProbe]:
        """As `fit`, one probe for each fold, of the rows outside it."""
        return self.fit(name, codes, [self.folds != fold for fold in range(self.fold_count)], labels)

    def take(
        self,
        name: str,
        rows: np.ndarray,
        codes: np.ndarray,
        fit: Callable[[], Mapping[str, np.ndarray]],
        labels: Sequence[str],
        how: str,
        weights: np.ndarray | None = None,
    ) -> list[FittedProbe]:
        """The probes of a name, from an earlier night or by `fit`.

        Args:
            name: what they are for.
            rows: which ones they learn from, boolean, shape (rows,).
            codes: what is learned of each, shape (rows,).
            fit: fits them, as `tilth.learn.models.out_of_fold.probes_from` reads them.
            labels: the classes' names.
            how: whatever else tells these probes from others.
            weights: what else they are fitted by, of any shape.
        """
        return probes_from(
            self.fits.arrays(
                name,
                row_digests(self.row_keys[rows], codes[rows]),
                fit,
                basis={**self.basis, "classes": digest("\x1f".join(labels)), "folds": f"{self.fold_count}, {how}"},
                weights=weights,
            )
        )
