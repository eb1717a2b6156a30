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
from tilth.store import Cache
from tilth.training import evaluation
from tilth.training.answer_columns import write_answers
from tilth.training.class_balance import balance_classes
from tilth.training.config import Config
from tilth.training.exported_model import Model
from tilth.training.exporting import Exporter
from tilth.training.fitting import FittedModel, fit_model
from tilth.training.head_fitting import fit_task_head
from tilth.training.heads import predict_probabilities
from tilth.training.held_out import write_predictions
from tilth.training.rejected_rows import rejected_rows
from tilth.training.robustness import measure_robustness
from tilth.training.training_set import TrainingSet, training_set_of
from tilth.training.view_pooling import fit_wording

if TYPE_CHECKING:
    from tilth.training.export import Answers

log = logging.getLogger(__name__)


def train(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """See `tilth.training.run`."""
    frame = table.to_pandas(samples)
    tasks = tuple(task for task in resources.tasks if table.learnable(frame, task.name).any())
    if not tasks:
        return StageResult(samples=samples, skipped="no labels")
    training_set, balance = balance_classes(training_set_of(frame, tasks, resources), config, resources.seed)
    config = config.of_texts(int((training_set.original & (frame["split"] != Split.GOLD)).sum()))
    folder = getattr(resources.evidence.encoder, "folder", None)
    fitted = fit_model(frame, training_set, config, resources, folder)
    texts = frame["text"].tolist()
    wording = fit_wording(texts, fitted.training_set, fitted.held_out, config)
    exporter = Exporter(frame=frame, training_set=training_set, wording=wording, config=config, resources=resources)
    exported = exporter.export(fitted)
    model, artifacts = exported.model, dict(exported.artifacts)
    fitted = model.fitted
    answers = _answers(texts, model, artifacts, resources.evidence.cache)
    write_answers(frame, resources.tasks, answers)
    metrics, figures = _measure(frame, training_set, resources.tasks, fitted)
    if "gold" not in metrics:
        artifacts |= write_predictions(
            frame,
            fitted.training_set,
            fitted.heads,
            fitted.embeddings,
            fit_task_head,
            model.wording,
            fitted.held_out,
            resources.scratch,
        )
    robustness = measure_robustness(frame, tasks, answers)
    count = int(fitted.training_set.labeled.sum())
    return StageResult(
        samples=table.from_pandas(frame, resources.tasks),
        metrics={
            "rows": count,
            **metrics,
            "trunk": dict(fitted.facts),
            "wording": dict(wording.facts),
            "balance": balance,
            "out_of_scope": {
                "below": model.scope.reject_below,
                "rows": int((answers.out_of_scope & (frame["split"] != Split.GOLD)).sum()),
            },
            "robustness": dict(robustness.metrics),
            "export": dict(exported.facts),
            "compression": dict(exported.compression),
        },
        figures=[
            *figures,
            *evaluation.sharing(fitted.facts),
            *evaluation.views(wording.facts),
            *robustness.figures,
            *exported.figures,
        ],
        artifacts=artifacts,
        carried=exported.carried,
        questions=(*rejected_rows(frame, tasks, answers), *robustness.questions),
    )


def _answers(texts: Sequence[str], model: Model, artifacts: Mapping[str, Path], cache: Cache) -> Answers:
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
