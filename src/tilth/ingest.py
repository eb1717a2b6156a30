"""From files to the table: read, check, split; a wrong request raises before anything is written."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from datasets import Dataset

from tilth import annotators
from tilth import samples as table
from tilth.annotators import column_of
from tilth.config import Settings, TaskConfig
from tilth.errors import InputError, did_you_mean
from tilth.reading import count, read_rows
from tilth.samples import Source, Split, Status, Task
from tilth.store import digest
from tilth.text import clean, unit_interval

log = logging.getLogger(__name__)

SLIP = 0.05
"""Share of a label's rows below which a second parent is taken for a slip of whoever labeled: those rows keep their
labels, and nothing else goes by them."""

_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Ingested:
    """The table as it stands before the first stage.

    Attributes:
        samples: the checked table.
        tasks: what is classified, parents before children.
        inputs: path, sha256 and rows of each file, for `run.json`.
        notes: what was set aside or put right on the way, as counts.
    """

    samples: Dataset
    tasks: tuple[Task, ...]
    inputs: list[dict[str, Any]]
    notes: dict[str, int] = field(default_factory=dict)


def ingest(settings: Settings, root: Path) -> Ingested:
    """Read the input and the gold rows that the settings name.

    Raises:
        InputError: a missing or unreadable file, a missing column, repeated ids, no usable row.
    """
    if not settings.data.input:
        raise InputError("no input: give --input FILE, or data.input in tilth.toml")
    if not settings.tasks:
        raise InputError("no task: give --label COLUMN, or [[tasks]] in tilth.toml")
    notes: dict[str, int] = {}
    inputs: list[dict[str, Any]] = []
    parts = [_read_as(name, Split.TRAIN, settings, root, inputs, notes) for name in settings.data.input]
    votes = annotators.read(settings, root, inputs, notes)
    _require_labels(parts, settings, inputs, set(votes["task"]))
    if settings.data.gold is not None:
        parts.append(_read_as(settings.data.gold, Split.GOLD, settings, root, inputs, notes))
    frame = pd.concat(parts, ignore_index=True)
    frame["id"] = _ids(frame)
    annotators.apply(frame, votes, settings.tasks, notes)
    _lock_gold(frame, settings)
    tasks = _tasks(frame, settings.tasks, notes)
    for task in tasks:
        told = frame.loc[frame["split"].eq(Split.GOLD), f"{task.name}_given"].dropna()
        count(notes, "gold_labels_of_no_class", int((~told.isin(task.labels)).sum()))
    frame = frame.drop(columns="_labels_found")
    given = [f"{task.name}_given" for task in tasks]
    unlabeled = frame[given].isna().all(axis=1) & frame["split"].ne(Split.GOLD)
    frame.loc[unlabeled, "split"] = Split.UNLABELED.value
    if not (frame["text"].ne("") & frame["split"].ne(Split.GOLD)).any():
        raise InputError(f"no usable row: all {len(frame)} texts are empty; is data.text the right column?")
    samples = table.from_pandas(table.resolve(frame, tasks), tasks)
    table.validate(samples, tasks)
    return Ingested(samples=samples, tasks=tasks, inputs=inputs, notes=notes)


def _read_as(
    name: str, split: Split, settings: Settings, root: Path, inputs: list[dict[str, Any]], notes: dict[str, int]
) -> pd.DataFrame:
    raw, sha = read_rows(name, root, notes)
    inputs.append({"path": name, "sha256": sha, "rows": len(raw), "split": split.value})
    if raw.empty:
        raise InputError(f"{name}: no rows; expected a header and at least one row below it")
    text = settings.data.text
    if text not in raw:
        raise InputError(
            f'{name}: no column "{text}" for the text; found {list(raw.columns)}: {did_you_mean(text, raw.columns)} '
            "(--text COLUMN, or data.text)"
        )
    cleaned = raw[text].fillna("").astype(str).map(clean)
    count(notes, "control_characters_removed", int(raw[text].fillna("").astype(str).str.contains("\x00").sum()))
    labels = {column_of(task): task.name for task in settings.tasks}
    kept = [column for column in raw.columns if column not in {text, settings.data.id, *labels}]
    out = pd.DataFrame({f"meta.{column}": _inferred(raw[column]) for column in kept})
    out["id"] = raw[settings.data.id].astype("string").str.strip() if settings.data.id in raw else pd.NA
    out["text"], out["split"], out["source"] = cleaned, split.value, Source.INPUT.value
    out["parent_id"], out["status"], out["reason"] = None, Status.ACTIVE.value, None
    for column, task in labels.items():
        found = raw[column] if column in raw else pd.Series(pd.NA, index=raw.index)
        if (several := found[found.map(lambda value: isinstance(value, (list, dict, np.ndarray)))]).size:
            raise InputError(
                f'{name}: column "{column}" holds {several.iloc[0]!r}; expected one label a row (make a task of each, '
                "where a row has several)"
            )
        stripped = found.astype("string").str.strip()
        out[f"{task}_given"] = stripped.where(stripped.ne("")).astype(object).where(lambda value: value.notna(), None)
    out["_labels_found"] = ",".join(column for column in labels if column in raw)
    return out


def _inferred(column: pd.Series) -> pd.Series:
    """A kept column in the narrowest type that holds its values, which it then keeps from stage to stage."""
    loose = column.dtype == object or isinstance(column.dtype, pd.CategoricalDtype)
    return pd.Series(list(column), index=column.index) if loose else column


def _require_labels(
    parts: list[pd.DataFrame], settings: Settings, inputs: Sequence[dict[str, Any]], annotated: set[str]
) -> None:
    found = {name for part in parts for name in str(part["_labels_found"].iloc[0]).split(",")}
    for task in settings.tasks:
        column = column_of(task)
        if column not in found and task.name not in annotated and not task.labels:
            columns = sorted(name.removeprefix("meta.") for part in parts for name in part.columns if "meta." in name)
            raise InputError(
                f'{inputs[0]["path"]}: no column "{column}" for task "{task.name}"; found '
                f"{[settings.data.text, *columns]}: {did_you_mean(column, columns)} (--label COLUMN, or labels = [...])"
            )


def _ids(frame: pd.DataFrame) -> pd.Series:
    own = frame["id"].where(frame["id"].ne("")).astype(object)
    repeated = own[own.notna() & own.duplicated(keep=False)].unique()
    if len(repeated):
        shown = ", ".join(map(str, repeated[:5]))
        raise InputError(
            f"{len(repeated)} ids are repeated, for example {shown}; ids must be unique over input and gold"
        )
    prefix = frame["split"].eq(Split.GOLD).map({True: "gold-", False: ""})
    made = prefix + frame["text"].map(digest).str.slice(0, 16)
    made = made + "-" + (made.groupby(made).cumcount() + 1).astype(str)
    return own.where(own.notna(), made).astype(str)


def _tasks(frame: pd.DataFrame, configured: Sequence[TaskConfig], notes: dict[str, int]) -> tuple[Task, ...]:
    learned = frame[frame["split"].ne(Split.GOLD)]
    tasks: list[Task] = []
    for config in configured:
        if table.reserved(config.name, [other.name for other in configured]):
            raise InputError(f'task "{config.name}" has the name of a column of the table; rename it in [[tasks]]')
        given = learned[f"{config.name}_given"].dropna()
        labels = config.labels or tuple(sorted(given.unique()))
        if not labels:
            raise InputError(f'task "{config.name}": no row has a label, so declare its classes: labels = ["…", "…"]')
        found = _parents(learned, config, {task.name: task.labels for task in tasks}, notes)
        tasks.append(
            Task(
                name=config.name,
                labels=labels,
                parent=config.parent,
                parent_of={label: parents[0] for label, parents in found.items()},
                parents_of={label: parents for label, parents in found.items() if len(parents) > 1},
                fixed=bool(config.labels),
            )
        )
    return tuple(tasks)


def _parents(
    frame: pd.DataFrame, config: TaskConfig, labels: Mapping[str, Sequence[str]], notes: dict[str, int]
) -> dict[str, tuple[str, ...]]:
    """The parents that each label stands under, the most common first, by the rows that hold both.

    Only parents among their task's labels count, and of a label's several not what is rare enough to be a slip.
    """
    if config.parent is None:
        return {}
    known = frame[f"{config.parent}_given"].isin(labels[config.parent])
    both = frame.loc[known, [f"{config.name}_given", f"{config.parent}_given"]].dropna()
    counts = both.value_counts(sort=False).sort_index(ascending=[True, False]).rename("rows").reset_index()
    counts.columns = pd.Index(["label", "parent", "rows"])
    counts = counts.sort_values("rows", ascending=False, kind="stable")
    _tell_several(counts, config, notes)
    whole = counts.groupby("label")["rows"].transform("sum")
    found: dict[str, tuple[str, ...]] = {}
    for label, parent in counts.loc[counts["rows"] >= SLIP * whole, ["label", "parent"]].itertuples(index=False):
        found[label] = (*found.get(label, ()), parent)
    return found


def _tell_several(counts: pd.DataFrame, config: TaskConfig, notes: dict[str, int]) -> None:
    """Name the labels that stand under several parents, those whose rows are most divided first."""
    several = counts[counts["label"].duplicated(keep=False)]
    if several.empty:
        return
    minor = several[several["label"].duplicated()].groupby("label")["rows"].sum()
    named = [
        f'"{label}" (' + ", ".join(f"{parent} {rows}" for parent, rows in group.to_numpy()) + ")"
        for label, group in several.groupby("label")[["parent", "rows"]]
        if label in set(minor.nlargest(_SHOWN).index)
    ]
    more = f" and {len(minor) - _SHOWN} more" if len(minor) > _SHOWN else ""
    log.warning(
        "labels of %s under several labels of %s (rows): %s%s; each row keeps the two that it came with",
        config.name,
        config.parent,
        ", ".join(named),
        more,
    )
    count(notes, "labels_under_several_parents", len(minor))


def _lock_gold(frame: pd.DataFrame, settings: Settings) -> None:
    """Without a gold file, lock a share of the last task's labeled rows away, by a hash of the id."""
    data = settings.data
    if data.gold is not None or data.gold_fraction == 0:
        return
    labels = frame[f"{settings.tasks[-1].name}_given"]
    place = frame["id"].map(lambda row_id: unit_interval(f"gold:{row_id}"))
    # Each row by itself, so that none changes sides as its class grows; but a class of few keeps one to learn from.
    taken = labels.notna() & (place < data.gold_fraction) & (place < place.groupby(labels).transform("max"))
    frame.loc[taken, "split"] = Split.GOLD.value
