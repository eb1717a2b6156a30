"""The training stage: fit heads, fine-tune where it pays, calibrate, export, and predict every row by the export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
from tilth.training.answer_columns import write_answers
from tilth.training.evaluation import measure_robustness
from tilth.training.exporting import Exporter, Model, write_passages
from tilth.training.fitting import FittedModel, fit_model, fit_task_head, tune_pictures, with_stiff_predictions
from tilth.training.heads import predict_probabilities
from tilth.training.inputs import (
    Config,
    TrainingSet,
    balance_classes,
    classes_without_rows,
    has_rows,
    picture_rows,
    rejected_rows,
    training_set_of,
)
from tilth.training.views import PictureView, Wording, WordingTrial, cross_validated, fit_pictures, fit_wording

if TYPE_CHECKING:
    from tilth.training.export import Answers


def train(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """See `tilth.training.run`."""
    frame = table.to_pandas(samples)
    tasks = tuple(task for task in resources.tasks if has_rows(frame, task, resources, config))
    if not tasks:
        return StageResult(samples=samples, skipped="no labels")
    training_set, balance = balance_classes(training_set_of(frame, tasks, resources), config, resources.seed)
    training_set = with_stiff_predictions(training_set, resources)
    config = config.of_texts(int((training_set.original & (frame["split"] != Split.GOLD)).sum()))
    folder = getattr(resources.evidence.encoder, "folder", None)
    fitted, wording, pictures = _fit_views(frame, training_set, tasks, config, resources, folder)
    without_rows = classes_without_rows(training_set, resources.tasks, pictures.codes)
    exporter = Exporter(
        frame=frame, training_set=training_set, wording=wording, pictures=pictures, config=config, resources=resources
    )
    exported = exporter.export(fitted)
    model, fitted, artifacts = exported.model, exported.model.fitted, dict(exported.artifacts)
    answers = _answers(frame, model, artifacts, resources)
    write_answers(frame, resources.tasks, answers)
    write_passages(frame, None, fitted.focus.weights, resources)
    metrics, figures, written = _measure(frame, training_set, model, resources, pictures)
    artifacts |= written
    more = [*evaluation.class_names(training_set.named_facts), *_figures_of_views(fitted, wording, pictures)]
    robustness = measure_robustness(frame, tasks, answers)
    return StageResult(
        samples=table.from_pandas(frame, resources.tasks),
        metrics={
            "rows": int(fitted.training_set.labeled.sum()),
            **metrics,
            **({"classes_without_rows": without_rows} if without_rows else {}),
            "trunk": dict(fitted.facts),
            "wording": dict(wording.facts),
            "balance": balance,
            **({"class_names": training_set.named_facts} if training_set.named_facts else {}),
            **({"pictures": dict(pictures.facts)} if resources.evidence.pictures is not None else {}),
            "out_of_scope": _out_of_scope(frame, model, answers),
            "robustness": dict(robustness.metrics),
            "export": dict(exported.facts),
            "compression": dict(exported.compression),
        },
        figures=[*figures, *more, *robustness.figures, *exported.figures],
        artifacts=artifacts,
        carried=exported.carried,
        questions=(*rejected_rows(frame, tasks, answers), *robustness.questions),
    )


def _fit_views(
    frame: pd.DataFrame,
    training_set: TrainingSet,
    tasks: Sequence[Task],
    config: Config,
    resources: Resources,
    folder: Path | None,
) -> tuple[FittedModel, Wording, PictureView]:
    """The encoder with its heads, and the views beside it, which are weighed by its held-out predictions."""
    trial = WordingTrial(frame["text"].tolist(), training_set, config)
    fitted = fit_model(frame, training_set, trial, config, resources, folder)
    wording = fit_wording(trial, fitted.held_out)
    tuned = tune_pictures(picture_rows(frame, tuple(tasks), resources, config), training_set, config, resources)
    pictures = fit_pictures(
        tuned.rows,
        fitted.training_set,
        trial.pooled(fitted.held_out) if tuned.rows is not None else {},
        config,
        text_is_frozen={name: fitted.trunk is None and name not in wording.pooled for name in fitted.held_out},
        seed=resources.seed,
    )
    trunk = {"trunk": tuned.facts} if tuned.facts else {}
    return fitted, wording, replace(pictures, facts={**pictures.facts, **trunk})


def _out_of_scope(frame: pd.DataFrame, model: Model, answers: Answers) -> dict[str, Any]:
    outside = answers.out_of_scope & (frame["split"] != Split.GOLD)
    return {"below": model.scope.reject_below, "rows": int(outside.sum())}


def _figures_of_views(fitted: FittedModel, wording: Wording, pictures: PictureView) -> list[Any]:
    return [
        *evaluation.sharing(fitted.facts),
        *evaluation.views(wording.facts),
        *evaluation.picture_views(pictures.facts),
    ]


def _answers(frame: pd.DataFrame, model: Model, artifacts: Mapping[str, Path], resources: Resources) -> Answers:
    """The exported model's answers for every row; of the fitted heads where nothing was exported."""
    from tilth.training.export import Answers, cached_answers, log_certainty

    texts, pictures = frame["text"].tolist(), resources.evidence.pictures
    if "model" in artifacts:
        shown = pictures.references() if pictures is not None else None
        return cached_answers(artifacts["model"], texts, resources.evidence.cache, shown)
    heads, embeddings = model.fitted.heads, model.fitted.embeddings
    mixed = model.wording.mix(texts, predict_probabilities(heads, embeddings))
    probabilities = model.wording.normalized(mixed)
    nearest = np.clip((embeddings @ model.prototypes.T).max(axis=1), 0, 1)
    scope = model.scope.score(log_certainty([*mixed.values()]), nearest)
    outside = scope < model.scope.reject_below
    packed, rows = model.pictures.packed, model.pictures.rows
    if packed is not None and rows is not None:
        probabilities = packed.pool(probabilities, rows.seen)
        scope, outside = packed.scopes(scope, outside, rows.seen)
    decided = decide([head.task.to_json() for head in heads], probabilities)
    if packed is not None and rows is not None:
        decided = packed.without_unknown(decided, rows.seen)
    return Answers(
        probabilities=probabilities,
        codes={name: codes for name, (codes, _) in decided.items()},
        confidence={name: confidence for name, (_, confidence) in decided.items()},
        scope=scope,
        out_of_scope=outside,
    )


