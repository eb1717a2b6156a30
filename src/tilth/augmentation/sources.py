"""Which rows are paraphrased: those that the denoiser can read, thin and weak classes first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tilth.augmentation.canvas import LONGEST
from tilth.augmentation.config import GateConfig
from tilth.augmentation.wording import Word, share_known, words_of
from tilth.encoder import Encoder
from tilth.samples import Source, Split, Status, Task, settled
from tilth.text import normal_form, unit_interval

FEWEST_WORDS = 3
_KNOWN = 0.6  # share of words known whole, below which a text is another language, code or noise
_WEAK = 1.5  # a class that the judge never finds gets this many times the budget of one that it always does


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


def budgets(
    sizes: Mapping[tuple[str, str], int], recall: Mapping[tuple[str, str], float], gate: GateConfig
) -> dict[tuple[str, str], int]:
    """Accepted paraphrases of each class at most: the more a row the thinner it is, and more for weak ones.

    A class may have far more paraphrases than it lacks rows, since those of a row count no more together than it does.

    >>> budgets({("t", "a"): 4, ("t", "b"): 10, ("t", "c"): 20}, {}, GateConfig(growth=0.5, thin=1.0, enough=12))
    {('t', 'a'): 4, ('t', 'b'): 6, ('t', 'c'): 10}
    """
    usual = max(float(np.median(list(sizes.values()))) if sizes else 0.0, float(gate.enough))
    found = {}
    for name, size in sizes.items():
        thinness = max(0.0, 1 - size / usual)
        wanted = size * (gate.growth + max(0.0, gate.thin - gate.growth) * thinness)
        found[name] = int(np.ceil(wanted * (1 + (_WEAK - 1) * (1 - recall.get(name, 1.0)))))
    return found


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


def unfit(text: str, words: Sequence[Word], seen: set[str]) -> str | None:
    """Why a text is not paraphrased, or None; remembers its normal form in `seen`."""
    form = normal_form(text)
    if form in seen:
        return "repeated"
    seen.add(form)
    if sum(word.text[:1].isalnum() for word in words) < FEWEST_WORDS:
        return "too_short"
    if sum(len(word.ids) for word in words) > LONGEST:
        return "too_long"
    if share_known(words) < _KNOWN:
        return "unknown_words"
    if all(word.fixed for word in words):
        return "nothing_free"
    return None


def salient_words(
    texts: Sequence[str], words: Sequence[Sequence[Word]], encoder: Encoder, count: int = 2
) -> list[list[str]]:
    """For each text the free words without which its vector moves most, most salient first."""
    without, owner = [], []
    for row, found in enumerate(words):
        for place, word in enumerate(found):
            if not word.fixed and word.text[:1].isalpha():
                without.append(" ".join(w.text for k, w in enumerate(found) if k != place))
                owner.append((row, word.text.lower()))
    vectors = encoder.encode(texts)
    kept = (encoder.encode(without) * vectors[[row for row, _ in owner]]).sum(axis=1) if owner else np.zeros(0)
    found_words: list[list[str]] = [[] for _ in texts]
    for place in np.argsort(kept, kind="stable"):
        row, word = owner[place]
        if len(found_words[row]) < count and word not in found_words[row]:
            found_words[row].append(word)
    return found_words
