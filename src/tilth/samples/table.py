"""The table of samples in memory: conversion, checking, and the one way to escalate a row's status."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from datasets import Dataset
from datasets.fingerprint import generate_random_fingerprint

from tilth.errors import ContractError
from tilth.samples import columns
from tilth.samples.enums import Reason, Source, Split, Status

REQUIRED = ("id", "text", "split", "source", "parent_id", "status", "reason")
_SEVERITY = {status.value: rank for rank, status in enumerate(Status)}


@dataclass(frozen=True, kw_only=True)
class Task:
    """One thing to classify, as it stands after the input was read.

    Attributes:
        name: the task's name, and the name of its label column.
        labels: its classes, in the order that every probability matrix uses.
        parent: the task that this one refines, if any.
        parent_of: for each label of this task, the parent's label that it belongs to, or most often does.
        parents_of: for each label that stands under several of the parent's, those, the most common first.
        fixed: whether the config names the labels, so that a place in their order means something to a person.
        former: names that classes had before → what they are called now; None where a class was split.
        places: where classes changed, the code of each that the config names, in its order; -1 where it was split.
    """

    name: str
    labels: tuple[str, ...]
    parent: str | None = None
    parent_of: Mapping[str, str] = field(default_factory=dict)
    parents_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fixed: bool = False
    former: Mapping[str, str | None] = field(default_factory=dict)
    places: tuple[int, ...] = ()

    def __repr__(self) -> str:
        under = f" under {self.parent}" if self.parent else ""
        shown = ", ".join(self.labels[:3]) + (", …" if len(self.labels) > 3 else "")
        return f"<Task {self.name}{under}: {len(self.labels)} labels: {shown}>"

    def parents(self, label: object) -> tuple[str, ...]:
        """The parent's labels that a label may stand under, the most common first; none where none is known.

        >>> Task(name="task", labels=("a", "b"), parent="top", parent_of={"a": "x"}).parents("a")
        ('x',)
        """
        if label in self.parents_of:
            return self.parents_of[str(label)]
        return (self.parent_of[str(label)],) if label in self.parent_of else ()

    def codes(self, labels: Iterable[object]) -> np.ndarray:
        """Labels by their place among the task's, int64, shape (labels,); -1 for what is none of them.

        >>> Task(name="task", labels=("no", "yes")).codes(["yes", None, "no"]).tolist()
        [1, -1, 0]
        """
        places: dict[object, int] = {label: code for code, label in enumerate(self.labels)}
        return np.array([places.get(label, -1) for label in labels], dtype=np.int64)

    def decoded(self, codes: np.ndarray) -> np.ndarray:
        """The labels of codes, as objects in an array of their shape; None for -1: the reverse of `codes`.

        >>> Task(name="task", labels=("no", "yes")).decoded(np.array([1, -1, 0])).tolist()
        ['yes', None, 'no']
        """
        return np.array([*self.labels, None], dtype=object)[codes]

    def to_json(self) -> dict[str, Any]:
        """As it is written to `run.json`; `parents_of` only where a label stands under several."""
        several = {label: list(parents) for label, parents in self.parents_of.items()}
        return {
            "name": self.name,
            "labels": list(self.labels),
            "parent": self.parent,
            "parent_of": dict(self.parent_of),
            **({"parents_of": several} if several else {}),
            "fixed": self.fixed,
            **({"former": dict(self.former), "places": list(self.places)} if self.former else {}),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Task:
        """The reverse of `to_json`."""
        several = {label: tuple(parents) for label, parents in value.get("parents_of", {}).items()}
        plain = {**value, "labels": tuple(value["labels"]), "places": tuple(value.get("places", ()))}
        return cls(**{**plain, "parents_of": several})


def names(tasks: Sequence[Task]) -> tuple[str, ...]:
    """The tasks' names, in order."""
    return tuple(task.name for task in tasks)


def to_pandas(samples: Dataset) -> pd.DataFrame:
    """A fresh frame with the table's rows in order, indexed from 0; changing it leaves the table as it is."""
    return samples.data.table.to_pandas(ignore_metadata=True)


def label_array(labels: pd.Series) -> np.ndarray:
    """Labels, or other values, as an array of objects, None where there is none, shape (rows,)."""
    return labels.astype(object).where(labels.notna(), None).to_numpy(dtype=object)


