"""The training stage: fit heads, fine-tune where it pays, calibrate, export, and predict every row by the export."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from datasets import Dataset

from tilth import samples as table
from tilth.learn import decide
from tilth.samples import Split, Task
from tilth.stage import Resources, StageResult
from tilth.training import evaluation
from tilth.training.config import Config
from tilth.training.fitting import FittedModel, encoder_config, fit_model, fit_task_head
from tilth.training.heads import class_centroids, predict_probabilities
from tilth.training.held_out import write_predictions
from tilth.training.training_set import TrainingSet, training_set_of
from tilth.training.view_pooling import Wording, fit_wording

if TYPE_CHECKING:
    from tilth.training.export import Answers

log = logging.getLogger(__name__)

PROBED = 500


def train(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """See `tilth.training.run`."""
    frame = table.to_pandas(samples)
    tasks = tuple(task for task in resources.tasks if table.learnable(frame, task.name).any())
    if not tasks:
        return StageResult(samples=samples, skipped="no labels")
    training_set = training_set_of(frame, tasks, resources)
    config = config.of_texts(int((training_set.original & (frame["split"] != Split.GOLD)).sum()))
    folder = getattr(resources.evidence.encoder, "folder", None)
    fitted = fit_model(frame, training_set, config, resources, folder)
    known = fitted.training_set.labeled & training_set.original
    codes = {name: values[known] for name, values in fitted.training_set.codes.items()}
    centers = class_centroids(fitted.embeddings[known], codes)
    wording = fit_wording(frame["text"].tolist(), fitted.training_set, fitted.held_out, config)
    exported, artifacts = _export(frame, training_set, fitted, wording, centers, config, resources, folder)
    _write_answers(frame, resources.tasks, _answers(frame, fitted, wording, centers, artifacts))
    metrics, figures = _measure(frame, training_set, resources.tasks, fitted)
    if "gold" not in metrics:
        artifacts |= write_predictions(
            frame, fitted.training_set, fitted.heads, fitted.embeddings, fit_task_head, wording, resources.scratch
        )
    count = int(fitted.training_set.labeled.sum())
    return StageResult(
        samples=table.from_pandas(frame, resources.tasks),
        metrics={
            "rows": count,
            **metrics,
            "trunk": dict(fitted.facts),
            "wording": dict(wording.facts),
            "export": exported,
        },
        figures=figures,
        artifacts=artifacts,
    )


def _export(
    frame: pd.DataFrame,
    training_set: TrainingSet,
    fitted: FittedModel,
    wording: Wording,
    centers: np.ndarray,
    config: Config,
    resources: Resources,
    folder: Path | None,
) -> tuple[dict[str, Any], dict[str, Path]]:
    if folder is None:
        return {"weights": None, "why": "the encoder has no model folder, so that there is no model to export"}, {}
    from tilth.learn.encoder import Trunk
    from tilth.training.export import TrunkGraphs, cache_key, export

    encoder, target = resources.evidence.encoder, resources.scratch / "model"
    reads = encoder_config(resources)
    if fitted.trunk is None:  # the same every night: traced once
        cached = resources.evidence.cache.folder("onnx", cache_key(encoder.fingerprint))
        graphs = TrunkGraphs(cached, lambda: Trunk(folder))
    else:
        graphs = TrunkGraphs(resources.scratch / "graphs", lambda: fitted.trunk)
    facts = export(
        target,
        trunk=graphs,
        source=folder,
        heads=fitted.heads,
        centers=centers,
        max_tokens=config.max_tokens if fitted.trunk is not None else reads.max_tokens,
        max_chunks=reads.max_chunks,
        probe=_spread(frame["text"][training_set.labeled].tolist(), PROBED),
        agreement=config.agreement,
        quantize=config.quantize,
        wording=wording.packed,
    )
    return facts, {"model": target}


def _spread(texts: Sequence[str], most: int) -> list[str]:
    """Evenly spaced ones: a file that is sorted by label starts with few classes."""
    return [texts[place] for place in np.unique(np.linspace(0, len(texts) - 1, min(most, len(texts))).astype(int))]


def _answers(
    frame: pd.DataFrame, fitted: FittedModel, wording: Wording, centers: np.ndarray, artifacts: Mapping[str, Path]
) -> Answers:
    """The exported model's answers for every row; of the fitted heads where nothing was exported."""
    from tilth.training.export import Answers, Predictor

    if "model" in artifacts:
        return Predictor.load(artifacts["model"]).answers(frame["text"].tolist())
    probabilities = wording.pool(frame["text"].tolist(), predict_probabilities(fitted.heads, fitted.embeddings))
    decided = decide([head.task.to_json() for head in fitted.heads], probabilities)
    return Answers(
        probabilities=probabilities,
        codes={name: codes for name, (codes, _) in decided.items()},
        confidence={name: confidence for name, (_, confidence) in decided.items()},
        scope=np.clip((fitted.embeddings @ centers.T).max(axis=1), 0, 1).astype(np.float32),
    )


def _write_answers(frame: pd.DataFrame, tasks: Sequence[Task], answers: Answers) -> None:
    """Set the stage's columns, in place; a task without a training row has no answer."""
    for task in tasks:
        codes = answers.codes.get(task.name, np.full(len(frame), -1))
        confidence = answers.confidence.get(task.name, np.zeros(len(frame)))
        frame[f"{task.name}_predicted"] = task.decoded(codes)
        frame[f"{task.name}_predicted_confidence"] = np.where(codes >= 0, confidence, np.nan).astype(np.float32)
    frame["out_of_scope_score"] = answers.scope


def _measure(
    frame: pd.DataFrame, training_set: TrainingSet, tasks: Sequence[Task], fitted: FittedModel
) -> tuple[dict[str, Any], list[Any]]:
    pairs = evaluation.gold_pairs(frame, tasks)
    if pairs:
        gold_rows = int((frame["split"] == Split.GOLD).sum())
        metrics: dict[str, Any] = {"gold": evaluation.scores(pairs), "gold_rows": gold_rows}
        return metrics, evaluation.figures(pairs, "gold", fitted.losses)
    for task in training_set.tasks:
        out_of_fold = training_set.out_of_fold[task.name]
        if out_of_fold.labeled.any():
            truth = training_set.codes[task.name][out_of_fold.labeled]
            predicted = out_of_fold.predicted[out_of_fold.labeled]
            pairs[task.name] = (task.decoded(truth).tolist(), task.decoded(predicted).tolist())
    return {"cross_validated": evaluation.scores(pairs)}, evaluation.figures(pairs, "cross-validated", fitted.losses)
