"""What several stages need of the same rows, computed once: embeddings, neighbors, out-of-fold probabilities."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from datasets import Dataset

from tilth.learn.calibration import calibrate, soften
from tilth.learn.encoder import Encoder
from tilth.learn.label_spreading import NEAREST, graph, spread
from tilth.learn.linear_probe import fit_predict
from tilth.learn.neighbors import Neighbors, nearest, within
from tilth.learn.out_of_fold import OutOfFold, knowable
from tilth.learn.self_training import _LESSONS, _together
from tilth.samples import Split, Task
from tilth.store import Cache, digest, digest_code, digest_json, library_versions
from tilth.text import fold_of

log = logging.getLogger(__name__)

_WIDE = 64
"""Nearest rows that the one search of a table keeps, several times what anybody asks for: where a part of the rows is
asked about, the part's own are among them. Keeping 64 of 100,000 takes 3% longer than keeping 10."""
_CODE = (
    "shared_features",
    "out_of_fold",
    "self_training",
    "calibration",
    "linear_probe",
    "neighbors",
    "label_spreading",
)
"""Modules that what is kept here rests on."""


class Evidence:
    """Evidence on one table; what it returns is aligned with the table's rows."""

    def __init__(self, samples: Dataset, *, encoder: Encoder, cache: Cache, folds: int = 5) -> None:
        self.encoder = encoder
        self.cache = cache
        self._folds = folds
        self._ids: list[str] = samples["id"][:]
        self._texts: list[str] = samples["text"][:]
        self._gold = np.array([split == Split.GOLD for split in samples["split"]], dtype=bool)

    def embeddings(self) -> np.ndarray:
        """float32, shape (rows, dimensions), L2-normalized."""
        return self._embeddings

    @cached_property
    def _embeddings(self) -> np.ndarray:
        return self.encoder.encode(self._texts)

    @cached_property
    def folds(self) -> np.ndarray:
        """Each row's fold, by a hash of its id, shape (rows,)."""
        return np.array([fold_of(row_id, self._folds) for row_id in self._ids], dtype=np.int64)

    def neighbors(self, k: int, among: np.ndarray | None = None) -> Neighbors:
        """The k nearest rows of each row by cosine (fewer where there are fewer).

        Args:
            k: how many.
            among: ascending positions of the rows that take part; the answer is aligned with them, and gives
                positions within them. None takes every row.
        """
        every = np.arange(len(self._ids)) if among is None else among
        return within(self._nearest, self.embeddings(), every, k)

    @cached_property
    def _nearest(self) -> Neighbors:
        key = digest(self._content, f"k={_WIDE}")
        found = self.cache.arrays("neighbors", key, lambda: vars(nearest(self.embeddings(), _WIDE)))
        return Neighbors(rows=found["rows"], similarities=found["similarities"])

    def out_of_fold(self, task: Task, labels: Sequence[str | None]) -> OutOfFold:
        """Calibrated probabilities of the judge on every row, from the labels given.

        Args:
            task: its `labels` order the columns.
            labels: one a row; None (or NaN) takes no part. Gold rows never take part, whatever is passed.

        Returns:
            Probabilities for all rows; see `OutOfFold`.
        """
        return self._judged(task, self._codes(task, labels), None)

    def self_trained(self, task: Task, labels: Sequence[str | None], free: np.ndarray) -> OutOfFold:
        """As `out_of_fold`, by judges that learn from what the labels say of the rows without one too.

        In each fold, and once with all labels, two first voices are heard of the free rows: a judge of the labels
        alone, and the labels spread over the graph of near rows, which knows more the fewer labels a class has. What
        they believe together teaches a second judge beside the labels, each row at the weight of that belief
        (self-training, Yarowsky 1995). No row is judged by a model that its own label reached; the temperatures alone
        are fitted to all labels.

        Args:
            task: its `labels` order the columns.
            labels: one a row, as in `out_of_fold`.
            free: boolean, shape (rows,): rows without a label that may teach.

        Returns:
            Probabilities for all rows; those without a label are judged by the second judge of all labels, which
            with few labels a class knows more than judges of four fifths of them.
        """
        return self._judged(task, self._codes(task, labels), free & ~self._gold)

    def _codes(self, task: Task, labels: Sequence[str | None]) -> np.ndarray:
        codes = task.codes(labels)
        codes[self._gold] = -1
        return codes

    def _judged(self, task: Task, codes: np.ndarray, free: np.ndarray | None) -> OutOfFold:
        key = digest(self._content, codes.tobytes(), "\x1f".join(task.labels), f"folds={self._folds}")
        if free is None:
            found = self.cache.arrays("out_of_fold", key, lambda: self._cross_validate(codes, len(task.labels)))
        else:
            more = digest(key, free.tobytes())
            softer = self._judged(task, codes, None).temperature
            found = self.cache.arrays(
                "self_trained", more, lambda: self._self_train(codes, len(task.labels), free, softer)
            )
        return OutOfFold(
            probabilities=found["probabilities"], labeled=codes >= 0, temperature=float(found["temperature"][0])
        )

    def _cross_validate(self, codes: np.ndarray, classes: int) -> dict[str, np.ndarray]:
        vectors, labeled = self.embeddings(), codes >= 0
        total = np.zeros((len(codes), classes), dtype=np.float32)
        for fold in range(self._folds):
            held = labeled & (self.folds == fold)
            asked = held | ~labeled
            taught = labeled & ~held
            found = fit_predict(vectors[taught], codes[taught], vectors[asked], classes)
            total[asked] += found / np.where(labeled[asked], 1, self._folds)[:, None]
        return self._calibrated(total, codes)

    def _self_train(self, codes: np.ndarray, classes: int, free: np.ndarray, softer: float) -> dict[str, np.ndarray]:
        vectors, labeled = self.embeddings(), codes >= 0
        part = np.flatnonzero(free | labeled)
        near, learns = graph(self.neighbors(NEAREST, among=part)), np.flatnonzero((free & ~labeled)[part])
        learns = learns[np.linspace(0, len(learns) - 1, min(len(learns), _LESSONS), dtype=np.int64)]
        lessons = vectors[part[learns]]

        def second(taught: np.ndarray, asked: np.ndarray) -> np.ndarray:
            if not taught.any():
                return np.full((int(asked.sum()), classes), 1 / classes, dtype=np.float32)
            known = np.where(taught, codes, -1)[part]
            alone = fit_predict(vectors[taught], codes[taught], lessons, classes)
            belief = _together(soften(alone, softer), spread(near, known, classes)[learns], codes[taught])
            return fit_predict(
                np.concatenate([vectors[taught], lessons]),
                np.concatenate([codes[taught], belief.argmax(axis=1)]),
                vectors[asked],
                classes,
                np.concatenate([np.ones(int(taught.sum())), belief.max(axis=1)]),
            )

        total = np.zeros((len(codes), classes), dtype=np.float32)
        for fold in range(self._folds):
            held = labeled & (self.folds == fold)
            if held.any():
                total[held] = second(labeled & ~held, held)
        if not labeled.all():
            total[~labeled] = second(labeled, ~labeled)
        return self._calibrated(total, codes)

    def _calibrated(self, found: np.ndarray, codes: np.ndarray) -> dict[str, np.ndarray]:
        judged = knowable(codes, self.folds)
        temperature = calibrate(found[judged], codes[judged])
        return {"probabilities": soften(found, temperature), "temperature": np.array([temperature], dtype=np.float32)}

    @cached_property
    def _content(self) -> str:
        here = Path(__file__).parent
        code = digest_code(*(here / f"{name}.py" for name in _CODE), here.parent / "text.py")
        made_by = [code, digest_json(library_versions()), self.encoder.fingerprint]
        return digest(*made_by, "\x1f".join(self._ids), "\x1f".join(self._texts), self._gold.tobytes())
