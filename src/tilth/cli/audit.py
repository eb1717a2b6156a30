"""`tilth audit`: what is wrong with one labeled file, on one page and in one table, without a workspace."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import cyclopts

from tilth import progress as events
from tilth.cli import options, progress, terminal
from tilth.cli.terminal import say
from tilth.errors import RequestError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from tilth.io import ColumnGuess, Ingested
    from tilth.night import Request

MOST = 100_000
"""Rows that are audited without a question: encoding them takes some ten minutes on two cores."""
READING, CHECKING, WRITING = "reading the file", "looking for what is wrong", "writing"
_WORDS = {
    "empty": "rows without a text",
    "junk": "texts without a message",
    "too_long": "texts that are far too long",
    "encoding": "garbled texts",
    "language": "texts in another language",
    "outlier": "texts unlike all others",
    "exact_duplicate": "copies",
    "gold_leak": "rows that stand in gold too",
    "near_duplicate": "near copies",
    "boilerplate": "texts that are mostly a footer",
}


@dataclass(frozen=True)
class _Files:
    """Where the results go."""

    page: Path
    table: Path


def audit(
    file: Annotated[str, options.Rows],
    /,
    *,
    text: str | None = None,
    label: str | None = None,
    gold: Annotated[str | None, options.Rows] = None,
    out: Path = Path(),
    rows: Annotated[int | None, cyclopts.Parameter(metavar="N")] = None,
    sets: Annotated[tuple[str, ...], cyclopts.Parameter(name="set", metavar="KEY=VALUE")] = (),
    as_json: options.Json = False,
) -> int:
    """Find wrong labels, contradictions, copies, junk and leaks in one labeled file.

    No workspace is needed, and nothing is changed: a page and a table are written here, which hold what was found.

    For example:

        tilth audit tickets.csv
        tilth audit tickets.csv --text body --label area,area/intent
        tilth audit train.jsonl --gold test.jsonl --out audits
        tilth audit big.parquet --rows 20000

    Args:
        file: CSV, JSONL, Parquet, - for standard input, or hf:owner/name:split
        text: the text's column (default: guessed, and said)
        label: label columns: intent, or domain,domain/intent for intent under domain (default: guessed, and said)
        gold: a test file, to find the rows that stand in it too
        out: the folder for the page and the table (default: here)
        rows: audit a sample of so many rows, drawn by a hash of their ids
        sets: a key of tilth.toml, for this time; may be repeated
        as_json: print the counts and the classes as JSON, and nothing else, on standard output
    """
    started = time.monotonic()
    if rows is not None and rows < 2:
        raise RequestError(f"--rows {rows}: expected a number of rows, two or more, for example --rows 20000")
    files = _files(file, out)
    terminal.quiet()
    with progress.steps(lines=not as_json) as steps:
        steps.plan([READING, CHECKING, WRITING])
        steps.begin(READING)
        request, ingested, guess = _read(file, text, label, gold, rows, sets)
        for remark in guess.remarks:
            steps.line(f"{_name(file)}: {remark}")
        for note in ingested.notes:
            steps.warn(f"tilth: {note}")
        result = _look(request, ingested, guess, rows, steps)
        steps.begin(WRITING)
        summary = {**result.summary, "file": _name(file), "seconds": round(time.monotonic() - started, 1)}
        result.write(files, summary)
    if as_json:
        record = {**summary, "page": str(files.page), "table": str(files.table)}
        say(json.dumps(record, indent=2, ensure_ascii=False))
    else:
        _print_summary(summary, files)
    return 0


def _files(file: str, out: Path) -> _Files:
    """The files that will be written; what stands there and is none of an audit's is never written over."""
    from tilth.reports import audit as report

    if out.is_file():
        raise RequestError(f"--out {out} is a file; give a folder, which is made where there is none")
    stem = Path(_name(file).removesuffix(".gz")).stem or "rows"
    files = _Files(page=out / f"{stem}-audit.html", table=out / f"{stem}-audit.csv")
    report.refuse_others(files.page, files.table)
    return files


def _name(file: str) -> str:
    """A file as its results are named after it."""
    return (
        "rows"
        if file == "-"
        else file.replace("/", "-").replace(":", "-")
        if file.startswith("hf:")
        else Path(file).name
    )


