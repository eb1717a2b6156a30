"""Fit the night's model: heads on the frozen or the fine-tuned encoder, whichever wins on held-out train rows."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tilth.config import EncoderConfig
from tilth.learn import calibrate, scores, why_no_score
from tilth.samples import Task
from tilth.stage import Resources
from tilth.store import digest
from tilth.training.config import Config
from tilth.training.heads import Head, fit_head
from tilth.training.training_set import TrainingSet

if TYPE_CHECKING:
    from tilth.training.trainer import Tuned, TuningRows

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class FittedModel:
    """The night's model before its export.

    Attributes:
        heads: one a task, parents first.
        training_set: the rows that the heads were fitted to.
        embeddings: what the heads stand on, shape (rows, dimensions).
        trunk: the fine-tuned encoder; None where it stayed frozen.
        losses: of fine-tuning, one a step, also where the frozen encoder won.
        facts: what was tried and chosen, for `run.json`.
        held_out: for each task, the probabilities of its held-out rows (`training_set.measured`), by heads and an
            encoder that did not learn from them, shape (measured rows, labels).
    """

    heads: list[Head]
    training_set: TrainingSet
    embeddings: np.ndarray
    trunk: Any = None
    losses: Sequence[float] = ()
    facts: Mapping[str, Any]
    held_out: Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class _Trial:
    """A fine-tuned encoder, and heads on the frozen and on the tuned one, all without the held-out rows."""

    tuned: Tuned
    embeddings: np.ndarray
    frozen_heads: list[Head]
    tuned_heads: list[Head]


def fit_model(
    frame: pd.DataFrame, training_set: TrainingSet, config: Config, resources: Resources, folder: Path | None
) -> FittedModel:
    """Heads on the encoder as it is, or on one fine-tuned where that wins on held-out rows.

    Fine-tuning leaves out labels that a model of the encoder's embeddings propagated, for it would learn that model's
    mistakes: of sentfin's headlines, 300 labels fine-tune it to a gold macro-F1 of 0.768, with 4,472 propagated ones
    beside them to 0.699.
    """
    frozen, tuning_set = resources.evidence.embeddings(), training_set.without_propagated()
    held_out = tuning_set.labeled & tuning_set.held_out & tuning_set.original
    facts: dict[str, Any] = {"chosen": "frozen", "held_out_rows": int(held_out.sum())}
    why_frozen = _why_frozen(tuning_set, config, folder, can_be_measured=bool(held_out.any()))
    if why_frozen is not None or folder is None:
        heads = _calibrated_heads(training_set, frozen, None)
        facts["why"] = why_frozen
        return FittedModel(
            heads=heads, training_set=training_set, embeddings=frozen, facts=facts, held_out=_out_of_fold(training_set)
        )
    trial = _fine_tune(frame, tuning_set, config, resources, folder)
    facts["fine_tuning"] = dict(trial.tuned.facts)
    facts["held_out"] = _held_out_scores(training_set, frozen, trial)
    means = {kind: _mean_macro_f1(task_scores) for kind, task_scores in facts["held_out"].items()}
    log.info("held-out macro-F1: %s", means)
    if config.trunk == "auto" and not means["tuned"] > means["frozen"]:  # nothing to measure by gives NaN
        heads = _calibrated_heads(training_set, frozen, None)
        return FittedModel(
            heads=heads,
            training_set=training_set,
            embeddings=frozen,
            losses=trial.tuned.losses,
            facts=facts,
            held_out=_out_of_fold(training_set),
        )
    return FittedModel(
        heads=_calibrated_heads(tuning_set, trial.embeddings, trial.tuned_heads),
        training_set=tuning_set,
        embeddings=trial.embeddings,
        trunk=trial.tuned.trunk,
        losses=trial.tuned.losses,
        facts={**facts, "chosen": "tuned"},
        held_out={
            head.task.name: head.probabilities(trial.embeddings[tuning_set.measured(head.task)])
            for head in trial.tuned_heads
        },
    )


def _out_of_fold(training_set: TrainingSet) -> dict[str, np.ndarray]:
    """What the frozen encoder's probes say of the held-out rows, by task."""
    return {
        task.name: training_set.out_of_fold[task.name].probabilities[training_set.measured(task)]
        for task in training_set.tasks
    }


