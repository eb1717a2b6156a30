"""The training stage: fit heads, fine-tune where it pays, calibrate, export, and ask the export about every row."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from datasets import Dataset

from tilth import judge
from tilth import samples as table
from tilth.calibration import calibrate
from tilth.config import EncoderConfig
from tilth.hierarchy import decide
from tilth.samples import Split, Task
from tilth.stage import Resources, StageResult
from tilth.training import heads as linear
from tilth.training import held_out, report
from tilth.training.config import Config
from tilth.training.heads import Head
from tilth.training.rows import Rows, rows_of

log = logging.getLogger(__name__)

PROBED = 500


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """Heads, the rows that taught them, the embeddings they stand on, and the tuned trunk, if any."""

    heads: list[Head]
    rows: Rows
    embeddings: np.ndarray
    trunk: Any = None
    losses: Sequence[float] = ()
    facts: Mapping[str, Any]


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


def _fit(frame: pd.DataFrame, rows: Rows, config: Config, resources: Resources, folder: Path | None) -> Fitted:
    """Heads on the encoder as it is, or on one fine-tuned where that wins on held-out rows.

    Labels that a model of the encoder's embeddings propagated would teach it that model's mistakes: of sentfin's
    headlines, 300 labels fine-tune it to a gold macro-F1 of 0.768, with 4,472 propagated ones beside them to 0.699.
    """
    frozen, told = resources.evidence.embeddings(), rows.without_propagated()
    count, held = int(told.taught.sum()), told.taught & rows.held & rows.original
    learned = told.taught & ~rows.held
    wanted = config.trunk == "tuned" or (config.trunk == "auto" and count <= config.max_tune_rows)
    facts: dict[str, Any] = {"chosen": "frozen", "held_out_rows": int(held.sum())}
    if not (wanted and folder is not None and held.any() and learned.any()):
        facts["why"] = "no held-out row or no model folder" if wanted else f"{count} rows, trunk = {config.trunk}"
        return Fitted(heads=_heads(rows, frozen, None), rows=rows, embeddings=frozen, facts=facts)
    from tilth.training import trunk

    base = [_head(told, task, frozen, learned) for task in rows.tasks]
    position = np.flatnonzero(learned)
    lessons = trunk.Lessons(
        texts=frame["text"].iloc[position].tolist(),
        codes={name: values[position] for name, values in told.codes.items()},
        weights={name: values[position] for name, values in rows.weights.items()},
    )
    tuned, losses = trunk.tune(folder, lessons, base, config, resources.seed)
    # Only rows that teach or are held out are needed here; the export answers for all.
    embeddings = np.zeros_like(frozen)
    texts, most = frame["text"][told.taught].tolist(), _reads(resources).max_chunks
    embeddings[told.taught] = trunk.encode(tuned, folder, texts, config.max_tokens, most)
    again = [_head(told, task, embeddings, learned) for task in rows.tasks]
    said = {"frozen": _said(rows, base, frozen) | _propagated_anew(rows), "tuned": _said(rows, again, embeddings)}
    facts["held_out"] = {kind: _scores(rows, answers) for kind, answers in said.items()}
    means = {kind: _mean_f1(v) for kind, v in facts["held_out"].items()}
    log.info("held-out macro-F1: %s", means)
    if config.trunk == "auto" and not means["tuned"] > means["frozen"]:  # nothing to measure by gives NaN
        return Fitted(heads=_heads(rows, frozen, None), rows=rows, embeddings=frozen, losses=losses, facts=facts)
    facts["chosen"] = "tuned"
    heads = _heads(told, embeddings, again)
    return Fitted(heads=heads, rows=told, embeddings=embeddings, trunk=tuned, losses=losses, facts=facts)


def _head(rows: Rows, task: Task, embeddings: np.ndarray, among: np.ndarray, parent: np.ndarray | None = None) -> Head:
    chosen = among & (rows.codes[task.name] >= 0)
    features = embeddings if parent is None else np.concatenate([embeddings, parent], axis=1)
    values = rows.codes[task.name][chosen], rows.weights[task.name][chosen]
    return linear.fit(task, features[chosen], *values, hears_parent=parent is not None)


def _heads(rows: Rows, embeddings: np.ndarray, held_out: Sequence[Head] | None) -> list[Head]:
    """Heads from all rows, calibrated; `held_out` are those that calibrate a tuned trunk."""
    found: list[Head] = []
    for position, task in enumerate(rows.tasks):
        parent = _useful_parent(rows, task, embeddings)
        head = _head(rows, task, embeddings, rows.taught, parent)
        temperature = rows.judged[task.name].temperature
        if held_out is not None:
            asked = rows.held & rows.judged[task.name].labeled
            said = held_out[position].probabilities(embeddings[asked])
            temperature = calibrate(said, rows.codes[task.name][asked])
        found.append(head.with_temperature(temperature))
    return found


def _useful_parent(rows: Rows, task: Task, embeddings: np.ndarray) -> np.ndarray | None:
    """The parent's belief, from models that never saw the row, where it helps the child on held-out rows."""
    if task.parent not in rows.judged:
        return None
    belief = rows.judged[str(task.parent)].probabilities
    asked = rows.held & rows.judged[task.name].labeled
    learned = rows.taught & ~rows.held
    if not asked.any() or not (learned & (rows.codes[task.name] >= 0)).any():
        return None
    truth = rows.codes[task.name][asked]
    alone = _head(rows, task, embeddings, learned).probabilities(embeddings[asked])
    both = np.concatenate([embeddings, belief], axis=1)[asked]
    heard = _head(rows, task, embeddings, learned, belief).probabilities(both)
    return belief if (heard.argmax(1) == truth).mean() >= (alone.argmax(1) == truth).mean() else None


