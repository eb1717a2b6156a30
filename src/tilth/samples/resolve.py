"""The one rule that sets a row's current label.

Precedence, highest first: a person's answer ("none of these" leaves the row without a label), a correction by
cleaning, the label as given (unless cleaning doubts it), the label model's answer (called propagated where it rests on
the text alone), and a given label that cleaning sent to review, with the probability that it is right as its weight.
In place of a given label that is surely wrong, and of which nothing else says anything, stands the one that cleaning
suggests, at the probability that it is right, if that agrees with the parent's and the children's.
Where copies of one text contradict each other, that is the label of most of them, and none where two are as frequent. A
given label that the evidence of weak supervision disputes is for a person to look at: the row then has no current
label. A paraphrase inherits. Parent and child must agree, but where people gave both: their labels never change each
other. Gold rows keep the label that they came with, or that people put in its place, whatever any stage says.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tilth.samples.enums import Action, Origin, Reason, Source, Split
from tilth.samples.table import Task

_PEOPLE = (Origin.ANNOTATOR, Origin.GIVEN)
_RANK = {Origin.ANNOTATOR: 2, Origin.CORRECTED: 1, Origin.GIVEN: 1}
"""Of a label where parent and child clash; what a model says ranks below, as does a given label in review."""


def resolve(frame: pd.DataFrame, tasks: Sequence[Task]) -> pd.DataFrame:
    """The frame with `<task>`, `_origin`, `_confidence` and `_reason` set anew from what the stages proposed."""
    frame = frame.copy()
    for task in tasks:
        _apply_precedence(frame, task)
    children = [task for task in tasks if task.parent is not None]
    fell = {}
    for task in reversed(children):  # from below, so that a label can fill in all that stands above it
        fell[task.name] = _agree(frame, task)
    for task in children:
        if task.parent in fell:  # what would have been the child's own parent
            orphaned = fell[task.parent] & frame[task.name].notna()
            _take_away(frame, task.name, orphaned)
            fell[task.name] |= orphaned
    for task in tasks:
        _suggest(frame, task, [child for child in children if child.parent == task.name])
    if frame["source"].eq(Source.PARAPHRASE).any():
        for task in tasks:
            _inherit(frame, task.name)
    return frame


def _column(frame: pd.DataFrame, name: str, default: object = None) -> pd.Series:
    if name in frame:
        return frame[name]
    return pd.Series([default] * len(frame), index=frame.index, dtype=object)


def _apply_precedence(frame: pd.DataFrame, task: Task) -> None:
    """By arrays: a table of a few rows would wait for some sixty operations on columns of pandas'."""
    name, rows, labels = task.name, len(frame), set(task.labels)

    def proposed(part: str, default: object = None) -> np.ndarray:
        return _objects(_column(frame, f"{name}_{part}", default))

    def confidence_of(part: str) -> np.ndarray:
        values = pd.to_numeric(_column(frame, f"{name}_{part}_confidence", np.nan), errors="coerce")
        return np.array(values.to_numpy(dtype=float, na_value=np.nan))

    given, action, suggested = proposed("given"), proposed("action", Action.KEEP.value), proposed("suggested")
    gold = _objects(frame["split"]) == Split.GOLD.value
    known, sure = _among(given, labels) | gold, confidence_of("given")
    kept = _is_there(given) & known & (gold | ~_is_there(action) | (action == Action.KEEP.value))
    disputed = proposed("disputed", False).astype(bool) & kept & ~gold
    sure[gold | np.isnan(sure)] = 1.0
    doubtful = (action == Action.REVIEW.value) | ((action == Action.CONFLICT.value) & (given == suggested))
    proposals = (  # lowest precedence first, so that a later one overwrites
        (Origin.GIVEN, given, sure, doubtful & ~gold),
        (Origin.WEAK, proposed("weak"), confidence_of("weak"), ~gold & ~disputed),
        (Origin.GIVEN, given, sure, kept & ~disputed),
        (Origin.CORRECTED, suggested, confidence_of("suggested"), (action == Action.CORRECT.value) & ~gold),
        (Origin.ANNOTATOR, proposed("answer"), np.ones(rows), ~gold),
    )
    label = np.full(rows, None, dtype=object)
    origin, confidence = label.copy(), np.full(rows, np.nan)
    for word, value, probability, allowed in proposals:
        taken = _is_there(value) & allowed & (_among(value, labels) | gold)
        label[taken], origin[taken], confidence[taken] = value[taken], word.value, probability[taken]
    origin[(origin == Origin.WEAK.value) & proposed("propagated", False).astype(bool)] = Origin.PROPAGATED.value
    frame[name], frame[f"{name}_origin"], frame[f"{name}_confidence"] = label, origin, confidence
    action[gold], action[disputed] = None, Action.REVIEW.value
    frame[f"{name}_reason"] = _reasons(given, known, action, origin)
    none = pd.Series(proposed("none", False).astype(bool) & ~gold, index=frame.index)
    _take_away(frame, name, none, Reason.NONE_OF_THESE)


