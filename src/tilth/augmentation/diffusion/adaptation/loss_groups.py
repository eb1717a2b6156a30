"""Groups of rows that are worded alike, each with a held-out loss of its own.

An inbox has channels: what many people ask in nearly the same words in one of them a small denoiser learns, and in the
next one hardly two messages share three words. One loss for both would say little of either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans

FEWEST = 12
"""Held-out texts by which a group's loss is known."""
_VALUES = 20  # different values at most of a column that may tell groups apart
_CLUSTERS = 8
_EXPLAINED = 0.05  # share of the losses' variance below which all rows are one group
_OTHERS, _ALL = "others", "all"
_META = "meta."


@dataclass(frozen=True)
class LossGroups:
    """A partition of a table's rows.

    Attributes:
        by: The input's column whose values it goes by, "cluster" where it goes by nearness in meaning, or "" where all
            rows are one group.
        names: The groups' names.
        centers: Of clusters (groups, dimensions), else empty.
    """

    by: str
    names: tuple[str, ...]
    centers: tuple[tuple[float, ...], ...] = ()

    def codes(self, frame: pd.DataFrame, vectors: np.ndarray) -> np.ndarray:
        """Each row's group as a place in `names` (rows,); what belongs to no other one is of the last.

        Args:
            frame: A table, of tonight or of another night.
            vectors: Embeddings of its rows.
        """
        if self.centers:
            return np.asarray(np.argmax(vectors @ np.array(self.centers).T, axis=1))
        last = len(self.names) - 1
        if not self.by or _META + self.by not in frame:
            return np.full(len(frame), last)
        place = {name: number for number, name in enumerate(self.names)}
        return np.array([place.get(str(value), last) for value in frame[_META + self.by]], dtype=np.int64)

    def to_json(self) -> dict[str, Any]:
        """As the record of a denoiser holds it."""
        return asdict(self)


ONE_GROUP = LossGroups("", (_ALL,))


def groups_of(record: Mapping[str, Any] | None) -> LossGroups:
    """The groups in a record by `LossGroups.to_json`; all rows are one where it holds none."""
    if not record:
        return ONE_GROUP
    centers = tuple(tuple(map(float, center)) for center in record["centers"])
    return LossGroups(record["by"], tuple(record["names"]), centers)


def find_groups(
    frame: pd.DataFrame, vectors: np.ndarray, rows: np.ndarray, measured: np.ndarray, losses: np.ndarray, seed: int
) -> LossGroups:
    """The partition that tells the losses of held-out texts apart best: by a column of few values, or by clusters.

    Args:
        frame: The table.
        vectors: Embeddings of all rows, each of length 1.
        rows: Those that may be learned from or measured.
        measured: The row of each measured example (examples,).
        losses: Nats a token of each, by a denoiser that has learned none of them (examples,).
        seed: Of the clusters.
    """
    partitions = [*_by_columns(frame, rows, measured), *_by_clusters(vectors, rows, measured, seed)]
    scores = [explained_variance(groups.codes(frame, vectors)[measured], losses) for groups in partitions]
    best = int(np.argmax(scores)) if scores else -1
    return partitions[best] if scores and scores[best] >= _EXPLAINED else ONE_GROUP


def explained_variance(codes: np.ndarray, values: np.ndarray) -> float:
    """Share of the values' variance that lies between groups, adjusted for how many there are; 0 at least.

    >>> explained_variance(np.array([0, 0, 1, 1]), np.array([1.0, 1.0, 3.0, 3.0]))
    1.0
    >>> explained_variance(np.array([0, 1, 0, 1]), np.array([1.0, 1.0, 3.0, 3.0]))
    0.0
    """
    groups, known = len(np.unique(codes)), len(values)
    total = float(((values - values.mean()) ** 2).sum()) if known else 0.0
    if groups < 2 or known <= groups or total == 0:
        return 0.0
    means = pd.Series(values).groupby(codes).transform("mean").to_numpy()
    within = float(((values - means) ** 2).sum())
    return max(0.0, 1 - within / (known - groups) * (known - 1) / total)


def _by_columns(frame: pd.DataFrame, rows: np.ndarray, measured: np.ndarray) -> list[LossGroups]:
    """One partition a column of few values; values that are measured by too few texts are one group together."""
    partitions, texts = list[LossGroups](), np.unique(measured)
    for column in [name for name in frame if str(name).startswith(_META)]:
        values = frame[column].astype(str)
        if not 2 <= values.iloc[rows].nunique() <= _VALUES:
            continue
        counts = values.iloc[texts].value_counts()
        names = sorted(str(name) for name, count in counts.items() if count >= FEWEST)
        if names and (len(names) > 1 or counts.sum() - counts[names[0]] >= FEWEST):
            partitions.append(LossGroups(str(column).removeprefix(_META), (*names, _OTHERS)))
    return partitions


def _by_clusters(vectors: np.ndarray, rows: np.ndarray, measured: np.ndarray, seed: int) -> list[LossGroups]:
    count = min(_CLUSTERS, len(np.unique(measured)) // (2 * FEWEST))
    if count < 2:
        return []
    means = KMeans(count, n_init=1, max_iter=50, random_state=seed).fit(vectors[rows]).cluster_centers_
    means = np.round(means / np.linalg.norm(means, axis=1, keepdims=True), 5)
    names = tuple(f"cluster {number + 1}" for number in range(count))
    return [LossGroups("cluster", names, tuple(map(tuple, means.tolist())))]
