"""Every row that a night touched, with the facts that its story needs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tilth.reports.columns import column
from tilth.reports.page.files import RunFiles
from tilth.reports.page.rows.verdicts import VERDICTS, verdict_masks
from tilth.samples import Action, Source, Status, Task

LONGEST_TEXT = 2_000
"""Characters of a text that the page holds; the table of the night has all of it."""
_LONGEST_VALUE = 80
_MOST_COLUMNS = 6
_TASK_TEXTS = {"g": "{}_given", "n": "{}", "s": "{}_suggested", "w": "{}_weak", "p": "{}_predicted", "a": "{}_answer"}
_TASK_WORDS = {"o": "{}_origin", "r": "{}_reason", "d": "{}_action"}
_TASK_NUMBERS = {
    "gc": "{}_given_confidence",
    "nc": "{}_confidence",
    "sc": "{}_suggested_confidence",
    "wc": "{}_weak_confidence",
    "pc": "{}_predicted_confidence",
}
_NUMBERS = {
    "wt": "weight",
    "sim": "similarity",
    "nov": "novelty",
    "agr": "label_agreement",
    "rank": "acquisition_rank",
}


@dataclass(frozen=True)
class TouchedRows:
    """The touched rows, those that matter most first.

    Attributes:
        positions: their places in the table.
        masks: which verdicts hold for each of them, shape (touched rows, verdicts).
    """

    positions: np.ndarray
    masks: np.ndarray

    @property
    def counts(self) -> dict[str, int]:
        """Rows by verdict; a row with several counts for each."""
        return {verdict.key: int(count) for verdict, count in zip(VERDICTS, self.masks.sum(axis=0), strict=True)}

    def of(self, *keys: str) -> int:
        """How many rows have at least one of these verdicts."""
        return int(self._having(keys).sum())

    def first(self, run: RunFiles, *keys: str) -> str:
        """The id of the first row that has one of these verdicts; empty where none has."""
        rows = self.positions[self._having(keys)]
        return str(run.frame["id"].iloc[rows[0]]) if len(rows) else ""

    def _having(self, keys: Sequence[str]) -> np.ndarray:
        places = [place for place, verdict in enumerate(VERDICTS) if verdict.key in keys]
        return np.asarray(self.masks[:, places].any(axis=1))


def touched_rows(run: RunFiles) -> TouchedRows:
    """Which rows a night touched, in order: the gravest verdict, then the least sure of what is asked about."""
    frame, tasks = run.frame, [task.name for task in run.tasks]
    masks = verdict_masks(frame, tasks)
    touched = np.flatnonzero(masks.any(axis=1))
    if not len(touched):
        return TouchedRows(touched, masks[touched])
    gravest = masks[touched].argmax(axis=1)
    within = _urgency(frame, tasks)[touched]
    order = np.lexsort((touched, within, gravest))
    return TouchedRows(touched[order], masks[touched][order])


def _urgency(frame: pd.DataFrame, tasks: Sequence[str]) -> np.ndarray:
    """Small first: the chance that the given label is right, the place in the queue, how sure a new label is."""
    rank = pd.to_numeric(column(frame, "acquisition_rank"), errors="coerce").to_numpy(dtype=float)
    urgency = np.where(np.isnan(rank), np.inf, rank)
    for task in tasks:
        given = pd.to_numeric(column(frame, f"{task}_given_confidence"), errors="coerce").to_numpy(dtype=float)
        now = pd.to_numeric(column(frame, f"{task}_confidence"), errors="coerce").to_numpy(dtype=float)
        urgency = np.fmin(urgency, np.where(np.isnan(given), now, given))
    return np.where(np.isnan(urgency), np.inf, urgency)


def row_facts(run: RunFiles, touched: TouchedRows) -> list[dict[str, Any]]:
    """One record a touched row, in short keys, for there may be 100,000 of them.

    `i` id, `t` text, `x` characters left out, `v` verdicts as bits, `r` the text's reason, `k` for each task its facts
    (labels as places among the task's, see `_TASK_TEXTS` and `_TASK_NUMBERS`), `u` parent, `c` the row that it
    repeats, `m` columns of the input, `ask` why a person is asked, `f` votes as pairs of a function's place and a
    label's, `z` checks that found something; nothing stands there for what is not known.
    """
    frame = run.frame.iloc[touched.positions]
    bits = (touched.masks.astype(np.int64) << np.arange(len(VERDICTS))).sum(axis=1)
    facts: list[dict[str, Any]] = []
    for identity, text, bit in zip(frame["id"], frame["text"].fillna("").astype(str), bits.tolist(), strict=True):
        fact: dict[str, Any] = {"i": str(identity), "t": text[:LONGEST_TEXT], "v": bit}
        if len(text) > LONGEST_TEXT:
            fact["x"] = len(text) - LONGEST_TEXT
        facts.append(fact)
    for key, name in (("r", "reason"), ("u", "parent_id"), ("c", "duplicate_of")):
        _put(facts, key, column(frame, name))
    _put(facts, "st", frame["status"].where(frame["status"].ne(Status.ACTIVE)))
    for key, name in _NUMBERS.items():
        _put_numbers(facts, key, column(frame, name))
    for task in run.tasks:
        _put_task(facts, task, frame)
    _put_meta(facts, frame)
    _put_checks(facts, frame, [task.name for task in run.tasks])
    _put_votes(facts, run, touched.positions)
    for fact in facts:
        if why := run.asked.get(fact["i"]):
            fact["ask"] = why
    return facts


def _put(facts: list[dict[str, Any]], key: str, column_of: pd.Series) -> None:
    known, values = column_of.notna().to_numpy(), column_of.to_numpy(dtype=object)
    for place in np.flatnonzero(known):
        facts[place][key] = str(values[place])


def _put_numbers(facts: list[dict[str, Any]], key: str, values: pd.Series) -> None:
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
    for place in np.flatnonzero(np.isfinite(numbers)):
        number = round(float(numbers[place]), 3)
        facts[place][key] = int(number) if number.is_integer() else number


def _put_task(facts: list[dict[str, Any]], task: Task, frame: pd.DataFrame) -> None:
    own: list[dict[str, Any]] = [{} for _ in facts]
    for key, pattern in _TASK_TEXTS.items():
        named = column(frame, pattern.format(task.name))
        codes, labels = task.codes(named), named.to_numpy(dtype=object)
        for place in np.flatnonzero(named.notna().to_numpy()):
            # A label that is none of the task's classes stands there as it came.
            own[place][key] = int(codes[place]) if codes[place] >= 0 else str(labels[place])[:_LONGEST_VALUE]
    for key, pattern in _TASK_WORDS.items():
        values = column(frame, pattern.format(task.name))
        _put(own, key, values.where(values.ne(Action.KEEP)))
    for key, pattern in _TASK_NUMBERS.items():
        _put_numbers(own, key, column(frame, pattern.format(task.name)))
    for fact, own_fact in zip(facts, own, strict=True):
        fact.setdefault("k", []).append(own_fact)


def _put_meta(facts: list[dict[str, Any]], frame: pd.DataFrame) -> None:
    names = [name for name in frame.columns if str(name).startswith("meta.")][:_MOST_COLUMNS]
    for name in names:
        values = frame[name].to_numpy(dtype=object)
        for place in np.flatnonzero(frame[name].notna()):
            facts[place].setdefault("m", {})[name.removeprefix("meta.")[:40]] = _in_text(values[place])


def _in_text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text[:_LONGEST_VALUE]


def _put_checks(facts: list[dict[str, Any]], frame: pd.DataFrame, tasks: Sequence[str]) -> None:
    of_tasks = {f"is_{task}_issue" for task in tasks}
    for name in frame.columns:
        if str(name).startswith("is_") and str(name).endswith("_issue") and name not in of_tasks:
            check = str(name).removeprefix("is_").removesuffix("_issue")
            scores = pd.to_numeric(column(frame, f"{check}_score"), errors="coerce").to_numpy(dtype=float)
            for place in np.flatnonzero(frame[name].eq(True).to_numpy()):
                facts[place].setdefault("z", {})[check] = round(float(np.nan_to_num(scores[place])), 3)


def _put_votes(facts: list[dict[str, Any]], run: RunFiles, positions: np.ndarray) -> None:
    if run.votes is None:
        return
    places = np.flatnonzero(positions < len(run.votes))
    matrix = run.votes.to_numpy()[positions[places]]
    for row, function in np.argwhere(matrix >= 0):
        facts[places[row]].setdefault("f", []).append([int(function), int(matrix[row, function])])


def vocabulary(run: RunFiles) -> Mapping[str, Any]:
    """What the short keys and places of `row_facts` stand for, as the page's script needs it."""
    names = list(run.votes.columns) if run.votes is not None else []
    places = {task.name: place for place, task in enumerate(run.tasks)}
    functions = []
    for name in names:
        task = next((task for task in places if str(name).startswith(f"{task}.")), "")
        functions.append([places.get(task, 0), str(name).removeprefix(f"{task}.")])
    return {
        "tasks": [{"name": task.name, "labels": list(task.labels)} for task in run.tasks],
        "functions": functions,
        "verdicts": [[v.key, v.label, v.stage, v.meaning] for v in VERDICTS],
        "paraphrase": Source.PARAPHRASE.value,
    }