def _why_frozen(tuning_set: TrainingSet, config: Config, folder: Path | None, *, can_be_measured: bool) -> str | None:
    """Why the encoder is not fine-tuned at all; None where it is."""
    count = int(tuning_set.labeled.sum())
    if not (config.trunk == "tuned" or (config.trunk == "auto" and count <= config.max_tune_rows)):
        return f"{count} rows, trunk = {config.trunk}"
    if folder is None or not can_be_measured or not tuning_set.beside_hold_out.any():
        return "no held-out row or no model folder"
    return None


def _fine_tune(
    frame: pd.DataFrame, tuning_set: TrainingSet, config: Config, resources: Resources, folder: Path
) -> _Trial:
    """Fine-tune the encoder on the rows beside the hold-out, and fit heads on it as on the frozen one."""
    from tilth.learn.encoder import encode_with_trunk
    from tilth.training.trainer import TuningRows, tune

    frozen, training_rows = resources.evidence.embeddings(), tuning_set.beside_hold_out
    frozen_heads = [fit_task_head(tuning_set, task, frozen, training_rows) for task in tuning_set.tasks]
    places = np.flatnonzero(training_rows)
    rows = TuningRows(
        texts=frame["text"].iloc[places].tolist(),
        codes={name: values[places] for name, values in tuning_set.codes.items()},
        weights={name: values[places] for name, values in tuning_set.weights.items()},
    )
    tuned = tune(folder, rows, frozen_heads, config, resources.seed, _checkpoints(rows, config, resources))
    # Only rows that are trained on or held out are needed here; the export answers for all.
    embeddings = np.zeros_like(frozen)
    texts, most = frame["text"][tuning_set.labeled].tolist(), encoder_config(resources).max_chunks
    embeddings[tuning_set.labeled] = encode_with_trunk(tuned.trunk, folder, texts, config.max_tokens, most)
    tuned_heads = [fit_task_head(tuning_set, task, embeddings, training_rows) for task in tuning_set.tasks]
    return _Trial(tuned=tuned, embeddings=embeddings, frozen_heads=frozen_heads, tuned_heads=tuned_heads)


def _checkpoints(rows: TuningRows, config: Config, resources: Resources) -> Path:
    """Where a night that is killed in fine-tuning finds what it had: by all that the weights follow from."""
    encoder, cache = resources.evidence.encoder, resources.evidence.cache
    arrays = [array.tobytes() for array in (*rows.codes.values(), *rows.weights.values())]
    key = digest(encoder.fingerprint, config.model_dump_json(), str(resources.seed), *rows.texts, *arrays)
    return cache.folder("checkpoints", key)


def fit_task_head(
    training_set: TrainingSet, task: Task, embeddings: np.ndarray, rows: np.ndarray, parent: np.ndarray | None = None
) -> Head:
    """The head of one task, fitted to its rows in a boolean mask.

    Args:
        training_set: classes and weights.
        task: which one.
        embeddings: shape (rows, dimensions).
        rows: boolean, shape (rows,).
        parent: the parent's probabilities, shape (rows, labels of the parent), where they are features too.
    """
    chosen = rows & (training_set.codes[task.name] >= 0)
    features = embeddings if parent is None else np.concatenate([embeddings, parent], axis=1)
    codes, weights = training_set.codes[task.name][chosen], training_set.weights[task.name][chosen]
    return fit_head(task, features[chosen], codes, weights, uses_parent=parent is not None)


