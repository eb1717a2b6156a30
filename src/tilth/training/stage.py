"""The training stage: fit heads, fine-tune where it pays, calibrate, export, and ask the export about every row."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from datasets import Dataset

from tilth import samples as table
from tilth.learn import decide
from tilth.samples import Split, Task
from tilth.stage import Resources, StageResult
from tilth.training import evaluation, held_out
from tilth.training.config import Config
from tilth.training.fitting import Fitted, _fit, _head, _reads
from tilth.training.heads import linear
from tilth.training.training_set import Rows, rows_of

log = logging.getLogger(__name__)

PROBED = 500


def train(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """See `tilth.training.run`."""
    frame = table.to_pandas(samples)
    tasks = tuple(task for task in resources.tasks if table.learnable(frame, task.name).any())
    if not tasks:
        return StageResult(samples=samples, skipped="no labels")
    rows = rows_of(frame, tasks, resources)
    config = config.of_texts(int((rows.original & (frame["split"] != Split.GOLD)).sum()))
    folder = getattr(resources.evidence.encoder, "folder", None)
    fitted = _fit(frame, rows, config, resources, folder)
    known = fitted.rows.taught & rows.original
    codes = {name: values[known] for name, values in fitted.rows.codes.items()}
    centers = linear.centroids(fitted.embeddings[known], codes)
    exported, artifacts = _export(frame, rows, fitted, centers, config, resources, folder)
    answers = _answers(frame, fitted, centers, artifacts)
    for task in resources.tasks:
        predicted, confidence = answers.get(task.name, (np.full(len(frame), -1), np.zeros(len(frame))))
        frame[f"{task.name}_predicted"] = task.decoded(predicted)
        frame[f"{task.name}_predicted_confidence"] = np.where(predicted >= 0, confidence, np.nan).astype(np.float32)
    frame["out_of_scope_score"] = answers[""][0]
    metrics, figures = _measure(frame, rows, resources.tasks, fitted)
    if "gold" not in metrics:
        artifacts |= held_out.write(frame, fitted.rows, fitted.heads, fitted.embeddings, _head, resources.scratch)
    return StageResult(
        samples=table.from_pandas(frame, resources.tasks),
        metrics={"rows": int(fitted.rows.taught.sum()), **metrics, "trunk": dict(fitted.facts), "export": exported},
        figures=figures,
        artifacts=artifacts,
    )


def _export(
    frame: pd.DataFrame,
    rows: Rows,
    fitted: Fitted,
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
    reads = _reads(resources)
    if fitted.trunk is None:  # the same every night: traced once
        kept = resources.evidence.cache.folder("onnx", cache_key(encoder.fingerprint))
        graphs = TrunkGraphs(kept, lambda: Trunk(folder))
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
        probe=_spread(frame["text"][rows.taught].tolist(), PROBED),
        agreement=config.agreement,
        quantize=config.quantize,
    )
    return facts, {"model": target}


def _spread(texts: Sequence[str], most: int) -> list[str]:
    """Evenly spaced ones: a file that is sorted by label starts with few classes."""
    return [texts[place] for place in np.unique(np.linspace(0, len(texts) - 1, min(most, len(texts))).astype(int))]


def _answers(
    frame: pd.DataFrame, fitted: Fitted, centers: np.ndarray, artifacts: Mapping[str, Path]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Codes and confidence of each task, and under "" the scope; from the exported model where there is one."""
    if "model" in artifacts:
        from tilth.training.export import Predictor

        said = Predictor.load(artifacts["model"]).answers(frame["text"].tolist())
        found_codes = {name: (said.codes[name], said.confidence[name]) for name in said.codes}
        return {**found_codes, "": (said.scope, said.scope)}
    found = linear.predict(fitted.heads, fitted.embeddings)
    scope = np.clip((fitted.embeddings @ centers.T).max(axis=1), 0, 1).astype(np.float32)
    return {**decide([head.task.to_json() for head in fitted.heads], found), "": (scope, scope)}


def _measure(
    frame: pd.DataFrame, rows: Rows, tasks: Sequence[Task], fitted: Fitted
) -> tuple[dict[str, Any], list[Any]]:
    pairs = evaluation.gold_pairs(frame, tasks)
    if pairs:
        gold_rows = int((frame["split"] == Split.GOLD).sum())
        metrics: dict[str, Any] = {"gold": evaluation.scores(pairs), "gold_rows": gold_rows}
        return metrics, evaluation.figures(pairs, "gold", fitted.losses)
    for task in rows.tasks:
        asked = rows.judged[task.name].labeled
        if asked.any():
            told, said = rows.codes[task.name][asked], rows.judged[task.name].predicted[asked]
            pairs[task.name] = (task.decoded(told).tolist(), task.decoded(said).tolist())
    return {"cross_validated": evaluation.scores(pairs)}, evaluation.figures(pairs, "cross-validated", fitted.losses)
