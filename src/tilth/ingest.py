"""From files to the table: read, check, split; a wrong request raises before anything is written."""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
from datasets import Dataset, load_dataset

from tilth import samples as table
from tilth.config import DataConfig, Settings, TaskConfig
from tilth.errors import InputError, did_you_mean
from tilth.samples import Source, Split, Status, Task
from tilth.store import digest, sha256_file
from tilth.text import clean, unit_interval

log = logging.getLogger(__name__)
HUB = "hf:"


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
    _require_labels(parts, settings, inputs)
    if settings.data.gold is not None:
        parts.append(_read_as(settings.data.gold, Split.GOLD, settings, root, inputs, notes))
    frame = pd.concat(parts, ignore_index=True)
    frame["id"] = _ids(frame)
    tasks = _tasks(frame, settings.tasks)
    frame = frame.drop(columns="_labels_found")
    _lock_gold(frame, tasks, settings.data)
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
    _count(notes, "control_characters_removed", int(raw[text].fillna("").astype(str).str.contains("\x00").sum()))
    labels = {task.column or task.name: task.name for task in settings.tasks}
    kept = [column for column in raw.columns if column not in {text, settings.data.id, *labels}]
    out = pd.DataFrame({f"meta.{column}": raw[column] for column in kept})
    out["id"] = raw[settings.data.id].astype("string").str.strip() if settings.data.id in raw else pd.NA
    out["text"], out["split"], out["source"] = cleaned, split.value, Source.INPUT.value
    out["parent_id"], out["status"], out["reason"] = None, Status.ACTIVE.value, None
    for column, task in labels.items():
        found = raw[column] if column in raw else pd.Series(pd.NA, index=raw.index)
        stripped = found.astype("string").str.strip()
        out[f"{task}_given"] = stripped.where(stripped.ne("")).astype(object).where(lambda value: value.notna(), None)
    out["_labels_found"] = ",".join(column for column in labels if column in raw)
    return out


def _require_labels(parts: list[pd.DataFrame], settings: Settings, inputs: Sequence[dict[str, Any]]) -> None:
    found = {name for part in parts for name in str(part["_labels_found"].iloc[0]).split(",")}
    for task in settings.tasks:
        column = task.column or task.name
        if column not in found and not task.labels:
            columns = sorted(name.removeprefix("meta.") for part in parts for name in part.columns if "meta." in name)
            raise InputError(
                f'{inputs[0]["path"]}: no column "{column}" for task "{task.name}"; found '
                f"{[settings.data.text, *columns]}: {did_you_mean(column, columns)} (--label COLUMN, or labels = [...])"
            )


def read_rows(name: str, root: Path, notes: dict[str, int] | None = None) -> tuple[pd.DataFrame, str]:
    """The rows of one CSV, JSONL or Parquet file or Hub data set, as they are, and the file's SHA-256.

    Raises:
        InputError: the file is missing, of another kind, not UTF-8, or not what its name says.
    """
    notes = {} if notes is None else notes
    if name.startswith(HUB):
        return _read_hub(name)
    path = root / name
    if not path.is_file():
        near = [file.name for file in path.parent.glob("*")] if path.parent.is_dir() else []
        raise InputError(f"no file {path}; {did_you_mean(path.name, near)}")
    readers = {".csv": _read_csv, ".jsonl": _read_jsonl, ".ndjson": _read_jsonl, ".parquet": _read_parquet}
    if path.suffix.lower() not in readers:
        raise InputError(f'{path}: "{path.suffix}" is no kind that tilth reads; {did_you_mean(path.suffix, readers)}')
    frame = readers[path.suffix.lower()](path, notes)
    frame.columns = [str(column).strip() for column in frame.columns]
    return frame.drop(columns=[column for column in frame.columns if not column]), sha256_file(path)


