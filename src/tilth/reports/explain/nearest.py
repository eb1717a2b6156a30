"""The nearest labeled rows, from the vectors that the night kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from datasets import Dataset

from tilth import store
from tilth.config import EncoderConfig
from tilth.errors import TilthError
from tilth.learn import Evidence
from tilth.learn.encoder import Encoder
from tilth.reports.explain.tables import NightTables
from tilth.samples import Source, Split

K = 5
"""Rows that are named as the nearest."""
MOST_UNREAD = 2000
"""Texts that are encoded again where their vectors are gone; more would take longer than a person waits."""


@dataclass(frozen=True, kw_only=True)
class Nearest:
    """The nearest labeled rows of each row of the input, by task.

    Attributes:
        rows: for each task positions in the night's table, nearest first, int64, shape (input rows, K), -1 where there
            is none; gold rows, and paraphrases, are none.
        cosines: how near they are, float32, of the same shape.
        why_not: why there are none at all, or None.
    """

    rows: dict[str, np.ndarray] = field(default_factory=dict)
    cosines: dict[str, np.ndarray] = field(default_factory=dict)
    why_not: str | None = None


def nearest_labeled(night: NightTables) -> Nearest:
    """The nearest rows that have a label; none, with the reason, where the vectors are gone or cannot be read."""
    try:
        return _nearest(night)
    except (TilthError, OSError, KeyError, ValueError) as error:  # a story is told without them all the same
        return Nearest(why_not=f"the texts' vectors cannot be read: {error}")


def _nearest(night: NightTables) -> Nearest:
    frame = night.frame
    count = int(frame["source"].ne(Source.PARAPHRASE).sum())  # paraphrases stand at the end
    data = Path(night.record["workspace"]["data"])
    if not (data / "cache").is_dir():
        return Nearest(why_not=f"the texts' vectors are gone from {data / 'cache'}")
    cache = store.Cache(data / "cache")
    encoder = Encoder(EncoderConfig(**night.record["config"]["encoder"]), cache)
    texts = frame["text"].iloc[:count].tolist()
    vectors = store.Vectors(cache.root / "embeddings" / encoder.fingerprint)
    unread = len(vectors.missing([bytes.fromhex(store.digest(text)) for text in dict.fromkeys(texts)]))
    if unread > MOST_UNREAD:
        return Nearest(why_not=f"the vectors of {unread:,} texts are gone from {cache.root}")
    columns = {"id": frame["id"].iloc[:count].tolist(), "text": texts, "split": frame["split"].iloc[:count].tolist()}
    evidence = Evidence(
        Dataset.from_dict(columns),
        encoder=encoder,
        cache=cache,
        folds=night.record["config"].get("folds", 5),
        fits=store.fits_left(night.record, "cleaning", cache),
    )
    nearest = Nearest()
    for task in (task.name for task in night.tasks if task.name in frame):
        labeled = (frame[task].notna() & frame["split"].ne(Split.GOLD)).to_numpy(dtype=bool)[:count]
        nearest.rows[task], nearest.cosines[task] = _among(evidence, np.flatnonzero(labeled), count)
    return nearest


def _among(evidence: Evidence, labeled: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of the labeled rows for every row, whether labeled itself or not."""
    rows, cosines = np.full((count, K), -1, dtype=np.int64), np.full((count, K), np.nan, dtype=np.float32)
    if not len(labeled):
        return rows, cosines
    near = evidence.neighbors(min(64, count - 1))  # as many as the night's own search kept
    is_labeled = np.zeros(count, dtype=bool)
    is_labeled[labeled] = True
    good = is_labeled[near.rows]
    order = np.argsort(~good, axis=1, kind="stable")[:, :K]
    lines = np.arange(count)[:, None]
    kept = good[lines, order]
    width = order.shape[1]
    rows[:, :width] = np.where(kept, near.rows[lines, order], -1)
    cosines[:, :width] = np.where(kept, near.similarities[lines, order], np.nan)
    return rows, cosines
