"""Whether paraphrases are worth their minutes, and the stage's result where they are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from datasets import Dataset

from tilth.augmentation.config import Config
from tilth.augmentation.selection import CrossFitting, Worth, estimate_worth
from tilth.learn import Evidence
from tilth.stage import Figure, StageResult
from tilth.store import digest_json, labeled_row_digests

_CLASSES = 40  # shown at most


def estimate(
    cross_fitting: CrossFitting,
    ids: Sequence[str],
    order: Sequence[int],
    config: Config,
    seed: int,
    evidence: Evidence,
) -> Worth | None:
    """What paraphrases can be expected to be worth, where the config leaves it to the stage whether to generate them.

    Args:
        cross_fitting: The night's label-agreement models.
        ids: Of all rows.
        order: Rows in the order in which they would be paraphrased.
        config: `[augmentation]`.
        seed: Of the bootstrap.
        evidence: The night's: while few labels have changed, an earlier night's estimate stands.
    """
    if config.when != "auto":
        return None
    planned = np.array(order[: config.sources], dtype=np.int64)
    rows = labeled_row_digests(evidence.row_keys, [task.codes for task in cross_fitting.tasks])

    def fit() -> dict[str, Any] | None:
        worth = estimate_worth(cross_fitting, ids, planned, max(config.weights), seed=seed)
        return None if worth is None else asdict(worth)

    basis = {"classes": digest_json([task.task.to_json() for task in cross_fitting.tasks])}
    found = evidence.fits.facts("what paraphrases are worth", rows, fit, basis=basis)
    return None if found is None else Worth.from_json(found)


def result_without_paraphrases(samples: Dataset, worth: Worth, config: Config) -> StageResult:
    """The night without paraphrases; it carries nothing, so that last night's denoiser goes on as it is."""
    return StageResult(
        samples=samples,
        metrics={"accepted": 0, "used": 0, "when": config.when, **metrics(worth)},
        figures=figures(worth),
        skipped=_sentence(worth),
    )


def metrics(worth: Worth | None) -> dict[str, Any]:
    """What the learning curve says, or nothing where there is none."""
    if worth is None:
        return {}
    curve = [[labels, round(score, 4)] for labels, score in worth.curve]
    values = {name: round(getattr(worth, name), 4) for name in ("gain", "visible")}
    return {"worth": {"rows": worth.rows, **values, "curve": curve}}


def _sentence(worth: Worth) -> str:
    """For the terminal and the report."""
    return (
        f"paraphrases are unlikely to help: by the learning curve of tonight's labels, and by what paraphrases were "
        f"measured to be worth of real rows, those of {worth.rows} rows would add {worth.gain:.4f} to macro-F1, and no "
        f'gain below {worth.visible:.4f} can be seen above chance; augmentation.when = "always" generates them all the '
        "same"
    )


def figures(worth: Worth | None) -> list[Figure]:
    """The learning curve, and what paraphrases would be worth to each class."""
    if worth is None:
        return []
    labels, scores = zip(*worth.curve, strict=True)
    rows = [[one.task, one.label, one.labels, round(one.f1, 3), round(one.gain, 4)] for one in worth.classes[:_CLASSES]]
    return [
        Figure(
            kind="line",
            title="Learning curve",
            data={"x": list(labels), "y": [round(score, 4) for score in scores], "x_label": "labels"},
            note="Cross-validated macro-F1 of a linear probe trained on half, three quarters and all of the labels. "
            f"Paraphrases of {worth.rows} rows would add {worth.gain:.4f}; no gain below {worth.visible:.4f} can be "
            "seen above chance.",
        ),
        Figure(
            kind="table",
            title="What paraphrases would be worth",
            data={"columns": ["task", "label", "labels", "F1", "gain"], "rows": rows},
            note=f"By class, the largest gains of {len(worth.classes)} first: what its share of {worth.rows} "
            "paraphrased rows would add to its F1.",
        ),
    ]