def _objects(column: pd.Series) -> np.ndarray:
    """A column's values, None where it has none; a copy, shape (rows,)."""
    values = np.array(column, dtype=object)
    values[column.isna().to_numpy(dtype=bool)] = None
    return values


def _is_there(values: np.ndarray) -> np.ndarray:
    return np.asarray(values != None, dtype=bool)  # noqa: E711 - one value at a time


def _among(values: np.ndarray, labels: set[str]) -> np.ndarray:
    return np.fromiter((value in labels for value in values), dtype=bool, count=len(values))


def _reasons(given: np.ndarray, known: np.ndarray, action: np.ndarray, origin: np.ndarray) -> np.ndarray:
    reason = np.full(len(given), None, dtype=object)
    reason[_is_there(given) & ~known] = Reason.UNKNOWN_LABEL.value
    reason[_among(action, {Action.SET_ASIDE, Action.SUGGEST, Action.CORRECT})] = Reason.LABEL_ISSUE.value
    reason[action == Action.REVIEW.value] = Reason.LABEL_REVIEW.value
    reason[action == Action.CONFLICT.value] = Reason.CONFLICTING_COPIES.value
    reason[origin == Origin.ANNOTATOR.value] = None
    return reason


def _agree(frame: pd.DataFrame, child: Task) -> pd.Series:
    """Fill a missing parent in from its child; where the two clash, the better founded label stays.

    A label that stands under several parents says nothing of which. It clashes with all others, and where it stays,
    the parent's is taken away.

    Returns:
        Boolean, one a row: the child's label was taken away.
    """
    parent = str(child.parent)
    places = {label: child.parents(label) for label in child.labels}
    implied = frame[child.name].map({label: parents[0] for label, parents in places.items() if len(parents) == 1})
    # What cleaning or weak supervision took from the parent does not come back by way of a child that says the same.
    withdrawn = frame[f"{parent}_reason"].isin([Reason.LABEL_ISSUE, Reason.LABEL_REVIEW])
    withdrawn &= frame[f"{parent}_given"].eq(implied)
    # Whichever of their labels the child says; and where no class fits, by a person's word, none comes back.
    withdrawn |= frame[f"{parent}_reason"].isin([Reason.CONFLICTING_COPIES, Reason.NONE_OF_THESE])
    missing = implied.notna() & frame[parent].isna() & ~withdrawn
    clash = pd.Series(~_fit_together(child, frame[child.name], frame[parent]), frame.index)
    origin = frame[f"{child.name}_origin"]
    by_people = origin.isin(_PEOPLE) & origin.eq(frame[f"{parent}_origin"])
    clash &= frame["split"].ne(Split.GOLD) & ~by_people
    child_wins = clash & _stronger(frame, child.name, parent) if clash.any() else clash
    for rows, reason in ((missing, Reason.FROM_CHILD), (child_wins & implied.notna(), Reason.HIERARCHY)):
        if not rows.any():
            continue
        frame.loc[rows, parent] = implied[rows]
        for part in ("origin", "confidence"):
            frame.loc[rows, f"{parent}_{part}"] = frame.loc[rows, f"{child.name}_{part}"]
        frame.loc[rows, f"{parent}_reason"] = reason.value
    _take_away(frame, parent, child_wins & implied.isna())
    _take_away(frame, child.name, clash & ~child_wins)
    return clash & ~child_wins


