"""Whether paraphrases are worth their minutes tonight, and what is said and handed on where they are not."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

import numpy as np
from datasets import Dataset

from tilth.augmentation.config import Config
from tilth.augmentation.selection import Proving, Worth, measure
from tilth.stage import Figure, Resources, StageResult

_CLASSES = 40  # shown at most


def estimate(proving: Proving, ids: Sequence[str], order: Sequence[int], config: Config, seed: int) -> Worth | None:
    """What paraphrases can be worth at most, where the config leaves it to the stage whether to draw them.

    Args:
        proving: The night's judges.
        ids: Of all rows.
        order: Rows in the order in which they would be paraphrased.
        config: `[augmentation]`.
        seed: Of the bootstrap.
    """
    if config.when != "auto":
        return None
    planned = np.array(order[: config.sources], dtype=np.int64)
    return measure(proving, ids, planned, max(config.weights), fewest=config.gate.enough, seed=seed)


def nothing_drawn(samples: Dataset, found: Worth, config: Config, resources: Resources) -> StageResult:
    """The night without paraphrases; last night's denoiser goes on to the next one as it is."""
    folder = None
    if resources.carried is not None:
        folder = resources.scratch / "denoiser"
        shutil.copytree(resources.carried, folder)
    return StageResult(
        samples=samples,
        metrics={"accepted": 0, "used": 0, "when": config.when, **metrics(found)},
        figures=figures(found),
        carried=folder,
        skipped=_sentence(found),
    )


def metrics(found: Worth | None) -> dict[str, Any]:
    """What the learning curve says, or nothing where there is none."""
    if found is None:
        return {}
    curve = [[labels, round(score, 4)] for labels, score in found.curve]
    told = {name: round(getattr(found, name), 4) for name in ("gain", "half_width", "visible")}
    return {"worth": {"rows": found.rows, **told, "curve": curve}}


def _sentence(found: Worth) -> str:
    """For the terminal and the report."""
    return (
        f"no paraphrase could be seen to help: {found.rows} more labeled rows, for which paraphrases could stand at "
        f"most, would add {found.gain:.4f} to macro-F1 by the learning curve of tonight's labels, and less than "
        f"{found.visible:.4f} is told from chance in fewer than one night of four; "
        'augmentation.when = "always" draws them all the same'
    )


def figures(found: Worth | None) -> list[Figure]:
    """The learning curve, and what more labels would be worth to each class."""
    if found is None:
        return []
    labels, scores = zip(*found.curve, strict=True)
    rows = [[one.task, one.label, one.labels, round(one.f1, 3), round(one.gain, 4)] for one in found.classes[:_CLASSES]]
    return [
        Figure(
            kind="line",
            title="Learning curve",
            data={"x": list(labels), "y": [round(score, 4) for score in scores], "x_label": "labels"},
            note="Cross-validated macro-F1 of a linear model by half, three quarters and all of the labels. "
            f"{found.rows} more rows would add {found.gain:.4f}; a gain of {found.visible:.4f} is told from chance in "
            "one night of four.",
        ),
        Figure(
            kind="table",
            title="What more labels would be worth",
            data={"columns": ["task", "label", "labels", "F1", "gain"], "rows": rows},
            note=f"By class, the largest gains of {len(found.classes)} first: what its share of {found.rows} more rows "
            "would add to its F1.",
        ),
    ]
