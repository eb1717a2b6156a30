"""The exported model goes on from night to night while few of the rows that it learned from have changed.

To train, to compress and to export costs the same whether one row is new or all. Between two trainings the model of the
last one answers every row, the new ones too; its gold figures are measured every night, and what its training measured
(which trunk won, how far the wording counts, the export's agreement) is shown as it was then.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from datasets import Dataset

from tilth import samples as table
from tilth.samples import Split, Task
from tilth.stage import Figure, Resources, StageResult
from tilth.store import (
    HELD_OUT,
    digest,
    digest_json,
    labeled_row_digests,
    link_or_copy,
    read_json,
    read_table,
    write_json,
    write_table,
)
from tilth.training import evaluation
from tilth.training.answer_columns import write_answers
from tilth.training.evaluation import read_digests
from tilth.training.exporting import write_passages
from tilth.training.fitting import encoder_config
from tilth.training.inputs import Config, has_rows, rejected_rows
from tilth.training.stage import train

_MODEL, _FACTS = "model", "facts.json"
_GOLD = "(gold)"
"""Ends the titles of figures that are measured again every night."""


def train_or_take(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """See `tilth.training.run`."""
    frame = table.to_pandas(samples)
    tasks = tuple(task for task in resources.tasks if has_rows(frame, task, resources, config))
    no_folder = getattr(resources.evidence.encoder, "folder", None) is None
    if not tasks or no_folder or encoder_config(resources).attention != "full":  # there may be no model to export
        return train(samples, config, resources)
    trained: list[StageResult] = []

    def fit(folder: Path) -> None:
        trained.append(train(samples, config, resources))
        _keep(trained[0], folder)

    class_texts = resources.evidence.class_texts
    gold, pictures = bool(frame["split"].eq(Split.GOLD).any()), resources.evidence.pictures
    carried = resources.evidence.fits.folder(
        "the exported model",
        _digests(frame, tasks, resources),
        fit,
        into=resources.scratch / "carried model",
        basis={
            "classes": digest_json([task.to_json() for task in tasks]),
            "whether there is gold": str(gold),
            "what the classes are called": digest(*(texts.fingerprint for texts in class_texts.values())),
            **({"pictures": pictures.fingerprint} if pictures is not None else {}),
        },
    )
    return trained[0] if trained else _taken(frame, tasks, resources, carried)


def _digests(frame: pd.DataFrame, tasks: Sequence[Task], resources: Resources) -> np.ndarray:
    """Each row that any task learns from, by its text or its picture, with its labels."""
    keys, pictures = resources.evidence.row_keys, resources.evidence.pictures
    codes = [table.learnable_codes(frame, task) for task in tasks]
    if pictures is None:
        return labeled_row_digests(keys, codes)
    pairs = zip(keys, pictures.digests, strict=True)
    keys = np.array([int(digest(str(key), one or "")[:16], 16) for key, one in pairs], dtype=np.uint64)
    for place, task in enumerate(tasks):
        shown = table.learnable_by_picture(frame, task.name)
        codes[place] = np.where(shown, task.codes(frame[task.name]), codes[place])
    return labeled_row_digests(keys, codes)


def _keep(result: StageResult, folder: Path) -> None:
    """Keep what a later night needs to go on with this model."""
    shutil.copytree(result.artifacts[_MODEL], folder / _MODEL, copy_function=link_or_copy)
    if HELD_OUT in result.artifacts:
        shutil.copy2(result.artifacts[HELD_OUT], folder / HELD_OUT)
    metrics = {name: value for name, value in result.metrics.items() if name not in ("gold", "gold_rows")}
    figures = [figure.to_json() for figure in result.figures if not figure.title.endswith(_GOLD)]
    write_json(folder / _FACTS, {"metrics": metrics, "figures": figures})


def _taken(frame: pd.DataFrame, tasks: Sequence[Task], resources: Resources, carried: Path) -> StageResult:
    """The stage's result by the model of an earlier night."""
    from tilth.training.export import cached_answers

    model, facts = resources.scratch / _MODEL, read_json(carried / _FACTS)
    shutil.copytree(carried / _MODEL, model)
    pictures = resources.evidence.pictures
    shown = pictures.references() if pictures is not None else None
    answers = cached_answers(model, frame["text"].tolist(), resources.evidence.cache, shown)
    write_answers(frame, resources.tasks, answers)
    write_passages(frame, model, None, resources)
    gold, pairs = evaluation.measure_on_gold(frame, resources.tasks)
    metrics: dict[str, Any] = {**facts["metrics"], **gold}
    metrics["out_of_scope"] = {
        **metrics["out_of_scope"],
        "rows": int((answers.out_of_scope & (frame["split"] != Split.GOLD)).sum()),
    }
    artifacts = {_MODEL: model}
    if (carried / HELD_OUT).exists():
        artifacts[HELD_OUT] = resources.scratch / HELD_OUT
        _write_held_out(pd.DataFrame(read_table(carried / HELD_OUT).to_pandas()), frame, artifacts[HELD_OUT])
    return StageResult(
        samples=table.from_pandas(frame, resources.tasks),
        metrics=metrics,
        figures=[*evaluation.figures(pairs, "gold", ()), *(Figure(**one) for one in facts["figures"])],
        artifacts=artifacts,
        questions=rejected_rows(frame, tasks, answers),
    )


def _write_held_out(held: pd.DataFrame, frame: pd.DataFrame, path: Path) -> None:
    """The held-out rows that are still there with the same text, with the labels that they have now."""
    now = frame.set_index("id")
    held = held[held["id"].map(read_digests(frame).set_axis(frame["id"])).eq(held["text_digest"])]
    held = held.reset_index(drop=True)
    for name in (column for column in held.columns if f"{column}_predicted" in held.columns):
        held[name] = held["id"].map(now[name]).where(held[name].notna(), None)
    write_table(path, Dataset.from_pandas(held, preserve_index=False))
