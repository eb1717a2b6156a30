"""Train the top of the model of pictures where held-out rows gain by it; else it stays as it came."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from tilth.devices import resolve_device
from tilth.learn import macro_f1, why_no_score
from tilth.samples import Task
from tilth.stage import Resources
from tilth.store import digest
from tilth.training.heads import Head, fit_head
from tilth.training.inputs import Config, PictureRows, TrainingSet

log = logging.getLogger(__name__)

_FEWEST = 50
"""Held-out pictures by which `auto` decides; fewer say nothing."""
_FASTER = 10
"""Times the learning rate of texts: convolutions that saw photographs are further from a workspace's pictures."""
_KEPT = 20_000
"""Pictures whose activations are kept in the cache (some 1 GB); those of more would crowd it."""


@dataclass(frozen=True, kw_only=True)
class TunedPictures:
    """The pictures of a night's rows, by the model of pictures that is exported.

    Attributes:
        rows: with the vectors of that model; None where there are no pictures to learn from.
        facts: what was tried and chosen, for `run.json`.
        losses: of the training, one a step, also where the model as it came won.
    """

    rows: PictureRows | None
    facts: Mapping[str, Any] = field(default_factory=dict)
    losses: Sequence[float] = ()


def tune_pictures(
    rows: PictureRows | None, training_set: TrainingSet, config: Config, resources: Resources
) -> TunedPictures:
    """The rows by the model of pictures as it came, or with its top layers trained, whichever held-out rows prefer.

    Args:
        rows: by the model as it came.
        training_set: says which rows are held out.
        config: `[training]`, for a table of this size.
        resources: the night's.
    """
    if rows is None:
        return TunedPictures(rows=None)
    tasks = [task for task in training_set.tasks if _classes(rows, task, ~training_set.held_out) > 1]
    measured = rows.labeled & training_set.held_out
    if (why := _why_not(tasks, int(measured.sum()), config, resources)) is not None:
        return TunedPictures(rows=rows, facts={"mode": "probe", "why": why})
    heads = [_head(rows, task, rows.labeled & ~training_set.held_out) for task in tasks]
    before = _scores(rows, heads, training_set.held_out)
    if config.picture_mode == "auto" and sum(wrong for _, wrong in before.values()) < 2:
        why = "heads on the model of pictures as it came leave fewer than 2 held-out rows wrong"
        return TunedPictures(rows=rows, facts={"mode": "probe", "why": why})
    tuned, fine_tuning, losses = _train(rows, training_set, heads, config, resources)
    after = _scores(tuned, [_head(tuned, task, ~training_set.held_out) for task in tasks], training_set.held_out)
    means = {"frozen": _mean(before), "tuned": _mean(after)}
    log.info("held-out macro-F1 of pictures: %s", means)
    facts = {"mode": "top", "held_out_rows": int(measured.sum()), "held_out": means, "fine_tuning": fine_tuning}
    if config.picture_mode == "auto" and not means["tuned"] > means["frozen"]:
        why = "on held-out rows the model of pictures as it came does as well"
        return TunedPictures(rows=rows, facts={**facts, "mode": "probe", "why": why}, losses=losses)
    return TunedPictures(rows=tuned, facts=facts, losses=losses)


def _why_not(tasks: Sequence[Task], measured: int, config: Config, resources: Resources) -> str | None:
    """Why no training is tried; None where it is."""
    if not tasks:
        return "no task has labeled pictures of two classes beside the held-out ones"
    if getattr(resources.evidence.encoder, "folder", None) is None:
        return "no model is exported"
    if config.picture_mode == "probe" or (config.picture_mode == "auto" and config.mode == "probe"):
        return f'mode = "{config.mode}", picture_mode = "{config.picture_mode}"'
    if config.picture_mode == "auto" and measured < _FEWEST:
        return f"{measured} held-out pictures, {_FEWEST} are needed to choose by"
    return None


