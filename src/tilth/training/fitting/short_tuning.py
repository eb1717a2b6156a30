"""A few steps of the training that a night plans, for a stage that asks what a trained encoder gains by more rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tilth.samples import Split
from tilth.stage import Resources, ShortTuning, TuningTexts
from tilth.store import digest_json
from tilth.training.fitting.fitting import encoder_config, planned_choice
from tilth.training.fitting.mode_choice import Choice
from tilth.training.heads import fit_head
from tilth.training.inputs import Config, has_rows, training_set_of
from tilth.training.modes import MODES, TuningJob
from tilth.training.trainer import TrainerConfig, TuningRows

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from tilth.samples import Task

_STEPS = 30
"""Of training, at most: with and without more rows, for each part that is held out."""
_FASTER = 2.0
"""By so much larger is each of fewer steps: see `mode_choice`."""
_FASTEST = 4.0
"""But by no more than this in all, where the night's own steps are larger already."""
_IN_PLACE_OF = {"full": "top"}
"""A mode that costs half as much a step, in place of one that trains all layers."""

_READ = ("mode", "top_layers", "max_tune_rows")
"""Settings that it reads beside the trainer's."""


@dataclass(frozen=True)
class ShortTuner:
    """What a night's `[training]` would make of its encoder, in few steps (see `tilth.stage.EncoderTuner`)."""

    config: Config

    @property
    def fingerprint(self) -> str:
        """Digest of the settings that it goes by."""
        return digest_json(self.config.model_dump(mode="json", include={*TrainerConfig.model_fields, *_READ}))

    def __call__(self, frame: pd.DataFrame, resources: Resources) -> ShortTuning | None:
        """How it trains the encoder for the table's labels; None where it leaves it as it came.

        Args:
            frame: the table.
            resources: the night's.
        """
        folder: Path | None = getattr(resources.evidence.encoder, "folder", None)
        tasks = tuple(task for task in resources.tasks if has_rows(frame, task, resources, self.config))
        if not tasks or folder is None or self.config.head != "linear":
            return None
        training_set = training_set_of(frame, tasks, resources)
        config = self.config.of_texts(int((training_set.original & (frame["split"] != Split.GOLD)).sum()))
        choice = planned_choice(training_set, config, resources, folder)
        return None if choice.mode == "probe" else _FewSteps(config, choice, tasks, resources, folder)


@dataclass(frozen=True)
class _FewSteps:
    """A planned training, cut short."""

    config: Config
    choice: Choice
    tasks: tuple[Task, ...]
    resources: Resources
    folder: Path

    def __call__(self, given: TuningTexts) -> np.ndarray:
        """Vectors of all texts by the trained encoder (texts, dimensions)."""
        codes = {name: np.where(given.learned, values, -1) for name, values in given.codes.items()}
        two = {name for name, values in codes.items() if len(np.unique(values[values >= 0])) > 1}
        tasks = [task for task in self.tasks if task.name in two]
        if not tasks:
            return given.vectors
        heads = []
        for task in tasks:
            of_task = codes[task.name] >= 0
            features, weights = given.vectors[of_task], given.weights[of_task]
            heads.append(fit_head(task, features, codes[task.name][of_task], weights, uses_parent=False))
        rows = TuningRows(
            texts=given.texts,
            codes={task.name: codes[task.name] for task in tasks},
            weights={task.name: given.weights for task in tasks},
            measured=~given.learned,
        )
        evidence = self.resources.evidence
        job = TuningJob(
            folder=self.folder,
            fingerprint=evidence.encoder.fingerprint,
            reads=encoder_config(self.resources),
            rows=rows,
            heads=heads,
            config=self._short(),
            seed=self.resources.seed,
            cache=evidence.cache,
            top_layers=self.config.top_layers,
        )
        return MODES[_IN_PLACE_OF.get(self.choice.mode, self.choice.mode)].trained(job).vectors

    def _short(self) -> Config:
        steps = min(self.choice.steps, _STEPS)
        faster = min(self.choice.faster * min(_FASTER, self.choice.steps / steps), _FASTEST)
        rate = min(self.config.learning_rate * faster, 1e-2)
        return self.config.model_copy(update={"steps": steps, "learning_rate": rate, "processes": 1})
