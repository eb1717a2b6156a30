"""Labels as they were meant: one a row, cleaned, whole numbers without a point; doubtful readings are reported."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tilth.errors import InputError, did_you_mean
from tilth.notes import Notes, listed, many, place
from tilth.samples import Split, Task
from tilth.text import clean_label

_WHOLE = r"[+-]?\d+(?:\.0+)?"
_SIGNS = frozenset({"-", "--", "–", "—", "?", "."})
_NOTHING = _SIGNS | {"n/a", "na", "#n/a", "<na>", "nan", "none", "null", "nil", "undefined", "unlabeled", "unlabelled"}
"""Words, in lower case, that people write for "no label"; some are the name of a class as well."""


def read_labels(values: pd.Series, rows: pd.DataFrame, column: str, notes: Notes) -> pd.Series:
    """The labels of one column, one a row, as cleaned text; None where there is none.

    Args:
        values: what the input holds, of any type.
        rows: the same rows, with where each stands.
        column: the input's name for them, for messages.
        notes: where it is noted what was read otherwise than it stands.

    Raises:
        InputError: a row holds several labels.
    """
    single = _single(values, rows, column, notes)
    kinds = single.map(lambda value: type(value).__name__, na_action="ignore")
    odd = kinds.notna() & ~kinds.isin(["str", "int", "float", "int64", "float64"])
    if odd.any():
        words = listed(single[odd].map(str).unique())
        notes.rows("labels_of_another_type", rows, odd, "label", f'of "{column}" came as no text: read as {words}')
    text = single.map(str, na_action="ignore")
    cleaned = text.map(clean_label, na_action="ignore")
    there = text.notna() & text.ne("")
    nothing = there & cleaned.eq("")
    rest = f'of "{column}" held nothing but spaces or signs that nobody sees: read as no label'
    notes.rows("labels_of_spaces", rows, nothing, "label", rest)
    changed = there & ~nothing & cleaned.ne(text)
    rest = f'of "{column}" came with spaces around them or with signs that nobody sees, and lost these'
    notes.rows("labels_cleaned", rows, changed, "label", rest)
    return cleaned.where(cleaned.notna() & cleaned.ne(""), None).astype(object)


def _single(values: pd.Series, rows: pd.DataFrame, column: str, notes: Notes) -> pd.Series:
    raw = list(values.astype(object))
    held = [_labels(value) for value in raw]
    bad = [len(labels) > 1 or any(isinstance(label, Mapping) for label in labels) for labels in held]
    if any(bad):
        where = bad.index(True)
        raise InputError(
            f'{place(rows.iloc[where])}: column "{column}" holds {raw[where]!r}; expected one label a row '
            "(make a task of each, where a row has several)"
        )
    taken = [not (len(labels) == 1 and labels[0] is value) for value, labels in zip(raw, held, strict=True)]
    notes.rows("labels_in_lists", rows, taken, "label", f'of "{column}" came as a list of one: read as that one')
    return pd.Series([labels[0] if labels else None for labels in held], index=values.index, dtype=object)


def _labels(value: Any) -> list[Any]:
    """The labels of one cell: lists, as JSON or Python writes them, and choices, as Label Studio does, taken apart."""
    if isinstance(value, str) and value.lstrip()[:1] in {"[", "{"}:
        value = _written(value)
    if isinstance(value, Mapping) and "choices" in value:
        return _labels(value["choices"])
    if isinstance(value, np.ndarray | list | tuple | set):
        return [label for item in value for label in _labels(item)]
    return [value]


def _written(text: str) -> Any:
    for read_as in (json.loads, ast.literal_eval):
        try:
            value = read_as(text.strip())
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
        return value
    return text


def without_points(learned: pd.Series, declared: Sequence[str]) -> bool:
    """Whether a task's labels are whole numbers, some of which were written as 1.0: what a column with gaps becomes.

    Args:
        learned: the labels of all rows but gold.
        declared: the classes, where the config names them.
    """
    labels = list(declared) or learned.dropna()
    whole = pd.Series(labels, dtype=object)
    return bool(len(whole) and whole.str.fullmatch(_WHOLE).all() and not any("." in label for label in declared))


def pointless(labels: pd.Series, rows: pd.DataFrame, task: str, notes: Notes) -> pd.Series:
    """The labels, with 1 for 1.0."""
    whole = labels.str.replace(r"^([+-]?\d+)\.0+$", r"\1", regex=True).astype(object).where(labels.notna(), None)
    rest = f'of task "{task}" came as numbers with a point, such as 1.0: read as whole numbers, 1'
    notes.rows("labels_with_a_point", rows, labels.notna() & labels.ne(whole), "label", rest)
    return whole


def note_labels(labels: pd.Series, rows: pd.DataFrame, task: str, declared: Sequence[str], notes: Notes) -> None:
    """Note the labels of a task, gold apart, that may be meant otherwise than as classes of their own."""
    _note_alike(labels, rows, task, notes)
    counts = labels.value_counts(sort=False)
    if declared:
        strange = labels.notna() & ~labels.isin(declared)
        if strange.any():
            first = labels[strange].iloc[0]
            rest = f'of task "{task}" came as none of its declared classes: {listed(labels[strange].unique())}'
            notes.rows("labels_of_no_class", rows, strange, "label", f"{rest}; {did_you_mean(first, declared)}")
        return
    unlabeled = {"-1", "0"} <= set(counts.index) and "-2" not in counts.index  # as scikit-learn writes it
    words = [label for label in counts.index if label.casefold() in _NOTHING or (unlabeled and label == "-1")]
    rest = (
        f'of task "{task}" came as {listed(words)}, which is read as a class; if no label is meant, leave the cell '
        "empty; if a class is, declare the task's labels"
    )
    notes.rows("labels_that_may_mean_none", rows, labels.isin(words), "label", rest)


def _note_alike(labels: pd.Series, rows: pd.DataFrame, task: str, notes: Notes) -> None:
    counts = labels.value_counts()
    groups = [list(group) for _, group in counts.index.to_series().groupby(_key, sort=False) if len(group) > 1]
    if groups:
        rarer = [label for group in groups for label in group[1:]]
        words = "; ".join(listed(group) for group in groups[:5])
        rest = (
            f'of task "{task}" came in classes that differ only in case, spaces, "-" or "_": {words}; they stay '
            "apart, so write them alike if they are one"
        )
        notes.rows("classes_alike", rows, labels.isin(rarer), "label", rest)


def _key(label: str) -> str:
    """What is equal for labels that a person may have meant as one."""
    return re.sub(r"(?<=[^\W_])[\s_\-\u200c\u200d]+(?=[^\W_])", "", label.casefold())


def note_gold(frame: pd.DataFrame, tasks: Sequence[Task], notes: Notes) -> None:
    """Note the gold labels, and the gold rows, that nothing can be measured on."""
    gold = frame["split"].eq(Split.GOLD)
    for task in tasks:
        label = frame[f"{task.name}_given"]
        strange = gold & label.notna() & ~label.isin(task.labels)
        rest = (
            f'of task "{task.name}" came as none of its classes and counts as a miss: {listed(label[strange].unique())}'
        )
        notes.rows("gold_labels_of_no_class", frame, strange, "gold label", rest)
    bare = gold & frame[[f"{task.name}_given" for task in tasks]].isna().all(axis=1)
    if not bare[gold].all():
        notes.rows("gold_rows_without_a_label", frame, bare, "gold row", "came without a label: not measured on")


def note_definitions(definitions: Mapping[str, str], tasks: Sequence[Task], notes: Notes) -> None:
    """Note the sentences of `[data.definitions]` that are of no class, which nobody would ever read."""
    classes = {label for task in tasks for label in task.labels}
    strange = [label for label in definitions if label not in classes]
    if strange:
        rest = f"of [data.definitions] {'is' if len(strange) == 1 else 'are'} of no class: {listed(strange)}"
        message = f"{many(len(strange), 'sentence')} {rest}; {did_you_mean(strange[0], classes)}"
        notes.add("definitions_of_no_class", len(strange), message, "tilth.toml")


def note_parents(counts: pd.DataFrame, rows: pd.DataFrame, task: str, parent: str, notes: Notes) -> None:
    """Note the labels that stand under several of the parent's, those whose rows are most divided first.

    Args:
        counts: `label`, `parent` and `rows`, the parent with most rows first.
        rows: the rows but gold.
        task: the labels' task.
        parent: its parent.
        notes: where it is noted.
    """
    minor = counts[counts["label"].duplicated()]
    divided = minor.groupby("label")["rows"].sum().sort_values(ascending=False, kind="stable")
    groups = dict(list(counts.groupby("label")[["parent", "rows"]]))
    named = [
        f'"{label}" (' + ", ".join(f"{name} {number}" for name, number in groups[label].to_numpy()) + ")"
        for label in divided.index[:5]
    ]
    more = f" and {len(divided) - 5} more" if len(divided) > 5 else ""
    pairs = set(zip(minor["label"], minor["parent"], strict=True))
    taken = [pair in pairs for pair in zip(rows[f"{task}_given"], rows[f"{parent}_given"], strict=True)]
    rest = (
        f'of task "{task}" came under another label of "{parent}" than most of their kind: {", ".join(named)}{more} '
        "(rows); each row keeps the two that it came with"
    )
    notes.rows("labels_under_several_parents", rows, taken, "label", rest)
