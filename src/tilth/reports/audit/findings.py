"""What cleaning found in one file, as one line a finding: what is wrong, why, and what may be right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tilth.samples import Action, Reason, Split, Status, Task

WRONG, CONFLICT, LEAK, JUNK, COPY = "wrong label", "conflicting copies", "leak", "junk", "copy"
KINDS = (WRONG, CONFLICT, LEAK, JUNK, COPY)
"""What a finding can be, in the order in which a person looks at them."""
COLUMNS = ("row", "id", "finding", "task", "label", "suggested", "probability_right", "reason", "other_row", "text")
"""Of the file of findings."""

_TEXTS = {
    Reason.EMPTY: "there is no text",
    Reason.TOO_LONG: "longer than nearly all other texts",
    Reason.LANGUAGE: "in another language than most",
    Reason.ENCODING: "garbled: characters that went through a wrong encoding",
    Reason.BOILERPLATE: "mostly a footer that stands in other texts too",
    Reason.OUTLIER: "unlike every other text",
    Reason.JUNK: "no message: hardly a word, keys struck at random, a test, or what a program or a mailing wrote",
}
_TRAIN = frozenset({"train", "training"})


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The audited rows, without gold, and what is known of them.

    Attributes:
        frame: the table behind cleaning, gold rows left out.
        numbers: each row's number in the file, from 1 below the header, shape (rows,).
        nearest: for each task the nearest labeled rows of each row, as positions, -1 for none, shape (rows, k).
        tasks: what is classified.
        split: each row's part of the file (train, test, …), where a column says it.
    """

    frame: pd.DataFrame
    numbers: np.ndarray
    nearest: Mapping[str, np.ndarray]
    tasks: tuple[Task, ...]
    split: pd.Series | None = None


def rows_of(
    frame: pd.DataFrame,
    numbers: np.ndarray,
    nearest: Mapping[str, np.ndarray],
    tasks: tuple[Task, ...],
    split: str | None,
) -> Rows:
    """The rows of a table that are not gold.

    Args:
        frame: the table behind cleaning.
        numbers: each of its rows' number in the file, shape (rows,).
        nearest: for each task the nearest labeled rows of each row, as positions in the table, shape (rows, k).
        tasks: what is classified.
        split: the input's column that says train or test, or None.
    """
    free = frame["split"].ne(Split.GOLD).to_numpy(dtype=bool)
    part = frame[free].reset_index(drop=True)
    column = f"meta.{split}"
    splits = part[column].astype("string").str.strip().str.casefold() if split and column in part else None
    place = np.append(np.cumsum(free) - 1, -1)  # of a row among those that are not gold; of none, none
    near = {task: place[rows[free]] for task, rows in nearest.items()}
    return Rows(frame=part, numbers=numbers[free], nearest=near, tasks=tasks, split=splits)


def find(rows: Rows) -> pd.DataFrame:
    """Every finding as a line with `COLUMNS` and `place` (the row's position), the most certain first of each kind."""
    parts = [_leaks(rows), _unfit(rows), _copies(rows)]
    for task in rows.tasks:
        parts += [_wrong(rows, task), _conflicts(rows, task)]
    lines = pd.concat([part for part in parts if len(part)] or [_lines(rows, np.array([], dtype=int), COPY)])
    lines["kind"] = pd.Categorical(lines["finding"], KINDS)
    order = pd.DataFrame({"kind": lines["kind"].cat.codes, "right": lines["probability_right"].fillna(0.0)})
    order = order.assign(group=lines["group"], row=lines["row"])  # the copies of one text stand together
    order = order.reset_index(drop=True).sort_values(["kind", "right", "group", "row"], kind="stable")
    return lines.drop(columns=["kind", "group"]).iloc[order.index].reset_index(drop=True)


def _lines(rows: Rows, places: np.ndarray, finding: str, **columns: Any) -> pd.DataFrame:
    part = rows.frame.iloc[places]
    lines = pd.DataFrame(
        {
            "row": rows.numbers[places],
            "id": part["id"].to_numpy(dtype=object),
            "finding": finding,
            "task": None,
            "label": _labels(part, rows.tasks),
            "suggested": None,
            "probability_right": np.nan,
            "reason": "",
            "other_row": None,
            "text": part["text"].to_numpy(dtype=object),
            "place": places,
            "group": 0,
        }
    )
    return lines.assign(**columns)


def _labels(part: pd.DataFrame, tasks: Sequence[Task]) -> list[str | None]:
    """The finest label that each row came with."""
    label = pd.Series(None, index=part.index, dtype=object)
    for task in reversed(tasks):
        label = label.where(label.notna(), part[f"{task.name}_given"])
    return [value if isinstance(value, str) else None for value in label]


def _wrong(rows: Rows, task: Task) -> pd.DataFrame:
    frame, name = rows.frame, task.name
    issue = frame[f"is_{name}_issue"].eq(True) & frame[f"{name}_action"].ne(Action.CONFLICT)
    places = np.flatnonzero(issue)
    part = frame.iloc[places]
    return _lines(
        rows,
        places,
        WRONG,
        task=name,
        label=part[f"{name}_given"].to_numpy(dtype=object),
        suggested=part[f"{name}_suggested"].to_numpy(dtype=object),
        probability_right=part[f"{name}_quality"].to_numpy(dtype=float).round(4),
        reason=why_wrong(rows, task, places),
    )


