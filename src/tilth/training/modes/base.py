"""What every mode of training is handed, and what it hands back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tilth.config import EncoderConfig
from tilth.store import Cache, digest
from tilth.training.heads import Head
from tilth.training.trainer import TrainerConfig, Tuned, TuningRows

if TYPE_CHECKING:
    from tilth.learn.encoder import LongTexts


@dataclass(frozen=True, kw_only=True)
class TuningJob:
    """One training of the encoder.

    Attributes:
        folder: the encoder's model folder.
        fingerprint: of the encoder.
        reads: how the night's encoder reads texts.
        rows: what is trained on, what is held out, and further texts whose vectors are needed.
        heads: to start from, fitted to the encoder as it is, one a task in the order of `rows.codes`.
        config: how it is trained, for so many steps.
        seed: of every random choice.
        cache: for what a killed night goes on from, and for what does not change.
        top_layers: that are trained by a mode that trains some.
    """

    folder: Path
    fingerprint: str
    reads: EncoderConfig
    rows: TuningRows
    heads: Sequence[Head]
    config: TrainerConfig
    seed: int
    cache: Cache
    top_layers: int

    def long_texts(self) -> LongTexts | None:
        """How the trained encoder reads long texts: as the night's; None where that cuts them into chunks."""
        from tilth.learn.encoder import LongTexts

        return LongTexts.of(self.reads, self.folder)

    def checkpoints(self, mode: str) -> Path:
        """Where a night that is killed in training finds what it had: by all that the weights follow from."""
        rows = self.rows
        arrays = [array.tobytes() for array in (*rows.codes.values(), *rows.weights.values(), rows.measured)]
        settings = [mode, str(self.top_layers), self.config.model_dump_json(), str(self.seed)]
        return self.cache.folder("checkpoints", digest(self.fingerprint, *settings, *rows.texts, *arrays))


def remove_checkpoints(cache: Cache) -> None:
    """Remove what killed trainings would go on from, once all that follows from it is kept."""
    shutil.rmtree(cache.root / "checkpoints", ignore_errors=True)


@dataclass(frozen=True, kw_only=True)
class TrainedTrunk:
    """The encoder after its training.

    Attributes:
        tuned: the encoder, its losses, and how it was trained.
        vectors: of all texts of the job, float32, shape (texts, dimensions).
    """

    tuned: Tuned
    vectors: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Mode:
    """A way to train the encoder.

    Attributes:
        name: in the config.
        meaning: in one sentence, for the documentation.
        step_cost: what one of its steps costs in steps of `full`.
        train: trains; None leaves the encoder as it is.
    """

    name: str
    meaning: str
    step_cost: float
    train: Callable[[TuningJob], TrainedTrunk] | None

    def trained(self, job: TuningJob) -> TrainedTrunk:
        """The encoder after its training by this mode."""
        if self.train is None:
            raise ValueError(f'mode "{self.name}" trains no encoder; fit heads to the vectors of the one that came')
        return self.train(job)
