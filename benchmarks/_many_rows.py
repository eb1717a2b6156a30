"""Made rows for benchmarks of many: pairs of banking77's texts, joined, with words left out, and vectors to match.

A made row joins two texts of one class and leaves out a fifth of their words. Encoding a million of them takes an hour
and a half, so that a made row's vector is made too: the mean of the two texts' own vectors, and beside it `NOISE` times
the difference of two random rows' vectors, which is a direction that real texts differ in; then of length 1. `compare`
holds made vectors against the encoder's own for the same made texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tilth.config import EncoderConfig
from tilth.learn.encoder import Encoder
from tilth.store import Cache, Vectors, digest

NOISE = 0.35
_BLOCK = 100_000


@dataclass(frozen=True, kw_only=True)
class MadeRows:
    """Rows of banking77, and behind them made ones.

    Attributes:
        texts: one a row.
        labels: the class of each, as banking77 has it.
        own: how many stand in banking77 itself.
        parents: places in banking77 of the two texts that a made row joins, int64, shape (made rows, 2).
    """

    texts: list[str]
    labels: list[str]
    own: int
    parents: np.ndarray

    def frame(self) -> pd.DataFrame:
        """As input: a tenth of the labels is another class, and a fifth is missing, for the label model."""
        rng, count = np.random.default_rng(1), len(self.texts)
        frame = pd.DataFrame({"text": self.texts, "category": self.labels})
        wrong = rng.random(count) < 0.1
        frame.loc[wrong, "category"] = rng.choice(frame["category"].unique(), int(wrong.sum()))
        frame.loc[rng.random(count) < 0.2, "category"] = None
        return frame


def made_rows(folder: Path, count: int) -> MadeRows:
    """The first `count` rows; those of a smaller table are the first ones of a larger one."""
    table = pd.read_csv(folder / "banking77/train.csv").sample(frac=1, random_state=0, ignore_index=True)
    rng = np.random.default_rng(0)
    texts, labels = table["text"].str.strip().tolist(), table["category"].tolist()
    words, own = [text.split() for text in texts], len(texts)
    mates = {label: rows.to_numpy() for label, rows in table.groupby("category").groups.items()}
    parents = np.zeros((max(0, count - own), 2), dtype=np.int64)
    for place in range(len(parents)):
        one = int(rng.integers(own))
        other = int(rng.choice(mates[labels[one]]))
        joined = [*words[one], *words[other]]
        kept = rng.random(len(joined)) > 0.2
        texts.append(" ".join(word for word, keep in zip(joined, kept, strict=True) if keep))
        labels.append(labels[one])
        parents[place] = one, other
    return MadeRows(texts=texts[:count], labels=labels[:count], own=min(own, count), parents=parents)


def made_vectors(own: np.ndarray, parents: np.ndarray, noise: float = NOISE) -> np.ndarray:
    """Vectors of banking77's rows and of made ones, float32, shape (rows, dimensions), each of length 1.

    Args:
        own: the encoder's, of banking77's rows.
        parents: as in `MadeRows`.
        noise: length of the random part, the mean of the two texts' vectors having about 0.9.
    """
    rng, vectors = np.random.default_rng(2), np.empty((len(own) + len(parents), own.shape[1]), dtype=np.float32)
    vectors[: len(own)] = own
    for first in range(0, len(parents), _BLOCK):
        pair = parents[first : first + _BLOCK]
        one, other = rng.integers(len(own), size=(2, len(pair)))
        away = own[one] - own[other]
        made = (own[pair[:, 0]] + own[pair[:, 1]]) / 2 + noise * _unit(away)
        vectors[len(own) + first : len(own) + first + len(pair)] = _unit(made)
    return vectors


def fill_cache(rows: MadeRows, folder: Path, kept: Path) -> None:
    """Put the rows' vectors into a cache, as if they had been encoded.

    Args:
        rows: whose vectors are made.
        folder: of the cache.
        kept: a cache in which banking77's own vectors stay between calls.
    """
    encoder = Encoder(EncoderConfig(), Cache(kept))
    own = encoder.encode(rows.texts[: rows.own])
    vectors = made_vectors(own, rows.parents) if len(rows.parents) else own
    cached = Vectors(Cache(folder).folder("embeddings", encoder.fingerprint))
    for first in range(0, len(vectors), _BLOCK):
        part = slice(first, first + _BLOCK)
        cached.add([bytes.fromhex(digest(text)) for text in rows.texts[part]], vectors[part])


def _unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), dtype=np.float32)
