"""The texts as points in the plane, near each other where they mean the same.

The encoder's vectors (which the night has cached) are reduced to 50 dimensions by their principal components and then
to two by t-SNE (van der Maaten and Hinton 2008), started from the first two components so that the picture does not
turn from night to night. PCA alone comes at once and piles the classes on one heap; t-SNE takes 10 seconds for 5,000
points (`benchmarks/report_page.py`), and shows them apart. So a night takes its places over from the night before while
few of its texts have changed (`tilth.store.Fits`), and a new text stands in the middle of those nearest to it. The page
of a run that left no places computes them, and caches them by what they depend on.
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
from tilth.reports.columns import column
from tilth.reports.page.files import RunFiles
from tilth.reports.page.rows.touched import TouchedRows
from tilth.reports.page.rows.verdicts import SUSPECTS, VERDICTS
from tilth.samples import Source, Split
from tilth.store import Cache, Fits, Vectors, digest, digest_made_by, fits_left

log = logging.getLogger(__name__)

POINTS = 5_000
FEWEST = 20
LONGEST_TEXT = 90
_SIDE = 1000
_DIMENSIONS, _STEPS = 50, 500
_ANGLE = 0.8
"""How far off texts are that count as one (Barnes-Hut): of the demo's 2,501 texts, 0.5 takes 5.5 processor seconds,
keeps 44.2% of the ten nearest ones and ends at a divergence of 1.366; 0.8 takes 3.9, keeps 44.3% and ends at 1.371."""
_AROUND = 5
"""Texts in the middle of which a new one is put: the nearest ones that have a place."""


def text_map(run: RunFiles, touched: TouchedRows, fits: Fits | None = None) -> dict[str, Any]:
    """Up to `POINTS` points, those of suspects first, as columns; or `why` there is no map.

    Args:
        run: the night.
        touched: its rows with a verdict.
        fits: takes over an earlier night's places, and holds this one's then; None goes by what the night left.

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
        places_of = _scaled(_places(run, texts, fits))
    except (TilthError, OSError, KeyError, ValueError) as error:
        log.info("no map", exc_info=True)
        return {"why": f"The map needs the vectors that the night cached, and they cannot be read ({error})."}
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


def _scaled(places: np.ndarray) -> np.ndarray:
    """The same places from 0 to 1000, int."""
    low, high = places.min(axis=0), places.max(axis=0)
    scaled: np.ndarray = np.rint(_SIDE * (places - low) / np.maximum(high - low, 1e-9)).astype(int)
    return scaled


def _places(run: RunFiles, texts: list[str], fits: Fits | None) -> np.ndarray:
    """Where each text stands, float32, shape (texts, 2)."""
    record: Mapping[str, Any] = run.record
    cache = Cache(Path(record["workspace"]["data"]) / "cache")
    encoder = Encoder(EncoderConfig.model_validate(record["config"]["encoder"]), cache)
    vectors = Vectors(cache.folder("embeddings", encoder.fingerprint))
    keys = [bytes.fromhex(digest(text)) for text in texts]
    if missing := len(vectors.missing(keys)):
        raise ValueError(f"{missing} of {len(texts)} are gone from {cache.root}; the next night computes them again")
    if fits is None:
        fits = fits_left(record, "map", cache)
    rows, whole = np.frombuffer(b"".join(keys), dtype="<u8").reshape(-1, 2)[:, 0].copy(), vectors.get(keys)

    def fit() -> dict[str, np.ndarray]:
        return {"keys": rows, "places": project(whole)}

    basis = {"encoder": encoder.fingerprint, "code": digest_made_by([Path(__file__)], ["scikit-learn"])}
    kept = fits.arrays("places of the map", rows, fit, basis=basis)
    return place_new(rows, whole, kept["keys"], kept["places"])


def place_new(rows: np.ndarray, vectors: np.ndarray, known: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Places of texts, of which some have one: the others stand in the middle of those nearest to them.

    Args:
        rows: a digest of each text, uint64, shape (texts,).
        vectors: of the texts, L2-normalized, shape (texts, dimensions).
        known: digests of those that have a place, shape (known texts,).
        places: theirs, float32, shape (known texts, 2).
    """
    at = {key: place for place, key in enumerate(known.tolist())}
    found = np.array([at.get(key, -1) for key in rows.tolist()], dtype=np.int64)
    old, new = np.flatnonzero(found >= 0), np.flatnonzero(found < 0)
    if not len(old):
        return project(vectors)
    whole = np.empty((len(rows), 2), dtype=np.float32)
    whole[old] = places[found[old]]
    if len(new):
        nearest = np.argsort(-(vectors[new] @ vectors[old].T), axis=1, kind="stable")[:, :_AROUND]
        whole[new] = whole[old[nearest]].mean(axis=1)
    return whole


def project(vectors: np.ndarray) -> np.ndarray:
    """Vectors to the plane, float32, shape (texts, 2)."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    width = min(_DIMENSIONS, *vectors.shape)
    reduced = PCA(width, random_state=0).fit_transform(vectors)
    if len(reduced) and np.ptp(reduced) == 0:  # one text many times: every place is as good
        return np.zeros((len(reduced), 2), dtype=np.float32)
    perplexity = min(30.0, (len(vectors) - 1) / 3)
    tsne = TSNE(2, init="pca", perplexity=perplexity, max_iter=_STEPS, angle=_ANGLE, random_state=0, n_jobs=1)
    return np.asarray(tsne.fit_transform(reduced), dtype=np.float32)