def _calibrated_heads(
    training_set: TrainingSet, embeddings: np.ndarray, without_held_out: Sequence[Head] | None
) -> list[Head]:
    """Heads from all rows; where the encoder is tuned, those fitted without the held-out rows give the temperature."""
    heads: list[Head] = []
    for position, task in enumerate(training_set.tasks):
        parent = _useful_parent(training_set, task, embeddings)
        head = fit_task_head(training_set, task, embeddings, training_set.labeled, parent)
        temperature = training_set.out_of_fold[task.name].temperature
        if without_held_out is not None:
            measured = training_set.measured(task)
            probabilities = without_held_out[position].probabilities(embeddings[measured])
            temperature = calibrate(probabilities, training_set.codes[task.name][measured])
        heads.append(head.with_temperature(temperature))
    return heads


def _useful_parent(training_set: TrainingSet, task: Task, embeddings: np.ndarray) -> np.ndarray | None:
    """The parent's out-of-fold probabilities, where as features they help the child on held-out rows."""
    if task.parent not in training_set.out_of_fold:
        return None
    parent = training_set.out_of_fold[str(task.parent)].probabilities
    measured, training_rows = training_set.measured(task), training_set.beside_hold_out
    if not measured.any() or not (training_rows & (training_set.codes[task.name] >= 0)).any():
        return None
    truth = training_set.codes[task.name][measured]
    alone = fit_task_head(training_set, task, embeddings, training_rows).probabilities(embeddings[measured])
    features = np.concatenate([embeddings, parent], axis=1)[measured]
    both = fit_task_head(training_set, task, embeddings, training_rows, parent).probabilities(features)
    return parent if (both.argmax(1) == truth).mean() >= (alone.argmax(1) == truth).mean() else None


def _held_out_scores(
    training_set: TrainingSet, frozen: np.ndarray, trial: _Trial
) -> dict[str, dict[str, dict[str, float]]]:
    """Scores on the held-out rows, of the frozen and the tuned encoder, by task."""
    predictions = {
        "frozen": _predictions(training_set, trial.frozen_heads, frozen) | _propagated_predictions(training_set),
        "tuned": _predictions(training_set, trial.tuned_heads, trial.embeddings),
    }
    return {kind: _scores(training_set, codes) for kind, codes in predictions.items()}


def _predictions(training_set: TrainingSet, heads: Sequence[Head], embeddings: np.ndarray) -> dict[str, np.ndarray]:
    """What heads predict of their tasks' held-out rows, as codes."""
    rows = {head.task.name: training_set.measured(head.task) for head in heads}
    present = [(head, rows[head.task.name]) for head in heads if rows[head.task.name].any()]
    return {head.task.name: head.probabilities(embeddings[held]).argmax(axis=1) for head, held in present}


def _propagated_predictions(training_set: TrainingSet) -> dict[str, np.ndarray]:
    """Of tasks with propagated labels, predictions by models for which none was propagated from the held-out rows."""
    rows = {task.name: training_set.measured(task) for task in training_set.tasks}
    tasks = [name for name, held in rows.items() if training_set.propagated[name].any() and held.any()]
    return {name: training_set.out_of_fold[name].predicted[rows[name]] for name in tasks}


def _scores(training_set: TrainingSet, predictions: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
    scores_by_task = {}
    for task in training_set.tasks:
        if task.name in predictions:
            truth = training_set.codes[task.name][training_set.measured(task)]
            if why_no_score(truth.tolist()) is None:
                predicted = task.decoded(predictions[task.name]).tolist()
                scores_by_task[task.name] = scores(task.decoded(truth).tolist(), predicted)
    return scores_by_task


def _mean_macro_f1(scores_by_task: Mapping[str, Mapping[str, float]]) -> float:
    return float(np.mean([score["macro_f1"] for score in scores_by_task.values()])) if scores_by_task else float("nan")


def encoder_config(resources: Resources) -> EncoderConfig:
    """How the night's encoder reads texts."""
    config: EncoderConfig = getattr(resources.evidence.encoder, "config", EncoderConfig())
    return config
