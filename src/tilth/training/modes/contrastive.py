"""A start for few labels: rows of one class are drawn together, those of others pushed apart, as SetFit does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilth.training.modes.base import Mode, TrainedTrunk, TuningJob
from tilth.training.modes.top import train_top_layers

if TYPE_CHECKING:
    from tilth.training.trainer import Objective, TuningRows


def train_contrastive(job: TuningJob) -> TrainedTrunk:
    """Train the top layers by pairs of like rows (Tunstall et al. 2022; Khosla et al. 2020).

    Pairs are drawn by the task of most classes, and contrasted by every task.
    """
    return train_top_layers(job, "contrastive", _pairs)


def _pairs(rows: TuningRows) -> Objective:
    from tilth.training.trainer import contrastive

    classes = {task: len(np.unique(codes[codes >= 0])) for task, codes in rows.codes.items()}
    finest = rows.codes[max(classes, key=lambda task: classes[task])]
    return contrastive(finest[~rows.measured])


CONTRASTIVE = Mode(
    name="contrastive",
    meaning="the top layers trained on pairs of rows, a start for few labels",
    step_cost=0.45,
    train=train_contrastive,
)