def _asked(rows: Rows, task: Task) -> np.ndarray:
    """The held-out rows that a task is measured by."""
    return np.asarray(rows.held & rows.judged[task.name].labeled)


def _said(rows: Rows, heads: Sequence[Head], embeddings: np.ndarray) -> dict[str, np.ndarray]:
    """What heads answer of their tasks' held-out rows, as codes."""
    asked = [(head, _asked(rows, head.task)) for head in heads]
    return {head.task.name: head.probabilities(embeddings[held]).argmax(axis=1) for head, held in asked if held.any()}


def _propagated_anew(rows: Rows) -> dict[str, np.ndarray]:
    """As `_said`, of tasks with propagated labels: by models for which they were propagated without the rows asked."""
    asked = [(task.name, _asked(rows, task)) for task in rows.tasks if rows.propagated[task.name].any()]
    return {name: rows.judged[name].predicted[held] for name, held in asked if held.any()}


def _scores(rows: Rows, said: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
    found = {}
    for task in rows.tasks:
        if task.name in said:
            truth = rows.codes[task.name][_asked(rows, task)]
            if judge.why_no_score(truth.tolist()) is not None:
                continue
            found[task.name] = judge.scores(task.decoded(truth).tolist(), task.decoded(said[task.name]).tolist())
    return found


def _mean_f1(found: Mapping[str, Mapping[str, float]]) -> float:
    return float(np.mean([scores["macro_f1"] for scores in found.values()])) if found else float("nan")


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
    from tilth.training.onnx_export import export
    from tilth.training.onnx_graphs import TrunkGraphs, kept_under
    from tilth.training.trunk import Trunk

    encoder, target = resources.evidence.encoder, resources.scratch / "model"
    reads = _reads(resources)
    if fitted.trunk is None:  # the same every night: traced once
        kept = resources.evidence.cache.folder("onnx", kept_under(encoder.fingerprint))
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


def _reads(resources: Resources) -> EncoderConfig:
    config: EncoderConfig = getattr(resources.evidence.encoder, "config", EncoderConfig())
    return config


def _spread(texts: Sequence[str], most: int) -> list[str]:
    """Evenly spaced ones: a file that is sorted by label starts with few classes."""
    return [texts[place] for place in np.unique(np.linspace(0, len(texts) - 1, min(most, len(texts))).astype(int))]


def _answers(
    frame: pd.DataFrame, fitted: Fitted, centers: np.ndarray, artifacts: Mapping[str, Path]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Codes and confidence of each task, and under "" the scope; from the exported model where there is one."""
    if "model" in artifacts:
        from tilth.training.predictor import Predictor

        said = Predictor.load(artifacts["model"]).answers(frame["text"].tolist())
        found_codes = {name: (said.codes[name], said.confidence[name]) for name in said.codes}
        return {**found_codes, "": (said.scope, said.scope)}
    found = linear.predict(fitted.heads, fitted.embeddings)
    scope = np.clip((fitted.embeddings @ centers.T).max(axis=1), 0, 1).astype(np.float32)
    return {**decide([head.task.to_json() for head in fitted.heads], found), "": (scope, scope)}


def _measure(
    frame: pd.DataFrame, rows: Rows, tasks: Sequence[Task], fitted: Fitted
) -> tuple[dict[str, Any], list[Any]]:
    pairs = report.gold_pairs(frame, tasks)
    if pairs:
        gold_rows = int((frame["split"] == Split.GOLD).sum())
        metrics: dict[str, Any] = {"gold": report.scores(pairs), "gold_rows": gold_rows}
        return metrics, report.figures(pairs, "gold", fitted.losses)
    for task in rows.tasks:
        asked = rows.judged[task.name].labeled
        if asked.any():
            told, said = rows.codes[task.name][asked], rows.judged[task.name].predicted[asked]
            pairs[task.name] = (task.decoded(told).tolist(), task.decoded(said).tolist())
    return {"cross_validated": report.scores(pairs)}, report.figures(pairs, "cross-validated", fitted.losses)