def _utf8(path: Path) -> bytes:
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise InputError(f"{path}: the file is empty; expected a header and rows")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}: not UTF-8 at line {line} (byte 0x{data[error.start]:02x}); "
            f"convert it first, for example: iconv -f latin1 -t utf-8 {path.name}"
        ) from None
    return data


def _read_csv(path: Path, notes: dict[str, int]) -> pd.DataFrame:
    data = _utf8(path)
    broken: list[int | None] = []

    def skip(row: Any) -> str:
        broken.append(row.number)
        return "skip"

    header = next(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))
    try:
        read = pacsv.read_csv(
            io.BytesIO(data),
            read_options=pacsv.ReadOptions(block_size=max(1 << 20, min(len(data), 1 << 30))),
            parse_options=pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=skip),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: not CSV: {error}") from None
    _count(notes, "unreadable_lines", len(broken))
    return read.to_pandas()


def _read_jsonl(path: Path, notes: dict[str, int]) -> pd.DataFrame:
    rows, broken = [], 0
    for line in _utf8(path).decode("utf-8").splitlines():
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            row = None
        if isinstance(row, dict):
            rows.append(row)
        else:
            broken += 1
    if not rows:
        raise InputError(f"{path}: no line holds a JSON object; expected one object a line")
    _count(notes, "unreadable_lines", broken)
    return pd.DataFrame(rows)


def _read_parquet(path: Path, _notes: dict[str, int]) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: not Parquet: {error}") from None


def _read_hub(name: str) -> tuple[pd.DataFrame, str]:
    repository, _, split = name.removeprefix(HUB).partition(":")
    try:
        found = load_dataset(repository, split=split or "train")
    except Exception as error:  # the Hub's client raises a dozen kinds; each means that the rows are not to be had
        raise InputError(f"{name}: not to be had from the Hub ({type(error).__name__}: {error})") from error
    return found.to_pandas(), str(found._fingerprint)


def _count(notes: dict[str, int], name: str, number: int) -> None:
    if number:
        notes[name] = notes.get(name, 0) + number


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


def _tasks(frame: pd.DataFrame, configured: Sequence[TaskConfig]) -> tuple[Task, ...]:
    learned = frame[frame["split"].ne(Split.GOLD)]
    tasks = []
    for config in configured:
        if table.reserved(config.name):
            raise InputError(f'task "{config.name}" has the name of a column of the table; rename it in [[tasks]]')
        given = learned[f"{config.name}_given"].dropna()
        labels = config.labels or tuple(sorted(given.unique()))
        if not labels:
            raise InputError(f'task "{config.name}": no row has a label, so declare its classes: labels = ["…", "…"]')
        tasks.append(Task(name=config.name, labels=labels, parent=config.parent, parent_of=_parents(learned, config)))
    return tuple(tasks)


def _parents(frame: pd.DataFrame, config: TaskConfig) -> dict[str, str]:
    """Each label's parent, by majority over the rows that hold both."""
    if config.parent is None:
        return {}
    both = frame[[f"{config.name}_given", f"{config.parent}_given"]].dropna()
    counts = both.value_counts(sort=False).sort_index().reset_index(name="rows")
    best = counts.sort_values("rows", kind="stable").groupby(f"{config.name}_given").tail(1)
    return dict(zip(best[f"{config.name}_given"], best[f"{config.parent}_given"], strict=True))


def _lock_gold(frame: pd.DataFrame, tasks: Sequence[Task], data: DataConfig) -> None:
    """Without a gold file, lock a share of each class of the last task away, by a hash of the id."""
    if data.gold is not None or data.gold_fraction == 0:
        return
    labels = frame[f"{tasks[-1].name}_given"]
    order = frame["id"].map(lambda row_id: unit_interval(f"gold:{row_id}"))
    place = order.groupby(labels).rank(method="first")
    size = labels.map(labels.value_counts())
    frame.loc[labels.notna() & (place <= (size * data.gold_fraction).round()), "split"] = Split.GOLD.value