def _take_away(frame: pd.DataFrame, name: str, rows: pd.Series, reason: Reason = Reason.HIERARCHY) -> None:
    if not rows.any():  # as in most tables
        return
    frame.loc[rows, [name, f"{name}_origin"]] = None
    frame.loc[rows, f"{name}_confidence"] = np.nan
    frame.loc[rows, f"{name}_reason"] = reason.value


def _stronger(frame: pd.DataFrame, first: str, second: str) -> pd.Series:
    """Whether the first label outranks the second, or else ranks with it and is at least as probable."""
    ranks = [
        frame[f"{name}_origin"].map(_RANK).fillna(0).mask(frame[f"{name}_reason"].eq(Reason.LABEL_REVIEW), 0)
        for name in (first, second)
    ]
    more_probable = frame[f"{first}_confidence"].fillna(0) >= frame[f"{second}_confidence"].fillna(0)
    return (ranks[0] > ranks[1]) | ((ranks[0] == ranks[1]) & more_probable)


def _suggest(frame: pd.DataFrame, task: Task, children: Sequence[Task]) -> None:
    """Put the label that cleaning suggests where none is in force, unless it is not the parent's or not a child's."""
    name, suggested = task.name, _column(frame, f"{task.name}_suggested")
    rows = _column(frame, f"{name}_action").eq(Action.SUGGEST) & suggested.isin(task.labels)
    rows &= frame[name].isna() & frame[f"{name}_reason"].eq(Reason.LABEL_ISSUE)
    if not rows.any():
        return
    places = np.flatnonzero(rows)
    label, fits = suggested.iloc[places], np.ones(len(places), dtype=bool)
    if task.parent is not None:
        fits &= _fit_together(task, label, frame[task.parent].iloc[places])
    for child in children:
        fits &= _fit_together(child, frame[child.name].iloc[places], label)
    taken = frame.index[places[fits]]
    frame.loc[taken, name], frame.loc[taken, f"{name}_origin"] = label[fits], Origin.SUGGESTED.value
    frame.loc[taken, f"{name}_confidence"] = frame.loc[taken, f"{name}_suggested_confidence"].astype(float)


def _fit_together(child: Task, below: pd.Series, above: pd.Series) -> np.ndarray:
    """Whether the child's label may stand under the parent's, shape (rows,); it may where either is not known."""
    places = {label: child.parents(label) for label in child.labels}
    pairs = zip(below, above, strict=True)
    return np.array([pd.isna(top) or not places.get(label) or top in places[label] for label, top in pairs], dtype=bool)


def _inherit(frame: pd.DataFrame, task: str) -> None:
    rows = frame["source"].eq(Source.PARAPHRASE)
    parents = frame.loc[~rows].set_index("id")
    ids = frame.loc[rows, "parent_id"]
    label = ids.map(parents[task])
    agreement = _column(frame, "label_agreement", 1.0)[rows].astype(float).fillna(1.0)
    frame.loc[rows, task] = label
    frame.loc[rows, f"{task}_origin"] = label.map(lambda value: Origin.INHERITED.value, na_action="ignore")
    frame.loc[rows, f"{task}_confidence"] = ids.map(parents[f"{task}_confidence"]).astype(float) * agreement
    frame.loc[rows, f"{task}_reason"] = None
