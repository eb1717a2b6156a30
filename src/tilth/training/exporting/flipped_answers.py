"""Which rows the exported model answers otherwise than the full one, for the reader."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tilth import samples as table
from tilth.learn import decide
from tilth.samples import Split, evenly_spaced
from tilth.stage import Figure
from tilth.store import Cache
from tilth.training.fitting import FittedModel
from tilth.training.heads import predict_probabilities
from tilth.training.views import Wording

if TYPE_CHECKING:
    from tilth.training.compression import Loss

_GOLD = 1_000
"""Gold rows at most on which the exported model is held against the full one."""


@dataclass(frozen=True, kw_only=True)
class Answering:
    """How the full encoder reads a text.

    Attributes:
        source: its folder.
        limit: tokens that it reads at once.
        max_chunks: pieces of a longer text.
    """

    source: Path
    limit: int
    max_chunks: int


def flipped_on_held_out(frame: pd.DataFrame, fitted: FittedModel, loss: Loss) -> list[Figure]:
    """The held-out train rows whose answer flipped, a table for each task that has some."""
    from tilth.training.compression import flipped_rows

    rows, figures = fitted.training_set, []
    texts = frame["text"].iloc[loss.rows].tolist()
    for task in rows.tasks:
        truth = frame[task.name].where(rows.out_of_fold[task.name].labeled, None).iloc[loss.rows].tolist()
        figures += flipped_rows(task, texts, truth, loss.full[task.name], loss.codes[task.name], "held-out train rows")
    return figures


def compare_on_gold(
    frame: pd.DataFrame, fitted: FittedModel, wording: Wording, reads: Answering, model: Path, cache: Cache
) -> tuple[dict[str, Any], list[Figure]]:
    """What an exported model loses on gold texts against the full one, of many rows on evenly spaced ones.

    Args:
        frame: the table.
        fitted: the full model.
        wording: the view beside it.
        reads: how its encoder reads.
        model: the folder of the exported one.
        cache: the night's, which keeps what that reads of these texts for the answers to all rows.

    Returns:
        `gold` with `rows` and what is lost, and a table of flipped rows for each task; nothing without gold labels.
    """
    from tilth.training.compression import HeldOut, flipped_rows
    from tilth.training.export import cached_answers

    gold = np.flatnonzero(frame["split"].eq(Split.GOLD).to_numpy(dtype=bool) & ~table.picture_alone(frame))
    gold = gold[evenly_spaced(len(gold), _GOLD)]
    labels = {task.name: table.gold_labels(frame, task.name).iloc[gold] for task in fitted.training_set.tasks}
    tasks = tuple(task for task in fitted.training_set.tasks if labels[task.name].notna().any())
    if not tasks:
        return {}, []
    texts = frame["text"].iloc[gold].tolist()
    mixed = wording.mix(texts, predict_probabilities(fitted.heads, _vectors(fitted, reads, gold, texts)))
    decided = decide([head.task.to_json() for head in fitted.heads], wording.normalized(mixed))
    full = {name: codes for name, (codes, _) in decided.items()}
    truth = {task.name: task.codes(labels[task.name]) for task in tasks}
    rows = HeldOut(tasks=tasks, rows=gold, texts=texts, truth=truth, wording=wording, codes=full)
    loss = rows.loss(cached_answers(model, texts, cache).codes)
    figures = []
    for task in tasks:
        known = labels[task.name].where(labels[task.name].notna(), None).tolist()
        figures += flipped_rows(task, texts, known, full[task.name], loss.codes[task.name], "gold")
    return {"gold": {"rows": len(texts), **loss.to_json()}}, figures


def _vectors(fitted: FittedModel, reads: Answering, places: np.ndarray, texts: list[str]) -> np.ndarray:
    """The full encoder's; a trained one has read no rows yet but those that it learned from."""
    if fitted.trunk is None:
        return np.asarray(fitted.embeddings[places])
    from tilth.learn.encoder import encode_with_trunk

    return encode_with_trunk(fitted.trunk, reads.source, texts, reads.limit, reads.max_chunks)
