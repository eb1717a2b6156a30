"""The top layers of the encoder are trained on what the layers below make of each text, which is computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from tilth.learn.encoder import encode_with_trunk
from tilth.store import digest
from tilth.training.modes.base import Mode, TrainedTrunk, TuningJob

if TYPE_CHECKING:
    from tilth.learn.encoder import Trunk
    from tilth.training.trainer import Objective, TopLayers

_LETTERS = 10_000_000
"""Activations of texts of more letters (some 2 GB) are computed anew each time: they would crowd the cache."""


def train_top(job: TuningJob) -> TrainedTrunk:
    """Fine-tune the top layers with a linear head for each task."""
    return train_top_layers(job, "top", None)


def train_top_layers(job: TuningJob, mode: str, objective: Objective | None) -> TrainedTrunk:
    """Fine-tune the top layers by an objective; None classifies.

    Args:
        job: what is trained.
        mode: whose checkpoints these are.
        objective: what is made smaller.
    """
    from tilth.training.trainer import CLASSIFY, TopLayers, tune

    part = TopLayers(job.folder, job.rows.texts, job.config.max_tokens, job.top_layers, _kept(job))
    where, how = job.checkpoints(mode), objective or CLASSIFY
    tuned = tune(job.folder, job.rows, job.heads, job.config, job.seed, where, part=part, objective=how)
    return TrainedTrunk(tuned=tuned, vectors=_vectors(job, part, tuned.trunk))


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


TOP = Mode(
    name="top",
    meaning="the top layers trained, on what the layers below make of each text",
    step_cost=0.45,
    train=train_top,
)
