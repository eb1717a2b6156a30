"""The steps that make an encoder smaller, in the order in which they are applied, each with one job.

Another step is one more function of `STEPS`, and what it goes by one more field of `Shape`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from tilth.training.compression.student.distillation import TransferSet, importance_losses
from tilth.training.compression.student.pruning import prune
from tilth.training.compression.student.shape import Shape
from tilth.training.compression.student.static import static_trunk
from tilth.training.compression.student.student import Student
from tilth.training.compression.student.vocabulary import Vocabulary
from tilth.training.heads import Head

log = logging.getLogger(__name__)

_BATCH = 32


@dataclass(frozen=True, kw_only=True)
class Materials:
    """What steps may use beside the student and its shape.

    Attributes:
        vocabulary: the pieces that are needed; None where it cannot be cut.
        heads: the teacher's.
        transfer: the texts, with the teacher's answers.
        limit: tokens of a text.
        folder: an empty one, for the student's tokenizer.
        batches: by which the importance of heads and channels is measured.
    """

    vocabulary: Vocabulary | None
    heads: Sequence[Head]
    transfer: TransferSet
    limit: int
    folder: Path
    batches: int = 12


def _cut_vocabulary(student: Student, shape: Shape, materials: Materials) -> Student:
    if not shape.cut_vocabulary or materials.vocabulary is None:
        return student
    return student.with_vocabulary(materials.vocabulary, materials.folder)


def _remove_layers(student: Student, shape: Shape, materials: Materials) -> Student:
    if not shape.layers:
        return replace(student, trunk=static_trunk(student.trunk, student.folder), layers=())
    return student.with_layers(shape.layers) if shape.layers != student.layers else student


def _prune(student: Student, shape: Shape, materials: Materials) -> Student:
    if not shape.layers or (shape.heads >= 1 and shape.channels >= 1):
        return student
    with torch.random.fork_rng():
        torch.manual_seed(0)
        kept = prune(
            student.trunk,
            heads=shape.heads,
            channels=shape.channels,
            losses=lambda: importance_losses(
                student,
                materials.heads,
                materials.transfer,
                batch_size=_BATCH,
                limit=materials.limit,
                batches=materials.batches,
            ),
        )
    log.info("of each layer are kept: %s", kept)
    return student


Step = Callable[[Student, Shape, Materials], Student]

STEPS: dict[str, Step] = {"vocabulary": _cut_vocabulary, "layers": _remove_layers, "heads and channels": _prune}
"""Before distillation, in this order: fewer layers first, for what matters in them depends on which are left."""
