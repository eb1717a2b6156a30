"""The training stage: fit heads, fine-tune where it pays, calibrate, export, and predict every row by the export."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from datasets import Dataset

from tilth import samples as table
from tilth.learn import decide
from tilth.samples import Split, Task
from tilth.stage import Resources, StageResult
from tilth.store import Cache
from tilth.training import evaluation
from tilth.training.answer_columns import write_answers
from tilth.training.config import Config
from tilth.training.fitting import FittedModel, encoder_config, fit_model
from tilth.training.head_fitting import fit_task_head
from tilth.training.heads import class_prototypes, predict_probabilities
from tilth.training.held_out import write_predictions
from tilth.training.rejected_rows import rejected_rows
from tilth.training.scope_fitting import fit_scope
from tilth.training.training_set import TrainingSet, training_set_of
from tilth.training.view_pooling import Wording, fit_wording

if TYPE_CHECKING:
    from tilth.training.export import Answers, Scope

log = logging.getLogger(__name__)

PROBED = 500


@dataclass(frozen=True, kw_only=True)
class _Model:
    """All that is exported.

    Attributes:
        fitted: the encoder and the heads on it.
        wording: the view beside it.
        prototypes: of the classes, shape (prototypes, dimensions).
        scope: how the out-of-scope score is scaled.
    """

    fitted: FittedModel
    wording: Wording
    prototypes: np.ndarray
    scope: Scope


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
    texts = frame["text"].tolist()
    wording = fit_wording(texts, fitted.training_set, fitted.held_out, config)
    model = _Model(
        fitted=fitted,
        wording=wording,
        prototypes=class_prototypes(fitted.embeddings[known], codes),
        scope=fit_scope(texts, fitted, wording, config),
    )
    exported, artifacts = _export(frame, training_set, model, config, resources, folder)
    answers = _answers(texts, model, artifacts, resources.evidence.cache)
    write_answers(frame, resources.tasks, answers)
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
            "out_of_scope": {
                "below": model.scope.reject_below,
                "rows": int((answers.out_of_scope & (frame["split"] != Split.GOLD)).sum()),
            },
            "export": exported,
        },
        figures=[*figures, *evaluation.views(wording.facts)],
        artifacts=artifacts,
        questions=rejected_rows(frame, tasks, answers),
    )


def _export(
    frame: pd.DataFrame,
    training_set: TrainingSet,
    model: _Model,
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
    fitted = model.fitted
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
        centers=model.prototypes,
        max_tokens=config.max_tokens if fitted.trunk is not None else reads.max_tokens,
        max_chunks=reads.max_chunks,
        probe=_spread(frame["text"][training_set.labeled].tolist(), PROBED),
        agreement=config.agreement,
        quantize=config.quantize,
        wording=model.wording.packed,
        scope=model.scope,
    )
    return facts, {"model": target}


def _spread(texts: Sequence[str], most: int) -> list[str]:
    """Evenly spaced ones: a file that is sorted by label starts with few classes."""
    return [texts[place] for place in np.unique(np.linspace(0, len(texts) - 1, min(most, len(texts))).astype(int))]


def _answers(texts: Sequence[str], model: _Model, artifacts: Mapping[str, Path], cache: Cache) -> Answers:
    """The exported model's answers for every row; of the fitted heads where nothing was exported."""
    from tilth.training.export import Answers, cached_answers, log_certainty

    if "model" in artifacts:
        return cached_answers(artifacts["model"], texts, cache)
    heads, embeddings = model.fitted.heads, model.fitted.embeddings
    mixed = model.wording.mix(texts, predict_probabilities(heads, embeddings))
    probabilities = model.wording.normalized(mixed)
    decided = decide([head.task.to_json() for head in heads], probabilities)
    nearest = np.clip((embeddings @ model.prototypes.T).max(axis=1), 0, 1)
    scope = model.scope.score(log_certainty([*mixed.values()]), nearest)
    return Answers(
        probabilities=probabilities,
        codes={name: codes for name, (codes, _) in decided.items()},
        confidence={name: confidence for name, (_, confidence) in decided.items()},
        scope=scope,
        out_of_scope=scope < model.scope.reject_below,
    )


def _measure(
    frame: pd.DataFrame, training_set: TrainingSet, tasks: Sequence[Task], fitted: FittedModel
) -> tuple[dict[str, Any], list[Any]]:
    metrics, pairs = evaluation.measure_on_gold(frame, tasks)
    if pairs:
        return metrics, evaluation.figures(pairs, "gold", fitted.losses)
    for task in training_set.tasks:
        out_of_fold = training_set.out_of_fold[task.name]
        if out_of_fold.labeled.any():
            truth = training_set.codes[task.name][out_of_fold.labeled]
            predicted = out_of_fold.predicted[out_of_fold.labeled]
            pairs[task.name] = (task.decoded(truth).tolist(), task.decoded(predicted).tolist())
    return {"cross_validated": evaluation.scores(pairs)}, evaluation.figures(pairs, "cross-validated", fitted.losses)