def _train(
    rows: PictureRows, training_set: TrainingSet, heads: Sequence[Head], config: Config, resources: Resources
) -> tuple[PictureRows, dict[str, Any], Sequence[float]]:
    """The rows by a trained model, how it was trained, and its losses."""
    from tilth.training.modes import PictureLayers, drawn_rows, read_pictures
    from tilth.training.trainer import TuningRows, tune

    pictures, held_out = resources.evidence.pictures, training_set.held_out
    assert pictures is not None  # there are rows with pictures
    needed = np.flatnonzero(rows.labeled | (rows.there & held_out))
    found = TuningRows(
        texts=[str(pictures.digests[place]) for place in needed.tolist()],
        codes={head.task.name: rows.codes[head.task.name][needed] for head in heads},
        weights={head.task.name: rows.weights[head.task.name][needed] for head in heads},
        measured=held_out[needed],
    )
    config = _of_pictures(config, int((~found.measured).sum()))
    chosen = drawn_rows(found, config, resources.seed)
    drawn = found.at(chosen)
    pixels = partial(_pixels, resources, drawn.texts)
    kept = _kept(config, resources, drawn.texts)
    part = PictureLayers(pictures.encoder.module()[1], pixels, len(chosen), config.picture_layers, kept)
    tuned = tune(resources.scratch, drawn, heads, config, resources.seed, part=part)
    vectors = np.zeros_like(rows.vectors)
    vectors[needed[chosen]] = part.vectors()
    others = np.setdiff1d(np.arange(len(needed)), chosen)
    if len(others):
        texts = [found.texts[place] for place in others.tolist()]
        vectors[needed[others]] = read_pictures(tuned.trunk, partial(_pixels, resources, texts), len(texts))
    settled = {name: known & held_out for name, known in rows.settled.items()}
    trained = replace(rows, vectors=vectors, settled=settled, trunk=tuned.trunk, unseen=held_out)
    return trained, dict(tuned.facts), tuned.losses


def _of_pictures(config: Config, labels: int) -> Config:
    """How the model of pictures is trained on so many of them, in this process.

    Of convolutions a processor computes those of each channel alone ten times as slowly in bfloat16 as in float32.
    """
    on_processor = resolve_device(config.device, "training.device") == "cpu"
    changes = {
        "steps": min(config.steps, math.ceil(config.passes * labels / config.batch_size)),
        "learning_rate": config.learning_rate * _FASTER,
        "precision": "float32" if config.precision == "auto" and on_processor else config.precision,
        "processes": 1,
        "tensor_parallel": 1,
        "head": "linear",
    }
    return config.model_copy(update=changes)


def _pixels(resources: Resources, digests: Sequence[str], place: int) -> np.ndarray:
    """One of some pictures as the model reads it."""
    pictures = resources.evidence.pictures
    assert pictures is not None
    return pictures.pixels(digests[place])


def _kept(config: Config, resources: Resources, digests: Sequence[str]) -> Any:
    """The cache's activations of just these pictures by just this model."""
    pictures, cache = resources.evidence.pictures, resources.evidence.cache
    assert pictures is not None
    if len(digests) > _KEPT:
        return lambda compute: compute()
    key = digest(pictures.fingerprint, str(config.picture_layers), "v1", *digests)
    return lambda compute: cache.arrays("activations", key, compute)


def _classes(rows: PictureRows, task: Task, chosen: np.ndarray) -> int:
    codes = rows.codes[task.name][chosen]
    return len(np.unique(codes[codes >= 0]))


def _head(rows: PictureRows, task: Task, chosen: np.ndarray) -> Head:
    """Fitted to the pictures in a mask that have a label."""
    known = chosen & (rows.codes[task.name] >= 0)
    weights = rows.weights[task.name][known]
    return fit_head(task, rows.vectors[known], rows.codes[task.name][known], weights, uses_parent=False)


def _scores(rows: PictureRows, heads: Sequence[Head], held_out: np.ndarray) -> dict[str, tuple[float, int]]:
    """For each task that can be measured, macro-F1 of its held-out pictures whose label is sure, and wrong answers."""
    found = {}
    for head in heads:
        name = head.task.name
        chosen = rows.settled[name] & held_out
        truth = rows.codes[name][chosen]
        if why_no_score(truth.tolist()) is None:
            predicted = head.probabilities(rows.vectors[chosen]).argmax(axis=1)
            found[name] = macro_f1(truth, predicted, len(head.task.labels)), int((predicted != truth).sum())
    return found


def _mean(scores: Mapping[str, tuple[float, int]]) -> float:
    return float(np.mean([score for score, _ in scores.values()])) if scores else float("nan")
