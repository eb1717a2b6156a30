"""The modes of training by their names, and those that need few lines: another one is an entry of `MODES`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilth.training.modes.base import Mode, TrainedTrunk, TuningJob
from tilth.training.modes.top import train_top, train_top_layers

if TYPE_CHECKING:
    from tilth.training.trainer import Objective, TuningRows


def _train_full(job: TuningJob) -> TrainedTrunk:
    """Fine-tune every layer with a linear head for each task."""
    from tilth.learn.encoder import encode_with_trunk
    from tilth.training.trainer import AllLayers, tune

    part, config = None, job.config
    if (long_texts := job.long_texts()) is not None:
        part = AllLayers(job.folder, job.rows.texts, config.max_tokens, config.head, long_texts)
    tuned = tune(job.folder, job.rows, job.heads, config, job.seed, job.checkpoints("full"), part=part)
    most = job.reads.max_chunks
    vectors = encode_with_trunk(tuned.trunk, job.folder, job.rows.texts, config.max_tokens, most)
    return TrainedTrunk(tuned=tuned, vectors=vectors)


def _train_contrastive(job: TuningJob) -> TrainedTrunk:
    """Train the top layers by pairs of like rows (Tunstall et al. 2022; Khosla et al. 2020).

    Rows of one class are drawn together, those of others pushed apart. Pairs are drawn by the task of most classes, and
    contrasted by every task.
    """
    return train_top_layers(job, "contrastive", _pairs)


def _pairs(rows: TuningRows) -> Objective:
    from tilth.training.trainer import contrastive

    classes = {task: len(np.unique(codes[codes >= 0])) for task, codes in rows.codes.items()}
    finest = rows.codes[max(classes, key=lambda task: classes[task])]
    return contrastive(finest[~rows.measured])


MODES: dict[str, Mode] = {
    mode.name: mode
    for mode in (
        Mode(name="probe", meaning="the encoder as it is, in seconds", step_cost=0.0, train=None),
        Mode(
            name="top",
            meaning="the top layers trained, on what the layers below make of each text",
            step_cost=0.45,
            train=train_top,
        ),
        Mode(name="full", meaning="all layers trained", step_cost=1.0, train=_train_full),
        Mode(
            name="contrastive",
            meaning="the top layers trained on pairs of rows, a start for few labels",
            step_cost=0.45,
            train=_train_contrastive,
        ),
    )
}