def why_wrong(rows: Rows, task: Task, places: np.ndarray) -> list[str]:
    """What speaks against each row's label, beside its probability: the labels of its nearest rows."""
    given = rows.frame[f"{task.name}_given"].to_numpy(dtype=object)
    reasons = []
    for place in places:
        near = rows.nearest[task.name][place]
        counts = Counter(given[one] for one in near[near >= 0])
        # Of as frequent ones the first by name, so that two files with the same rows say the same.
        top = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:2]
        shares = [f'{count} "{label}"' for label, count in top]
        if given[place] not in dict(top):
            shares.append(f'{counts[given[place]] or "none"} "{given[place]}"')
        reasons.append(f"of the {counts.total()} most similar labeled rows: {', '.join(shares)}")
    return reasons


def _conflicts(rows: Rows, task: Task) -> pd.DataFrame:
    frame, name = rows.frame, task.name
    places = np.flatnonzero(frame[f"{name}_action"].eq(Action.CONFLICT) & frame[f"{name}_given"].notna())
    if not len(places):
        return _lines(rows, places, CONFLICT)
    part = frame.iloc[places]
    roots = _roots(frame)[places]
    groups = dict(list(part.groupby(roots)[f"{name}_given"]))
    shares = {
        root: ", ".join(f'"{label}" ({count})' for label, count in sorted(Counter(labels).items()))
        for root, labels in groups.items()
    }
    numbers = pd.Series(rows.numbers[places]).groupby(roots).agg(list)
    return _lines(
        rows,
        places,
        CONFLICT,
        task=name,
        label=part[f"{name}_given"].to_numpy(dtype=object),
        suggested=part[f"{name}_suggested"].to_numpy(dtype=object),
        reason=[f"the same text has several labels: {shares[root]}" for root in roots],
        other_row=[_others(numbers[root], own) for root, own in zip(roots, rows.numbers[places], strict=True)],
        group=roots,
    )


def _others(numbers: Sequence[int], own: int) -> str:
    others = [number for number in numbers if number != own]
    return " ".join(map(str, others[:20])) + (" …" if len(others) > 20 else "")


def _leaks(rows: Rows) -> pd.DataFrame:
    """Rows that stand in gold too, and those of a test part whose text, or a near copy of it, is in the train part."""
    in_gold = np.flatnonzero(rows.frame["is_gold_leak_issue"].eq(True))
    parts = [_lines(rows, in_gold, LEAK, reason="the same text stands in the gold file")]
    if rows.split is not None:
        roots, train = _roots(rows.frame), rows.split.isin(_TRAIN).to_numpy(dtype=bool)
        numbers = pd.Series(rows.numbers)[train].groupby(roots[train]).agg(list)
        place = np.flatnonzero(~train & rows.split.notna().to_numpy(dtype=bool) & np.isin(roots, numbers.index))
        split = rows.split.to_numpy(dtype=object)
        reasons = [
            f'the text, or a near copy of it, stands in "train" as well; this row is of "{split[one]}"' for one in place
        ]
        others = [_others(numbers[roots[one]], -1) for one in place]
        parts.append(_lines(rows, place, LEAK, reason=reasons, other_row=others))
    return pd.concat(parts)


def _unfit(rows: Rows) -> pd.DataFrame:
    reason, active = rows.frame["reason"], rows.frame["status"].ne(Status.ACTIVE)
    places = np.flatnonzero(active & reason.isin([word.value for word in _TEXTS]))
    reasons = [_TEXTS[Reason(reason.iloc[place])] for place in places]
    return _lines(rows, places, JUNK, reason=reasons)


def _copies(rows: Rows) -> pd.DataFrame:
    frame = rows.frame
    there = {row_id: place for place, row_id in enumerate(frame["id"])}
    copied = frame["status"].ne(Status.ACTIVE) & frame["reason"].isin([Reason.EXACT_DUPLICATE, Reason.NEAR_DUPLICATE])
    conflict = np.zeros(len(frame), dtype=bool)  # which are listed as such
    for task in rows.tasks:
        conflict |= frame[f"{task.name}_action"].eq(Action.CONFLICT).to_numpy(dtype=bool)
    places = np.flatnonzero(copied & frame["duplicate_of"].notna() & ~conflict)
    exact = frame["reason"].eq(Reason.EXACT_DUPLICATE).to_numpy(dtype=bool)
    kept = np.array([there[frame["duplicate_of"].iloc[place]] for place in places], dtype=np.int64)
    others = rows.numbers[kept]
    reasons = [
        f"{'the same text as' if exact[place] else 'nearly the same words as'} row {other}{rather}"
        for place, other, rather in zip(places, others, _labeled_otherwise(rows, places, kept), strict=True)
    ]
    return _lines(rows, places, COPY, reason=reasons, other_row=[str(other) for other in others])


def _labeled_otherwise(rows: Rows, places: np.ndarray, kept: np.ndarray) -> list[str]:
    """What a copy's reason says where the row that it repeats has another label; empty elsewhere."""
    remarks = [""] * len(places)
    for task in rows.tasks:
        given = rows.frame[f"{task.name}_given"].to_numpy(dtype=object)
        for line, (copy, original) in enumerate(zip(places, kept, strict=True)):
            if isinstance(given[copy], str) and isinstance(given[original], str) and given[copy] != given[original]:
                remarks[line] = f', whose label is "{given[original]}"'
    return remarks


def _roots(frame: pd.DataFrame) -> np.ndarray:
    """For each row the position of the row that stays of its copies, near ones too; its own where it has none."""
    there: Mapping[Any, int] = {row_id: place for place, row_id in enumerate(frame["id"])}
    roots = np.array([there.get(other, place) for place, other in enumerate(frame["duplicate_of"])], dtype=np.int64)
    while (roots[roots] != roots).any():  # a near copy of a copy
        roots = roots[roots]
    return roots
