"""Train a model of pictures for its INT8: rounded, it is to give the vectors that it gives in float.

It learns from those vectors alone, as a student from its teacher: no label is needed, so that what rounding costs can
still be measured on every labeled row.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from tilth.descent import Descent
from tilth.devices import resolve_device
from tilth.errors import StageError
from tilth.progress import report
from tilth.training.compression import int8_products
from tilth.training.trainer import plan_batches, rate

log = logging.getLogger(__name__)

STEPS = 60
_BATCH = 16
_RATE = 1e-4
_WARMUP = 0.1


@dataclass(frozen=True, kw_only=True)
class Rounded:
    """A model of pictures that was trained for its INT8.

    Attributes:
        module: the model, in float and in evaluation mode; the export rounds it.
        losses: one minus the mean cosine to the vectors in float, one a step.
    """

    module: nn.Module
    losses: list[float]


def train_for_int8(
    module: nn.Module,
    vectors: np.ndarray,
    pixels: Callable[[int], np.ndarray],
    *,
    device: str,
    seed: int,
    steps: int = STEPS,
) -> Rounded:
    """A copy of a model that gives, rounded, the vectors that the model gives.

    AdamW with a linear rise and fall of the rate; all layers learn, and normalizations keep their statistics.

    Args:
        module: from pixels to vectors that are not normalized.
        vectors: by it, L2-normalized, shape (pictures, dimensions).
        pixels: gives one picture by its place, shape (3, side, side).
        device: `[training] device`.
        seed: of the order of pictures.
        steps: batches.

    Raises:
        StageError: the loss is not a finite number.
    """
    place = resolve_device(device, "training.device")
    student = copy.deepcopy(module).requires_grad_(True).eval().to(place)
    plan = plan_batches([1] * len(vectors), _BATCH, steps, torch.Generator().manual_seed(seed))
    descent = Descent([(student.parameters(), _RATE)], rate(len(plan), _WARMUP), weight_decay=0.0)
    with int8_products(student):
        for step, rows in enumerate(plan):
            read = student(torch.from_numpy(np.stack([pixels(row) for row in rows])).to(place)).float()
            wanted = torch.from_numpy(vectors[rows]).to(place)
            try:
                descent.step((1 - nn.functional.cosine_similarity(read, wanted)).mean())
            except FloatingPointError as error:
                raise StageError(f'training for int8: {error}; set training.quantization_aware = "never"') from error
            report("training pictures for int8", step + 1, len(plan))
    log.info("for int8: one minus the cosine went from %.4f to %.4f", descent.losses[0], descent.losses[-1])
    return Rounded(module=student.cpu(), losses=descent.losses)
