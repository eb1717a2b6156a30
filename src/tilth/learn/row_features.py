"""What several stages need of the same rows whatever their labels, once: embeddings, n-grams, passages, neighbors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
from datasets import Dataset

from tilth.learn.class_names import ClassTexts
from tilth.learn.encoder import Encoder, Passages, encode_passages
from tilth.learn.lexical import NGrams, RarityWeights, count_blocks, stacked
from tilth.learn.models import VIEWS, Features
from tilth.learn.neighbors import (
    CANDIDATES,
    NEAR_COPY,
    NearCopies,
    NeighborLists,
    Neighbors,
    filled,
    fit_centers,
    is_exact,
    nearest,
    search_lists,
    within,
)
from tilth.learn.pictures import PictureEncoder
from tilth.learn.row_pictures import RowPictures
from tilth.samples import Split
from tilth.store import Cache, Fits, digest, digest_code, digest_json, library_versions
from tilth.text import fold_of

_WIDE = 64
"""Nearest rows that the one search of a table keeps, several times what any stage needs: where only a part of the rows
takes part, the nearest ones of that part are among them. Keeping 64 of 100,000 takes 3% longer than keeping 10."""
_CODE = (
    "shared_features",
    "row_features",
    "class_names",
    "named_classes",
    "models/carried_probes",
    "models/out_of_fold",
    "models/self_training",
    "probabilities/calibration",
    "models/linear_probe",
    "metrics/metrics",
    "neighbors/neighbors",
    "neighbors/near_copies",
    "neighbors/shared_words",
    "neighbors/neighbor_index",
    "neighbors/neighbor_lists",
    "neighbors/label_spreading",
    "models/views",
    "passages/passage_fitting",
    "passages/passage_pooling",
    "passages/passage_views",
    "lexical/analyzers",
    "lexical/ngrams",
    "lexical/rarity",
)
"""Modules of this folder that compute what is cached here: a change in one of them makes it anew."""


class RowFeatures:
    """What several stages need to know of one table's rows beside their labels, each computed once and cached.

    What the methods return is aligned with the table's rows. `pictures` are theirs, where the workspace has any, else
    None. `class_texts` are texts that stand for the classes of a task, by its name, where there are any.
    """

    def __init__(
        self,
        samples: Dataset,
        *,
        encoder: Encoder,
        cache: Cache,
        folds: int = 5,
        fits: Fits | None = None,
        pictures: PictureEncoder | None = None,
        class_texts: Mapping[str, ClassTexts] | None = None,
    ) -> None:
        self.encoder = encoder
        self.cache = cache
        self.fits = fits if fits is not None else Fits(cache=cache)
        self.class_texts = dict(class_texts or {})
        self._folds = folds
        shown = pictures is not None and "picture_digest" in samples.column_names
        self.pictures = RowPictures(samples, pictures) if shown and pictures is not None else None
        self._ids: list[str] = samples["id"][:]
        self._texts: list[str] = samples["text"][:]
        self._gold = np.array([split == Split.GOLD for split in samples["split"][:]], dtype=bool)

    def embeddings(self) -> np.ndarray:
        """float32, shape (rows, dimensions), L2-normalized."""
        return self._embeddings

    def joint_embeddings(self) -> np.ndarray:
        """What each row has of text and picture side by side, L2-normalized, zeros for what it lacks.

        float32, shape (rows, dimensions of both); `embeddings` where no row has a picture. A row of a text alone is as
        like another one as by their texts, and unlike all pictures.
        """
        return self._joint

    @cached_property
    def _joint(self) -> np.ndarray:
        if self.pictures is None or not self.pictures.there.any():
            return self._embeddings
        has_text = np.array([bool(text) for text in self._texts], dtype=bool)
        both = np.concatenate([self._embeddings * has_text[:, None], self.pictures.embeddings], axis=1)
        return np.asarray(both / np.maximum(np.linalg.norm(both, axis=1, keepdims=True), 1e-12), dtype=np.float32)

    def joint_neighbors(self, k: int, among: np.ndarray) -> Neighbors:
        """As `neighbors`, by text and picture together."""
        if self.joint_embeddings() is self.embeddings():
            return self.neighbors(k, among)
        return nearest(self._joint[among], k)

    def near_copies(self, rows: np.ndarray, turns: np.ndarray, *, cosine: float = NEAR_COPY) -> NearCopies:
        """Which row stays for each of some rows, where several say the same in nearly the same words.

        A row with another picture is no copy, whatever its text.

        Args:
            rows: ascending positions of the rows that take part.
            turns: positions within them, in the order in which they may stay.
            cosine: from which two texts may be near copies.
        """
        texts, near = [self._texts[row] for row in rows], self.joint_neighbors(CANDIDATES, rows)
        long = self.read_by_passages[rows]
        return NearCopies(texts, self.joint_embeddings()[rows], near, turns, long=long, cosine=cosine)

    @cached_property
    def read_by_passages(self) -> np.ndarray:
        """Whether each row's text is read sentence by sentence, boolean, shape (rows,)."""
        passages = self.passages
        return np.zeros(len(self._ids), dtype=bool) if passages is None else np.diff(passages.starts) > 1

    @cached_property
    def _embeddings(self) -> np.ndarray:
        return self.encoder.encode(self._texts)

    @cached_property
    def lexical(self) -> NGrams:
        """How the rows are worded: n-grams of their words and characters, weighted by how few rows have them.

        The weights are those of the rows that are not gold.
        """
        return stacked(self.rarity.transform(block) for block in count_blocks(self._texts, self.cache))

    @cached_property
    def passages(self) -> Passages | None:
        """The passages of the rows' texts; None where the encoder does not read by passages, or no text is long."""
        config = getattr(self.encoder, "config", None)
        if getattr(config, "long_texts", "chunks") != "passages" or not self._texts:
            return None
        found = encode_passages(self.encoder, self._texts, self.cache)
        return found if len(found.index) > len(found) else None

    def features(self, view: str) -> Features:
        """What the model of a view reads of the rows, shape (rows, dimensions); see `views.VIEWS`."""
        reads = VIEWS[view].reads
        return self.embeddings() if reads == "vectors" else getattr(self.lexical, reads)

    @cached_property
    def rarity(self) -> RarityWeights:
        """What `lexical` weighs n-grams by; with `count_ngrams` it does the same for texts beyond the table."""

        def learned() -> Iterator[NGrams]:
            first = 0
            for block in count_blocks(self._texts, self.cache):
                yield block[~self._gold[first : first + len(block)]]
                first += len(block)

        return RarityWeights.fit(learned())

    @cached_property
    def folds(self) -> np.ndarray:
        """Each row's fold, by a hash of its id, shape (rows,)."""
        return np.array([fold_of(row_id, self._folds) for row_id in self._ids], dtype=np.int64)

    def neighbors(self, k: int, among: np.ndarray | None = None) -> Neighbors:
        """The k nearest rows of each row by cosine (fewer where there are fewer).

        Args:
            k: how many.
            among: ascending positions of the rows that take part; the result is aligned with them, and gives
                positions within them. None takes every row.
        """
        part = np.arange(len(self._ids)) if among is None else among
        return within(self._nearest, self.embeddings(), part, k)

    @cached_property
    def _nearest(self) -> Neighbors:
        if not is_exact(len(self._ids), len(self._ids)):
            return self._nearest_by_cells()
        key = digest(self._content, f"k={_WIDE}")
        arrays = self.cache.arrays("neighbors", key, lambda: vars(nearest(self.embeddings(), _WIDE)))
        return Neighbors(rows=arrays["rows"], similarities=arrays["similarities"])

    def _nearest_by_cells(self) -> Neighbors:
        """By an index, from the lists of another table by the same cells where the cache holds any."""
        centers, wide = self._centers(), min(_WIDE, len(self._ids) - 1)
        basis = digest(self._code, digest_json(library_versions()), self.encoder.fingerprint, centers.tobytes())[:16]

        def lists() -> dict[str, np.ndarray]:
            kept = self.cache.latest("neighbors", basis)
            before = NeighborLists(**kept) if kept else None
            return vars(search_lists(self.embeddings(), self.row_keys, centers, wide, before))

        found = self.cache.arrays("neighbors", basis + self._content[:16], lists)
        near = Neighbors(rows=found["rows"][:, :wide].copy(), similarities=found["similarities"][:, :wide].copy())
        return filled(near, self.embeddings(), np.arange(len(self._ids)))

    def _centers(self) -> np.ndarray:
        """Of the cells of the index of neighbors, which go on from night to night; gold rows make none."""
        learned = ~self._gold

        def fit() -> dict[str, np.ndarray]:
            return {"centers": fit_centers(self.embeddings()[learned])}

        return self.fits.arrays("cells of nearest rows", self.row_keys[learned], fit, basis=self._basis)["centers"]

    @property
    def _basis(self) -> dict[str, str]:
        """What the fits of the embeddings rest on."""
        return {
            "code": self._code,
            "config": "",  # no stage's
            "encoder": self.encoder.fingerprint,
            "libraries": digest_json(library_versions()),
            "seed": "",
        }

    @cached_property
    def row_keys(self) -> np.ndarray:
        """A digest of each row's id and text, uint64, shape (rows,)."""
        digests = (digest(*pair) for pair in zip(self._ids, self._texts, strict=True))
        return np.array([int(one[:16], 16) for one in digests], dtype=np.uint64)

    @cached_property
    def _code(self) -> str:
        here = Path(__file__).parent
        ground = (here.parent / "text.py", here.parent / "threads.py")
        return digest_code(*(here / f"{name}.py" for name in _CODE), *ground)

    @cached_property
    def _content(self) -> str:
        versions = [self._code, digest_json(library_versions()), self.encoder.fingerprint]
        return digest(*versions, "\x1f".join(self._ids), "\x1f".join(self._texts), self._gold.tobytes())