def as_dataset(rows: pa.Table) -> Dataset:
    """A table in memory; unlike `Dataset(rows)`, no fingerprint of all its values is computed, which nothing uses."""
    return Dataset(rows, fingerprint=generate_random_fingerprint())


def from_pandas(frame: pd.DataFrame, tasks: Sequence[Task]) -> Dataset:
    """A table with the declared types, columns in declared order and kept input columns last.

    Raises:
        ContractError: if a column is not declared or holds values of another type.
    """
    arrays: dict[str, pa.Array] = {}
    for name in sorted(frame.columns, key=lambda name: _position(name, tasks)):
        declared = columns.find(name, names(tasks)).type
        try:
            arrays[name] = pa.array(frame[name], type=declared, from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as error:
            if declared is not None:
                raise ContractError(f'column "{name}" should hold {declared}: {error}') from error
            arrays[name] = _as_text(frame[name])
        if declared is None and "struct<" in str(arrays[name].type):  # which keys a row lacks would be forgotten
            arrays[name] = _as_text(frame[name])
        if pa.types.is_large_string(arrays[name].type):  # as pandas has it, so that a column never changes its type
            arrays[name] = arrays[name].cast(pa.string())
    return as_dataset(pa.table(arrays))


def _as_text(values: pd.Series) -> pa.Array:
    """A kept column of the input whose values are records, of several kinds, or too large: text as it is, else JSON."""

    def written(value: Any) -> str:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)

    texts = [written(value) if there else None for value, there in zip(values, values.notna(), strict=True)]
    return pa.array(texts, type=pa.string())


def _position(name: str, tasks: Sequence[Task]) -> tuple[int, str]:
    return columns.COLUMNS.index(columns.find(name, names(tasks))), name


def validate(samples: Dataset, tasks: Sequence[Task]) -> None:
    """Check that a table is whole: columns declared, types right, ids unique, words from their lists.

    Raises:
        ContractError: naming the first thing that is wrong.
    """
    present = samples.column_names
    if missing := [name for name in REQUIRED if name not in present]:
        raise ContractError(f"the table lacks {missing}; it has {present}")
    for name in present:
        declared, actual = columns.find(name, names(tasks)).type, samples.data.table.schema.field(name).type
        if declared is not None and actual != declared:
            raise ContractError(f'column "{name}" should hold {declared}, found {actual}')
    frame = samples.data.table.select(list(REQUIRED)).to_pandas()
    if (repeated := frame["id"][frame["id"].duplicated()].unique()).size:
        raise ContractError(f"ids should be unique; repeated: {list(repeated[:5])}")
    if frame["id"].isna().any() or frame["text"].isna().any():
        raise ContractError("every row needs an id and a text")
    for name, words in (("split", Split), ("source", Source), ("status", Status), ("reason", Reason)):
        if unknown := set(frame[name].dropna()) - {word.value for word in words}:
            raise ContractError(f'column "{name}" holds {sorted(unknown)[:5]}, expected words of {words.__name__}')


def escalate_status(frame: pd.DataFrame, rows: np.ndarray, status: Status, reason: Reason) -> None:
    """Set the status of the rows in a boolean mask, where that is stricter than what they have.

    The only place that writes `status` and `reason`; the first reason for a severity stays. Gold rows are
    never touched, for a verdict on them would change what the night is measured by. Works in place on a
    frame that the caller owns.
    """
    looser = frame["status"].map(_SEVERITY) < _SEVERITY[status.value]
    chosen = np.asarray(rows, dtype=bool) & looser.to_numpy() & (frame["split"] != Split.GOLD).to_numpy()
    frame.loc[chosen, "status"] = status.value
    frame.loc[chosen, "reason"] = reason.value


def severity(status: pd.Series) -> pd.Series:
    """Statuses as integers: 0 active, 1 review, 2 quarantined."""
    return status.map(_SEVERITY)


def changed_columns(before: Dataset, after: Dataset) -> Iterable[str]:
    """Columns that `after` adds, drops, or holds other values in for the rows of `before`."""
    old, new = before.data.table, after.data.table.slice(0, before.num_rows)
    for name in dict.fromkeys([*old.column_names, *new.column_names]):
        both = name in old.column_names and name in new.column_names
        if not both or not old.column(name).equals(new.column(name)):
            yield name
