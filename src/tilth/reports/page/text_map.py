"""The texts as points in the plane, near each other where they mean the same.

The encoder's vectors (which the night has cached) are reduced to 50 dimensions by their principal components and then
to two by t-SNE (van der Maaten and Hinton 2008), started from the first two components so that the picture does not
turn from night to night. PCA alone comes at once and piles the classes on one heap; t-SNE takes 10 seconds for 5,000
points (`benchmarks/report_page.py`), and shows them apart. Places are cached by what they depend on, so that a page is
written anew at once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tilth.config import EncoderConfig
from tilth.errors import TilthError
from tilth.learn.encoder import Encoder
from tilth.reports.page.run_files import RunFiles, column
from tilth.reports.page.touched_rows import TouchedRows
from tilth.reports.page.verdicts import SUSPECTS, VERDICTS
from tilth.samples import Source, Split
from tilth.store import Cache, Vectors, digest

log = logging.getLogger(__name__)

POINTS = 5_000
FEWEST = 20
LONGEST_TEXT = 90
_SIDE = 1000
_DIMENSIONS, _STEPS = 50, 500


def text_map(run: RunFiles, touched: TouchedRows) -> dict[str, Any]:
    """Up to `POINTS` points, those of suspects first, as columns; or `why` there is no map.

    Returns:
        `x` and `y` (0 to 1000), `i` ids, `t` the texts' beginnings, `l` a list a task of labels (places among its
        labels, -1 without), `v` the gravest verdict (-1 without), `s` source, `q` status, `ring` whether it is a
        suspect; `rows`, how many rows there are to choose from.
    """
    candidates = _candidates(run)
    if len(candidates) < FEWEST:
        return {"why": f"A map needs {FEWEST} texts or more; there are {len(candidates)}."}
    gravest = np.full(len(run.frame), -1)
    suspect = np.zeros(len(run.frame), dtype=bool)
    if len(touched.positions):
        gravest[touched.positions] = touched.masks.argmax(axis=1)
        places = [place for place, verdict in enumerate(VERDICTS) if verdict.key in SUSPECTS]
        suspect[touched.positions] = touched.masks[:, places].any(axis=1)
    chosen = _chosen(run, candidates, suspect)
    texts = run.frame["text"].iloc[chosen].fillna("").astype(str).tolist()
    try:
        places_of = _places(run, texts)
    except (TilthError, OSError, KeyError, ValueError) as error:
        log.info("no map", exc_info=True)
        return {"why": f"The map needs the vectors that the night cached, and they are not to be had ({error})."}
    frame = run.frame.iloc[chosen]
    return {
        "x": places_of[:, 0].tolist(),
        "y": places_of[:, 1].tolist(),
        "i": frame["id"].astype(str).tolist(),
        "t": [text[:LONGEST_TEXT] for text in texts],
        "l": [task.codes(column(frame, task.name)).tolist() for task in run.tasks],
        "v": gravest[chosen].tolist(),
        "s": frame["source"].astype(str).tolist(),
        "q": frame["status"].astype(str).tolist(),
        "ring": suspect[chosen].astype(int).tolist(),
        "rows": len(candidates),
        "suspects": int(suspect[candidates].sum()),
    }


def _candidates(run: RunFiles) -> np.ndarray:
    """All rows but gold ones, unused paraphrases and empty texts."""
    unused = run.frame["source"].eq(Source.PARAPHRASE) & ~column(run.frame, "used").eq(True)
    empty = run.frame["text"].fillna("").astype(str).str.strip().eq("")
    return np.flatnonzero((run.frame["split"].ne(Split.GOLD) & ~unused & ~empty).to_numpy(dtype=bool))


def _chosen(run: RunFiles, candidates: np.ndarray, suspect: np.ndarray) -> np.ndarray:
    """Suspects first, then others by the digest of their ids: the same ones every night, of all classes alike."""
    if len(candidates) <= POINTS:
        return candidates
    keys = np.array([digest(str(identity)) for identity in run.frame["id"].iloc[candidates]])
    order = np.lexsort((keys, ~suspect[candidates]))
    return np.sort(candidates[order[:POINTS]])


def _places(run: RunFiles, texts: list[str]) -> np.ndarray:
    """Where each text stands, int, shape (texts, 2), from 0 to 1000."""
    record: Mapping[str, Any] = run.record
    cache = Cache(Path(record["workspace"]["data"]) / "cache")
    encoder = Encoder(EncoderConfig.model_validate(record["config"]["encoder"]), cache)
    vectors = Vectors(cache.folder("embeddings", encoder.fingerprint))
    keys = [bytes.fromhex(digest(text)) for text in texts]
    if missing := len(vectors.missing(keys)):
        raise ValueError(f"{missing} of {len(texts)} are gone from {cache.root}; the next night computes them again")
    key = digest("map-1", encoder.fingerprint, str(_STEPS), *texts)
    places = cache.arrays("maps", key, lambda: {"places": project(vectors.get(keys))})["places"]
    low, high = places.min(axis=0), places.max(axis=0)
    scaled: np.ndarray = np.rint(_SIDE * (places - low) / np.maximum(high - low, 1e-9)).astype(int)
    return scaled


def project(vectors: np.ndarray) -> np.ndarray:
    """Vectors to the plane, float32, shape (texts, 2)."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    width = min(_DIMENSIONS, *vectors.shape)
    reduced = PCA(width, random_state=0).fit_transform(vectors)
    if len(reduced) and np.ptp(reduced) == 0:  # one text many times: every place is as good
        return np.zeros((len(reduced), 2), dtype=np.float32)
    perplexity = min(30.0, (len(vectors) - 1) / 3)
    tsne = TSNE(2, init="pca", perplexity=perplexity, max_iter=_STEPS, random_state=0, n_jobs=1)
    return np.asarray(tsne.fit_transform(reduced), dtype=np.float32)
