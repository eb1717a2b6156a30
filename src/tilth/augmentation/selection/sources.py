"""Which rows are paraphrased: those that the denoiser can read, thin and weak classes first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tilth.augmentation.text import Word, split_words, unfit_reason
from tilth.samples import Source, Split, Status, Task, settled
from tilth.text import unit_interval


@dataclass(frozen=True)
class ChosenSources:
    """Rows to be paraphrased, their classes and words, and how many rows were left out and why."""

    rows: np.ndarray
    classes: list[tuple[str, str]]
    words: list[list[Word]]
    skipped: dict[str, int]


def finest_classes(frame: pd.DataFrame, tasks: Sequence[Task]) -> list[tuple[str, str] | None]:
    """Each row's finest class: the last task with a current label, and the label."""
    classes: list[tuple[str, str] | None] = [None] * len(frame)
    for task in tasks:
        for row, label in enumerate(frame[task.name]):
            if isinstance(label, str):
                classes[row] = (task.name, label)
    return classes


def class_sizes(frame: pd.DataFrame, tasks: Sequence[Task]) -> dict[tuple[str, str], int]:
    """How many training rows are of each class, by `finest_classes`."""
    training = frame[(frame["split"] != Split.GOLD) & (frame["status"] == Status.ACTIVE)].reset_index(drop=True)
    return dict(Counter(name for name in finest_classes(training, tasks) if name is not None))


def choose_sources(
    frame: pd.DataFrame,
    tasks: Sequence[Task],
    budgets: Mapping[tuple[str, str], int],
    limit: int,
    tokenizer: Any,
    agrees: np.ndarray,
    known: np.ndarray,
) -> ChosenSources:
    """At most `limit` rows, shared out by the classes' budgets; within a class the surest labels first.

    Args:
        frame: The table.
        tasks: Its tasks.
        budgets: Each class's, by `class_budgets`.
        limit: Rows at most.
        tokenizer: The denoiser's.
        agrees: Whether a row's own text may pass the gate's check of labels (rows,). Where models that did not see it
            give it another label, they will hardly give its paraphrases the right one: of clinc150 with five labels a
            class such rows are half of the candidates, and an eighth of the accepted ones.
        known: Whether the denoiser knows language like a row's well enough (rows,).
    """
    classes, skipped, seen = finest_classes(frame, tasks), Counter[str](), set[str]()
    chosen: dict[int, list[Word]] = {}
    for row in source_order(frame, tasks, budgets):
        if len(chosen) >= limit:
            break
        if not known[row]:
            skipped["high_loss"] += 1
            continue
        text = frame["text"].iloc[row]
        words = split_words(text, tokenizer)
        reason = unfit_reason(text, words, seen) or (None if agrees[row] else "label_doubted")
        if reason is None:
            chosen[row] = words
        else:
            skipped[reason] += 1
    rows = sorted(chosen)
    return ChosenSources(
        np.array(rows, dtype=np.int64),
        [classes[row] or ("", "") for row in rows],
        [chosen[row] for row in rows],
        dict(sorted(skipped.items())),
    )


def source_order(frame: pd.DataFrame, tasks: Sequence[Task], budgets: Mapping[tuple[str, str], int]) -> list[int]:
    """All rows with a settled label, in the order in which they are looked at; the surest labels of a class first.

    Each prefix holds the classes in proportion to their budgets, by `class_budgets`.
    """
    labeled = np.zeros(len(frame), dtype=bool)
    for task in tasks:
        labeled |= settled(frame, task.name)
    labeled &= (frame["source"] == Source.INPUT).to_numpy(dtype=bool)
    classes = finest_classes(frame, tasks)
    confidence = np.nanmin([frame[f"{task.name}_confidence"].fillna(1.0) for task in tasks], axis=0)
    surest_first = sorted(
        np.flatnonzero(labeled).tolist(),
        key=lambda row: (-round(float(confidence[row]), 2), unit_interval(str(frame["id"].iloc[row]))),
    )
    by_class: dict[tuple[str, str], list[int]] = {}
    for row in surest_first:
        name = classes[row]
        if name is not None:
            by_class.setdefault(name, []).append(int(row))
    return _in_proportion(by_class, budgets)


def _in_proportion(by_class: Mapping[tuple[str, str], list[int]], budgets: Mapping[tuple[str, str], int]) -> list[int]:
    """Rows of all classes in an order in which each prefix holds them in proportion to their budgets."""
    places = []
    for name, rows in by_class.items():
        budget = max(budgets.get(name, 0), 0)
        if budget:
            places += [((k + 0.5) / budget, name, row) for k, row in enumerate(rows)]
    return [row for _, _, row in sorted(places)]
