"""The pictures of one table's rows."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
from datasets import Dataset

from tilth.learn.neighbors import Neighbors, nearest
from tilth.learn.pictures import PictureEncoder


class RowPictures:
    """Vectors of a table's pictures, aligned with its rows.

    Attributes:
        digests: of each row's picture, None where it has none.
        there: boolean, shape (rows,): the rows that have one.
    """

    def __init__(self, samples: Dataset, encoder: PictureEncoder) -> None:
        self.digests: list[str | None] = samples["picture_digest"][:]
        self.there = np.array([one is not None for one in self.digests], dtype=bool)
        self.fingerprint = encoder.fingerprint
        self._encoder = encoder
        self._paths: list[str | None] = samples["picture_path"][:]

    @cached_property
    def embeddings(self) -> np.ndarray:
        """float32, shape (rows, dimensions), L2-normalized; zeros for a row without a picture."""
        paths = self.paths
        vectors = self._encoder.encode(paths)
        places = {one: place for place, one in enumerate(paths)}
        whole = np.zeros((len(self.digests), vectors.shape[1]), dtype=np.float32)
        whole[self.there] = vectors[[places[one] for one in self.digests if one is not None]]
        return whole

    def references(self) -> list[tuple[str, Path] | None]:
        """Each row's picture: the digest of its content and where it stands; None for a row without one."""
        pairs = zip(self.digests, self._paths, strict=True)
        return [(one, self._encoder.root / path) if one and path else None for one, path in pairs]

    @property
    def encoder(self) -> PictureEncoder:
        """The model that the vectors come from."""
        return self._encoder

    @cached_property
    def paths(self) -> dict[str, str]:
        """Where each picture stands, by the digest of its content."""
        return {one: path for one, path in zip(self.digests, self._paths, strict=True) if one and path}

    def pixels(self, digest: str) -> np.ndarray:
        """One picture, by the digest of its content, as the model reads it, float32, shape (3, side, side)."""
        return np.asarray(self._encoder.pixels(digest, self.paths[digest]))

    def neighbors(self, k: int, among: np.ndarray) -> Neighbors:
        """The k nearest pictures of the rows at ascending positions, aligned with them, as positions within them."""
        return nearest(self.embeddings[among], k)
