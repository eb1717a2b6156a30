"""Which rows are paraphrased: those that the denoiser can read, thin and weak classes first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tilth.augmentation.text import Word, unfit, words_of
from tilth.samples import Source, Split, Status, Task, settled
from tilth.text import unit_interval


@dataclass(frozen=True)
class Chosen:
    """Rows to be paraphrased, their classes and words, and how many rows were left out and why."""

    rows: np.ndarray
    classes: list[tuple[str, str]]
    words: list[list[Word]]
    skipped: dict[str, int]


def class_of(frame: pd.DataFrame, tasks: Sequence[Task]) -> list[tuple[str, str] | None]:
    """Each row's finest class: the last task with a label in force, and the label."""
    found: list[tuple[str, str] | None] = [None] * len(frame)
    for task in tasks:
        for row, label in enumerate(frame[task.name]):
            if isinstance(label, str):
                found[row] = (task.name, label)
    return found


def sizes(frame: pd.DataFrame, tasks: Sequence[Task]) -> dict[tuple[str, str], int]:
    """How many rows that teach are of each class, by `class_of`."""
    learning = frame[(frame["split"] != Split.GOLD) & (frame["status"] == Status.ACTIVE)].reset_index(drop=True)
    return dict(Counter(name for name in class_of(learning, tasks) if name is not None))


def choose(
    frame: pd.DataFrame,
    tasks: Sequence[Task],
    allowed: Mapping[tuple[str, str], int],
    limit: int,
    tokenizer: Any,
    vouched: np.ndarray,
) -> Chosen:
    """At most `limit` rows, shared out by the classes' budgets; within a class the surest labels first.

    Args:
        frame: The table.
        tasks: Its tasks.
        allowed: Each class's budget, by `budgets`.
        limit: Rows at most.
        tokenizer: The denoiser's.
        vouched: Whether a row's own text may pass the gate's check of labels (rows,). Where judges that did not see it
            give it another label, they will hardly give its paraphrases the right one: of clinc150 with five labels a
            class such rows are half of the candidates, and an eighth of the accepted ones.
    """
    classes, skipped, seen = class_of(frame, tasks), Counter[str](), set[str]()
    rows: list[int] = []
    words: list[list[Word]] = []
    for row in in_order(frame, tasks, allowed):
        if len(rows) >= limit:
            break
        found = words_of(frame["text"].iloc[row], tokenizer)
        reason = unfit(frame["text"].iloc[row], found, seen) or (None if vouched[row] else "label_doubted")
        if reason is None:
            rows.append(row)
            words.append(found)
        else:
            skipped[reason] += 1
    chosen = sorted(range(len(rows)), key=lambda k: rows[k])
    return Chosen(
        np.array([rows[k] for k in chosen], dtype=np.int64),
        [classes[rows[k]] or ("", "") for k in chosen],
        [words[k] for k in chosen],
        dict(sorted(skipped.items())),
    )


def in_order(frame: pd.DataFrame, tasks: Sequence[Task], allowed: Mapping[tuple[str, str], int]) -> list[int]:
    """All rows with a settled label, in the order in which they are looked at; the surest labels of a class first.

    Each prefix holds the classes in proportion to their budgets, by `budgets`.
    """
    taught = np.zeros(len(frame), dtype=bool)
    for task in tasks:
        taught |= settled(frame, task.name)
    taught &= (frame["source"] == Source.INPUT).to_numpy(dtype=bool)
    classes = class_of(frame, tasks)
    sure = np.nanmin([frame[f"{task.name}_confidence"].fillna(1.0) for task in tasks], axis=0)
    order = sorted(
        np.flatnonzero(taught).tolist(),
        key=lambda row: (-round(float(sure[row]), 2), unit_interval(str(frame["id"].iloc[row]))),
    )
    queues: dict[tuple[str, str], list[int]] = {}
    for row in order:
        name = classes[row]
        if name is not None:
            queues.setdefault(name, []).append(int(row))
    return _shared_out(queues, allowed)


def _shared_out(queues: Mapping[tuple[str, str], list[int]], allowed: Mapping[tuple[str, str], int]) -> list[int]:
    """Rows of all classes in an order in which each prefix holds them in proportion to their budgets."""
    places = []
    for name, rows in queues.items():
        share = max(allowed.get(name, 0), 0)
        if share:
            places += [((k + 0.5) / share, name, row) for k, row in enumerate(rows)]
    return [row for _, _, row in sorted(places)]
