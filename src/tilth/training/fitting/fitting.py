"""Fit the night's model: heads on the encoder as it came or as it was trained, whichever wins on held-out rows."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tilth.config import EncoderConfig
from tilth.devices import resolve_device
from tilth.learn import Focus, together
from tilth.stage import Resources
from tilth.training.fitting.head_fitting import calibrated_heads, fit_task_head
from tilth.training.fitting.mode_choice import Choice, choose_mode
from tilth.training.fitting.mode_comparison import Trial, held_out_scores, mean_macro_f1, noisy_nats
from tilth.training.fitting.sharing import what_sharing_bought
from tilth.training.heads import Head
from tilth.training.inputs import Config, TrainingSet, named_by, propagated_rows, relabeled, tuning_rows
from tilth.training.modes import MODES, TuningJob
from tilth.training.views import SURE, WordingTrial

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class FittedModel:
    """The night's model before its export.

    Attributes:
        heads: one a task, parents first.
        training_set: the rows that the heads were fitted to.
        embeddings: what the heads stand on, shape (rows, dimensions).
        trunk: the trained encoder; None where it stayed as it came.
        losses: of its training, one a step, also where the encoder as it came won.
        facts: what was tried and chosen, for `run.json`.
        held_out: for each task, the probabilities of its held-out rows (`training_set.measured`), by heads and an
            encoder that did not learn from them, shape (measured rows, labels).
        focus: how the passages of long texts are weighed in `embeddings`; a trained encoder reads chunks.
    """

    heads: list[Head]
    training_set: TrainingSet
    embeddings: np.ndarray
    trunk: Any = None
    losses: Sequence[float] = ()
    facts: Mapping[str, Any]
    held_out: Mapping[str, np.ndarray]
    focus: Focus = field(default_factory=Focus)


def fit_model(
    frame: pd.DataFrame,
    training_set: TrainingSet,
    wording: WordingTrial,
    config: Config,
    resources: Resources,
    folder: Path | None,
) -> FittedModel:
    """Heads on the encoder as it came, or on one that is trained where that wins on held-out rows, wording and all.

    The encoder never learns labels that a model of its vectors propagated, for it would learn that model's mistakes: of
    sentfin's headlines, 300 labels fine-tune it to a gold macro-F1 of 0.768, with 4,472 propagated ones beside them to
    0.699. The heads do, from labels that the trained encoder's own vectors propagate.
    """
    tuning_set = training_set.without_propagated()
    held_out = tuning_set.labeled & tuning_set.held_out & tuning_set.original
    choice = planned_choice(training_set, config, resources, folder)
    facts: dict[str, Any] = {"chosen": "frozen", "mode": "probe", "tried": choice.mode, "why": choice.why}
    facts["held_out_rows"] = int(held_out.sum())
    if resources.evidence.passages is not None:
        facts["passages"] = {task: dict(focus.facts) for task, focus in training_set.focuses.items()}
    if choice.mode == "probe" or folder is None:
        return _probe(training_set, resources, facts)
    job = _job(frame, training_set, config, choice, resources, folder)
    trial = _train(training_set, job, choice.mode, resources)
    facts["fine_tuning"] = dict(trial.tuned.facts)
    facts["held_out"] = held_out_scores(training_set, resources.evidence.embeddings(), trial, wording)
    means = {kind: mean_macro_f1(scores) for kind, scores in facts["held_out"].items()}
    log.info("held-out macro-F1: %s", means)
    if config.mode == "auto" and not means["tuned"] > means["frozen"]:  # nothing to measure by gives NaN
        facts["why"] += "; on held-out rows the encoder as it came does as well"
        return _probe(training_set, resources, facts, trial.tuned.losses)
    if nats := noisy_nats(training_set, trial, wording):
        facts["held_out_nats"] = nats
        if config.mode == "auto" and sum(nats.values()) < SURE:
            facts["why"] += "; many labels may be wrong, and as they arrived they are no likelier by it"
            return _probe(training_set, resources, facts, trial.tuned.losses)
    facts |= {"chosen": "tuned", "mode": choice.mode}
    if len(tuning_set.tasks) > 1:
        date = resources.evidence.fits.date
        facts["sharing"] = what_sharing_bought(frame["text"], tuning_set, trial, job, choice.mode, date)
    return _tuned(training_set, tuning_set, trial, facts)


def planned_choice(training_set: TrainingSet, config: Config, resources: Resources, folder: Path | None) -> Choice:
    """The mode that the encoder is to be trained by, before any training shows whether it wins.

    Args:
        training_set: the night's rows.
        config: `[training]`, for a table of this size.
        resources: the night's.
        folder: of the encoder, where it has one.
    """
    tuning_set = training_set.without_propagated()
    held_out = tuning_set.labeled & tuning_set.held_out & tuning_set.original
    trainable = folder is not None and bool(held_out.any()) and bool(tuning_set.outside_hold_out.any())
    if resources.evidence.passages is not None and config.mode == "auto":
        why = "long texts are read by passages, which no training of the encoder does"
        return Choice(mode="probe", steps=0, why=why)
    accelerated = trainable and config.mode == "auto" and _is_accelerated(config)
    return choose_mode(config, tuning_set, trainable=trainable, accelerated=accelerated)


def _tuned(training_set: TrainingSet, tuning_set: TrainingSet, trial: Trial, facts: Mapping[str, Any]) -> FittedModel:
    """Heads on the trained encoder, of the labels that its own vectors propagate."""
    by_trial = replace(training_set, named=trial.named)
    taught = relabeled(by_trial, trial.embeddings, propagated_rows(training_set), tuning_set.labeled)
    return FittedModel(
        heads=calibrated_heads(taught, trial.embeddings, trial.tuned_heads),
        training_set=taught,
        embeddings=trial.embeddings,
        trunk=trial.tuned.trunk,
        losses=trial.tuned.losses,
        facts=facts,
        held_out={
            head.task.name: head.probabilities(trial.embeddings[tuning_set.measured(head.task)])
            for head in trial.tuned_heads
        },
    )


def _is_accelerated(config: Config) -> bool:
    return resolve_device(config.device, "training.device") != "cpu"


def _probe(
    training_set: TrainingSet, resources: Resources, facts: Mapping[str, Any], losses: Sequence[float] = ()
) -> FittedModel:
    """Heads on the encoder as it came; of held-out rows, what its out-of-fold probes predict."""
    focus = together([*training_set.focuses.values()])
    embeddings = resources.evidence.focused(focus)
    return FittedModel(
        heads=calibrated_heads(training_set, embeddings, None),
        training_set=training_set,
        embeddings=embeddings,
        focus=focus,
        losses=losses,
        facts=facts,
        held_out={
            task.name: training_set.out_of_fold[task.name].probabilities[training_set.measured(task)]
            for task in training_set.tasks
        },
    )


def _job(
    frame: pd.DataFrame,
    training_set: TrainingSet,
    config: Config,
    choice: Choice,
    resources: Resources,
    folder: Path,
) -> TuningJob:
    """The training of the encoder on the rows beside the hold-out."""
    frozen, tuning_set = resources.evidence.embeddings(), training_set.without_propagated()
    as_they_are = replace(tuning_set, offsets={})  # where fine-tuning starts
    places = np.flatnonzero(tuning_set.labeled | propagated_rows(training_set))
    return TuningJob(
        folder=folder,
        fingerprint=resources.evidence.encoder.fingerprint,
        reads=encoder_config(resources),
        rows=tuning_rows(frame["text"], tuning_set, places),
        heads=[fit_task_head(as_they_are, task, frozen, tuning_set.outside_hold_out) for task in tuning_set.tasks],
        config=config.model_copy(update={"steps": choice.steps, "learning_rate": config.learning_rate * choice.faster}),
        seed=resources.seed,
        cache=resources.evidence.cache,
        top_layers=config.top_layers,
    )


def _train(training_set: TrainingSet, job: TuningJob, mode: str, resources: Resources) -> Trial:
    """Train the encoder, and fit heads on it as on the one that came."""
    tuning_set, taught = training_set.without_propagated(), propagated_rows(training_set)
    trained = MODES[mode].trained(job)
    embeddings = np.zeros_like(resources.evidence.embeddings())
    # Only rows that are trained on or held out are needed; the export reads all.
    places = np.flatnonzero(tuning_set.labeled | taught)
    embeddings[places] = trained.vectors[: len(places)]
    named = named_by(tuning_set, trained.vectors[len(places) :])
    known = relabeled(replace(training_set, named=named), embeddings, taught, tuning_set.outside_hold_out)
    tuned_heads = [fit_task_head(known, task, embeddings, known.outside_hold_out) for task in known.tasks]
    frozen_heads = [head.shifted(tuning_set.offsets.get(head.task.name)) for head in job.heads]
    return Trial(
        tuned=trained.tuned,
        embeddings=embeddings,
        frozen_heads=frozen_heads,
        tuned_heads=tuned_heads,
        named=named,
    )


def encoder_config(resources: Resources) -> EncoderConfig:
    """How the night's encoder reads texts."""
    config: EncoderConfig = getattr(resources.evidence.encoder, "config", EncoderConfig())
    return config
