"""Copies of one text: which of them stays, and where their labels contradict each other.

Copies are equal but for case and punctuation. Where their labels contradict each other, nothing depends on the order
of the rows: two files that hold the same rows give the same result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tilth.samples import Split, Status, Task
from tilth.text import normal_form


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """Copies that hold different labels for one task; every array has one entry a row of the table.

    Attributes:
        text: what the copies share, None for rows without such a conflict.
        suggested: the label of most copies, None where two labels are equally frequent.
        own_share, majority_share: the share of the copies' labels that the row's own label has, and that the suggested
            one has; NaN where there is none.
    """

    text: np.ndarray
    suggested: np.ndarray
    own_share: np.ndarray
    majority_share: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """Which rows take part, boolean, shape (rows,)."""
        return np.array([text is not None for text in self.text], dtype=bool)


def forms(frame: pd.DataFrame) -> pd.Series:
    """What the copies of a text share; null for gold rows and for texts without a word."""
    form = frame["text"].map(normal_form)
    return form.where(frame["split"].ne(Split.GOLD) & form.ne("")).astype(object)


def order(frame: pd.DataFrame) -> np.ndarray:
    """Positions in the order in which rows are kept: answered ones, those with labels for more tasks, as they stand."""
    return np.lexsort((-_count(frame, "_given"), -_count(frame, "_answer")))


def kept_copy(frame: pd.DataFrame) -> pd.Series:
    """For each row the id of the copy of its text that stays, null where there is no text.

    It is the first by `order`; but of copies with different labels the one stays whose labels most of them have, then
    the first by label and by id, wherever they stand.
    """
    form, count = forms(frame), len(frame)
    agreeing, differ = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=bool)
    labels = pd.Series("", index=frame.index)
    for name in _columns(frame, "_given"):
        voted = _vote(form, frame[name])
        agreeing += voted["leads"].to_numpy(dtype=np.int64)
        differ |= voted["several"].to_numpy(dtype=bool)
        labels = labels + "\x1f" + frame[name].fillna("").astype(str)
    ids, place = frame["id"].astype(str), np.empty(count, dtype=np.int64)
    place[np.lexsort((ids, ids.str.len(), labels, -agreeing))] = np.arange(count)
    place = np.where(differ, place, 0)
    turns = np.lexsort((place, -_count(frame, "_given"), -_count(frame, "_answer")))
    return form.map(frame["id"].iloc[turns].groupby(form.iloc[turns]).first()).astype(object)


def find_conflicts(frame: pd.DataFrame, tasks: Sequence[Task]) -> dict[str, Conflict]:
    """Where copies hold different labels, for each task by itself; a person's answer settles it for all copies."""
    form = forms(frame)
    return {task.name: _conflict(frame, form, task) for task in tasks}


def _conflict(frame: pd.DataFrame, form: pd.Series, task: Task) -> Conflict:
    given = frame[f"{task.name}_given"]
    voted = _vote(form, given.where(given.isin(task.labels)))
    settled = pd.Series(False, index=frame.index)
    if f"{task.name}_answer" in frame:
        settled = frame[f"{task.name}_answer"].notna().groupby(form).transform("any").fillna(False).astype(bool)
    rows = voted["several"] & ~settled
    return Conflict(
        text=form.where(rows, None).to_numpy(dtype=object),
        suggested=voted["label"].where(rows, None).to_numpy(dtype=object),
        own_share=voted["own"].where(rows).to_numpy(dtype=float),
        majority_share=voted["most"].where(rows).to_numpy(dtype=float),
    )


def _vote(form: pd.Series, label: pd.Series) -> pd.DataFrame:
    """The copies' vote, aligned with the rows.

    Columns: `several` (more than one label), `label` and `most` (that of most copies and its share, null in a tie),
    `own` (the share of the row's own label), `leads` (it is that of most copies).
    """
    labeled = pd.DataFrame({"form": form, "label": label}).dropna()
    counts = labeled.groupby(["form", "label"], sort=True).size().rename("votes").reset_index()
    counts["share"] = counts["votes"] / counts.groupby("form")["votes"].transform("sum")
    counts["top"] = counts["votes"].eq(counts.groupby("form")["votes"].transform("max"))
    top = counts[counts["top"]].drop_duplicates("form", keep=False).set_index("form")
    own = counts.set_index(["form", "label"])["share"]
    best = form.map(top["label"]).astype(object)
    return pd.DataFrame(
        {
            "several": form.map(counts.groupby("form").size()).fillna(0).gt(1),
            "label": best.where(best.notna(), None),
            "most": form.map(top["share"]).astype(float),
            "own": own.reindex(pd.MultiIndex.from_arrays([form, label])).to_numpy(dtype=float),
            "leads": best.notna() & best.eq(label),
        },
        index=form.index,
    )


def _columns(frame: pd.DataFrame, ending: str) -> list[str]:
    return [name for name in frame.columns if name.endswith(ending) and not name.startswith("meta.")]


def _count(frame: pd.DataFrame, ending: str) -> np.ndarray:
    """How many of the columns with that ending hold a value, shape (rows,)."""
    return frame[_columns(frame, ending)].notna().sum(axis=1).to_numpy(dtype=np.int64)


def copy_metrics(frame: pd.DataFrame, tasks: Sequence[Task], conflicts: Mapping[str, Conflict]) -> dict[str, Any]:
    """Labels that the copies have and the kept rows do not, as counts with the first id of each kind, for each task.

    `conflicting` are texts whose copies contradict each other, `tied` those without a majority among them; `lost` are
    labels of copies, near ones too, whose kept row has none; `near` are near copies whose kept row has another label.
    """
    place = pd.Series(frame.index, index=frame["id"])
    original = frame["duplicate_of"].map(place)
    is_copy = original.notna().to_numpy(dtype=bool)
    counted: dict[str, Any] = {}
    for task in tasks:
        conflict, given = conflicts[task.name], frame[f"{task.name}_given"]
        of_copy = given[is_copy].to_numpy(dtype=object)
        of_kept = given.to_numpy(dtype=object)[original[is_copy].to_numpy(dtype=np.int64)]
        rows = is_copy.nonzero()[0]
        lost = rows[pd.notna(of_copy) & pd.isna(of_kept)]
        near = ~frame["is_exact_duplicate_issue"].to_numpy(dtype=bool)[rows]
        near = rows[near & pd.notna(of_copy) & pd.notna(of_kept) & (of_copy != of_kept)]
        stands = np.flatnonzero(conflict.rows & ~is_copy & frame["status"].ne(Status.QUARANTINED).to_numpy(dtype=bool))
        counted[task.name] = {
            "conflicting": _count_and_first(frame, stands),
            "tied": _count_and_first(frame, stands[np.isnan(conflict.majority_share[stands])]),
            "lost": _count_and_first(frame, lost),
            "near": _count_and_first(frame, near),
        }
    return counted


def _count_and_first(frame: pd.DataFrame, rows: np.ndarray) -> dict[str, Any]:
    return {"rows": len(rows), "first": str(frame["id"].iloc[rows[0]]) if len(rows) else None}