def _read(
    file: str, text: str | None, label: str | None, gold: str | None, rows: int | None, sets: tuple[str, ...]
) -> tuple[Request, Ingested, ColumnGuess]:
    """The rows, once, and what their columns are."""
    from tilth import night, store
    from tilth.config_loading import parse_override, parse_tasks
    from tilth.io import guess_columns, ingest, read_rows
    from tilth.notes import Notes

    notes = Notes()
    named = [task["column"] for task in parse_tasks(label)] if label else []
    frame, _ = read_rows(file, Path.cwd(), notes, [column for column in (text, *named) if column])
    _refuse_many(len(frame), rows)
    guess = guess_columns(frame, _name(file), text, label, named)
    here = {
        "data.input": [file],
        "data.gold": None
        if gold is None
        else str(gold if gold == "-" or gold.startswith("hf:") else Path(gold).resolve()),
        "data.annotations": None,
        "data.gold_fraction": 0.0,
        "cleaning.when": "always",  # it is all that is asked for: whether a model gains by it is no question here
        "data.text": guess.text,
        "tasks": parse_tasks(guess.label),
    }
    request = night.Request(
        workspace=store.locate(anywhere=True),
        overrides={**dict(parse_override(one) for one in sets), **here},
        stages=("cleaning",),
    )
    ingested = ingest(request.settings, Path.cwd(), {file: frame})
    return request, replace(ingested, notes=[*notes.found, *ingested.notes]), guess


@dataclass(frozen=True)
class _Found:
    """What an audit found, and how it is written."""

    rows: Any
    findings: pd.DataFrame
    summary: dict[str, Any]

    def write(self, files: _Files, summary: Mapping[str, Any]) -> None:
        from tilth.reports import audit as report

        report.write(files.page, files.table, self.rows, self.findings, summary)


def _look(request: Request, ingested: Ingested, guess: ColumnGuess, most: int | None, steps: progress.Steps) -> _Found:
    """Clean the rows, and say meanwhile what was found so far."""
    from tilth import night
    from tilth.reports import audit as report

    whole = ingested.samples.num_rows
    part, places = _part(ingested, most)

    def say_found(what: str, count: int) -> None:
        task = what.removesuffix("_issue")
        words = _WORDS.get(what) or ("labels that look wrong" if len(ingested.tasks) == 1 else f"{task}: wrong labels")
        steps.line(f"  found so far: {words}: {count:,}")

    steps.begin(CHECKING)
    with events.listening(steps.count, say_found):
        audited = night.audit(request, part)
    rows = report.rows_of(audited.frame, places + 1, audited.nearest, ingested.tasks, guess.split)
    findings = report.find(rows)
    labels = [f"{task.name}_given" for task in ingested.tasks]
    more = {
        "labels": int(rows.frame[labels].notna().sum().sum()),
        "part": whole if most is not None and part is not ingested else None,
        "leaks_checked": rows.split is not None or request.settings.data.gold is not None,
        "text": guess.text,
        "label": guess.label,
        "remarks": list(guess.remarks),
        "notes": [str(note) for note in ingested.notes],
        "tilth": version("tilth"),
    }
    return _Found(rows, findings, {**report.summarize(rows, findings, audited.entry["metrics"]), **more})


def _part(ingested: Ingested, most: int | None) -> tuple[Ingested, np.ndarray]:
    """The rows to audit, and their positions in the file."""
    import numpy as np

    from tilth import night

    count = ingested.samples.num_rows
    if most is not None and most < count:
        return night.sampled(ingested, most)
    return ingested, np.arange(count)


def _refuse_many(count: int, most: int | None) -> None:
    """See that somebody who has many rows knows how long this may take.

    Raises:
        RequestError: nobody said how many are to be audited.
    """
    if most is None and count > MOST:
        hours = count / 150 / 3600
        raise RequestError(
            f"{count:,} rows: each text is read by a language model, which takes about {hours:.1f} hours on two cores; "
            f"give --rows 20000 for a sample of them, or --rows {count} for all"
        )


def _print_summary(summary: Mapping[str, Any], files: _Files) -> None:
    findings = summary["findings"]
    say(f"{summary['rows']:,} rows with {summary['labels']:,} labels, in {summary['seconds']:.0f} s:")
    for task in summary["tasks"]:
        head = f"{task['task']}: " if len(summary["tasks"]) > 1 else ""
        rather = ", ".join(f"{pair['label']} → {pair['suggested']} ({pair['rows']})" for pair in task["pairs"][:3])
        say(f"  {head}labels that look wrong: {task['wrong']:,}{f', most often {rather}' if rather else ''}")
    say(f"  labels of copies that contradict each other: {findings['conflicting copies']:,}")
    if summary["leaks_checked"]:
        say(f"  rows that leak into the test part: {findings['leak']:,}")
    say(f"  texts that are no use: {findings['junk']:,}; copies: {findings['copy']:,}")
    say(f"page: {files.page}")
    say(f"table: {files.table}")