def _measure(
    frame: pd.DataFrame, training_set: TrainingSet, model: Model, resources: Resources, pictures: PictureView
) -> tuple[dict[str, Any], list[Any], dict[str, Path]]:
    """The figures on gold; without gold an estimate, and a file of answers by which nights are compared."""
    fitted = model.fitted
    metrics, pairs = evaluation.measure_on_gold(frame, resources.tasks)
    if pairs:
        return metrics, evaluation.figures(pairs, "gold", fitted.losses), {}
    answers = evaluation.answer_held_out(
        frame,
        fitted.training_set,
        fitted.heads,
        fitted.embeddings,
        fit_task_head,
        model.wording,
        pictures,
        fitted.held_out,
    )
    found: dict[str, Any] = {}
    for task in training_set.tasks:
        truth, predicted = cross_validated(training_set, pictures, task)
        if len(truth):
            pairs[task.name] = (task.decoded(truth).tolist(), task.decoded(predicted).tolist())
            found[task.name] = evaluation.estimated_scores(truth, training_set, pictures, task, answers)
    tasks = [head.task for head in fitted.heads]
    written = {} if answers is None else evaluation.write_predictions(frame, tasks, answers, resources.scratch)
    return {"cross_validated": found}, evaluation.figures(pairs, "cross-validated", fitted.losses), written
