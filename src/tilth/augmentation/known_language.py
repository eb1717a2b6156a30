"""Which groups of rows are worded as the denoiser knows well enough, and the stage's result where none is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from datasets import Dataset

from tilth.augmentation.config import Config
from tilth.augmentation.diffusion import AdaptedDenoiser, groups_of
from tilth.samples import Source, Split
from tilth.stage import Figure, StageResult


def known_rows(adapted: AdaptedDenoiser, frame: pd.DataFrame, vectors: np.ndarray, config: Config) -> np.ndarray:
    """Whether the paraphraser knows language like each row's well enough (rows,).

    Args:
        adapted: The night's denoiser.
        frame: The table.
        vectors: Embeddings of its rows.
        config: `[augmentation]`; a large model in the denoiser's place knows all.
    """
    if config.backend != "tilth":
        return np.ones(len(frame), dtype=bool)
    return adapted.good_rows(frame, vectors, config.max_heldout_loss)


def result_without_paraphrases(
    samples: Dataset, frame: pd.DataFrame, adapted: AdaptedDenoiser, vectors: np.ndarray, config: Config
) -> StageResult:
    """The night where no group's held-out loss is low enough; what the denoiser has learned is carried all the same."""
    return StageResult(
        samples=samples,
        metrics={"accepted": 0, "used": 0, "when": config.when, **metrics(adapted, config)},
        figures=figures(adapted.record, frame, vectors, config),
        carried=adapted.folder,
        skipped=_sentence(adapted.record, config),
    )


def metrics(adapted: AdaptedDenoiser, config: Config) -> dict[str, Any]:
    """What is known of the denoiser; of each group of like rows its loss, None where too little text measures it."""
    record = adapted.record
    groups = groups_of(record.get("groups"))
    losses = record["groups"]["losses"] if record.get("groups") else [record["heldout_loss"]]
    return {
        "heldout_loss": record["heldout_loss"],
        "heldout_loss_before": record["heldout_loss_before"],
        "max_heldout_loss": config.max_heldout_loss,
        "good_enough": config.backend != "tilth" or bool(adapted.good_groups(config.max_heldout_loss).any()),
        "groups": {"by": groups.by, "losses": dict(zip(groups.names, losses, strict=True))},
        "steps": record["steps"] if adapted.trained else 0,
        "start": record["start"] if adapted.trained else "carried, unchanged",
        "curve": record["curve"],
    }


def figures(record: Mapping[str, Any], frame: pd.DataFrame, vectors: np.ndarray, config: Config) -> list[Figure]:
    """The loss of each group of rows, where there are several or none is good enough."""
    if not record.get("groups") or config.backend != "tilth":
        return []
    groups = groups_of(record["groups"])
    ours = frame["source"].eq(Source.INPUT) & frame["split"].ne(Split.GOLD)
    counts = np.bincount(groups.codes(frame, vectors)[ours.to_numpy(dtype=bool)], minlength=len(groups.names))
    limit, rows = config.max_heldout_loss, list[list[Any]]()
    for name, count, before, loss in zip(
        groups.names, counts.tolist(), record["groups"]["before"], record["groups"]["losses"], strict=True
    ):
        if count:
            verdict = "too little text" if loss is None else "paraphrased" if loss <= limit else "left out"
            rows.append([name, count, before, loss, verdict])
    if len(rows) < 2 and all(row[-1] == "paraphrased" for row in rows):
        return []
    return [
        Figure(
            kind="table",
            title="Where the paraphraser knows the language",
            data={"columns": [groups.by or "rows", "rows", "loss before", "loss", "verdict"], "rows": rows},
            note="Nats a masked token on held-out texts of each group of rows that are worded alike, before and after "
            f"the night's adaptation; lower is better, and above {limit} most of what is written is broken in sense.",
        )
    ]


def _sentence(record: Mapping[str, Any], config: Config) -> str:
    """For the terminal and the report."""
    losses = [loss for loss in (record.get("groups") or {}).get("losses", [record["heldout_loss"]]) if loss is not None]
    if not losses or math.isnan(min(losses)):
        return "too little text is held out to say whether the paraphraser knows the language of these rows"
    return (
        f"the paraphraser does not know the language of these rows: of no group of them does it predict held-out words "
        f"well enough (a loss of {min(losses):.2f} at best, {config.max_heldout_loss} at most); it learns where many "
        "people say the same in nearly the same words"
    )
