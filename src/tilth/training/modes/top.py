"""The top layers of the encoder are trained on what the layers below make of each text, which is computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tilth.learn.encoder import encode_with_trunk
from tilth.samples import evenly_spaced
from tilth.store import digest
from tilth.training.modes.base import TrainedTrunk, TuningJob

if TYPE_CHECKING:
    from tilth.learn.encoder import Trunk
    from tilth.training.modes.top_layers import TopLayers
    from tilth.training.trainer import Objective, TrainerConfig, TuningRows

_MEASURED = 1000
"""Held-out rows at most, beside the rows that are drawn, to stop by."""
_LETTERS = 10_000_000
"""Activations of texts of more letters (some 2 GB) are computed anew each time: they would crowd the cache."""


def train_top(job: TuningJob) -> TrainedTrunk:
    """Fine-tune the top layers with a linear head for each task."""
    return train_top_layers(job, "top", lambda _: None)


def train_top_layers(job: TuningJob, mode: str, objective: Callable[[TuningRows], Objective | None]) -> TrainedTrunk:
    """Fine-tune the top layers by an objective.

    Of more rows than its steps draw, only so many are kept as activations: of a million they would take gigabytes.

    Args:
        job: what is trained.
        mode: whose checkpoints these are.
        objective: what is made smaller, for the rows that are trained on; None classifies.
    """
    from tilth.training.modes.top_layers import TopLayers
    from tilth.training.trainer import CLASSIFY, tune

    places = drawn_rows(job.rows, job.config, job.seed)
    part_of_it = replace(job, rows=job.rows.at(places))
    rows, config = part_of_it.rows, job.config
    kept, long_texts = _kept(part_of_it), job.long_texts()
    part = TopLayers(job.folder, rows.texts, config.max_tokens, job.top_layers, kept, long_texts)
    where, how = part_of_it.checkpoints(mode), objective(rows) or CLASSIFY
    tuned = tune(job.folder, rows, job.heads, config, job.seed, where, part=part, objective=how)
    own = _vectors(part_of_it, part, tuned.trunk)
    if len(places) == len(job.rows.texts):
        return TrainedTrunk(tuned=tuned, vectors=own)
    vectors = np.zeros((len(job.rows.texts), own.shape[1]), dtype=np.float32)
    vectors[places] = own
    others = np.setdiff1d(np.arange(len(vectors)), places).tolist()
    texts = [job.rows.texts[place] for place in others]
    vectors[others] = encode_with_trunk(tuned.trunk, job.folder, texts, config.max_tokens, job.reads.max_chunks)
    return TrainedTrunk(tuned=tuned, vectors=vectors)


def drawn_rows(rows: TuningRows, config: TrainerConfig, seed: int) -> np.ndarray:
    """The places, ascending, of what training can take: all, or as many rows as its steps draw and held-out ones."""
    most = config.steps * config.batch_size
    trained = np.flatnonzero(~rows.measured)
    if len(trained) <= most:
        return np.arange(len(rows.texts))
    chosen = np.random.default_rng(seed).permutation(trained)[:most]
    held_out = np.flatnonzero(rows.measured & np.any([codes >= 0 for codes in rows.codes.values()], axis=0))
    return np.sort(np.concatenate([chosen, held_out[evenly_spaced(len(held_out), _MEASURED)]]))


def _kept(job: TuningJob) -> Callable[[Callable[[], Mapping[str, np.ndarray]]], Mapping[str, np.ndarray]]:
    """The cache's activations of just these texts by just this encoder."""
    if sum(map(len, job.rows.texts)) > _LETTERS:
        return lambda compute: compute()
    key = digest(job.fingerprint, str(job.top_layers), str(job.config.max_tokens), "v1", *job.rows.texts)
    return lambda compute: job.cache.arrays("activations", key, compute)


def _vectors(job: TuningJob, part: TopLayers, trunk: Trunk) -> np.ndarray:
    """Of all texts; those that are read in several chunks go through the whole encoder."""
    vectors = part.vectors()
    if part.chunked:
        texts = [job.rows.texts[row] for row in part.chunked]
        limit, most = job.config.max_tokens, job.reads.max_chunks
        vectors[part.chunked] = encode_with_trunk(trunk, job.folder, texts, limit, most)
    return vectors
