"""`tilth audit`: what is wrong with one labeled file, on one page and in one table, without a workspace."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import cyclopts

from tilth import progress as events
from tilth.cli import options, terminal
from tilth.cli.rows.audit_request import read_request, result_name, sampled_rows
from tilth.cli.terminal import Steps, say, say_json, show_steps
from tilth.errors import RequestError

if TYPE_CHECKING:
    import pandas as pd

    from tilth.io import ColumnGuess, Ingested
    from tilth.night import Request
    from tilth.reports.audit import Rows

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
    sets: options.Sets = (),
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
        file: CSV, TSV, JSONL, Parquet, Excel, - for standard input, or hf:owner/name:split
        text: the text's column (default: guessed, and said)
        label: label columns: intent, or domain,domain/intent for intent under domain (default: guessed, and said)
        gold: a test file, to find the rows that stand in it too
        out: the folder for the page and the table (default: here)
        rows: audit a sample of so many rows, drawn by a hash of their ids
        as_json: print the counts and the classes as JSON, and nothing else, on standard output
    """
    from tilth.reports import audit as report

    started = time.monotonic()
    if rows is not None and rows < 2:
        raise RequestError(f"--rows {rows}: expected a number of rows, two or more, for example --rows 20000")
    files = _files(file, out)
    terminal.quiet()
    with show_steps(lines=not as_json) as steps:
        steps.plan([READING, CHECKING, WRITING])
        steps.begin(READING)
        request, ingested, guess = read_request(file, text, label, gold, rows, sets)
        for remark in guess.remarks:
            steps.line(f"{result_name(file)}: {remark}")
        for note in ingested.notes:
            steps.warn(f"tilth: {note}")
        audited, findings, found = _look(request, ingested, guess, rows, steps)
        steps.begin(WRITING)
        summary = {**found, "file": result_name(file), "seconds": round(time.monotonic() - started, 1)}
        report.write(files.page, files.table, audited, findings, summary)
    if as_json:
        record = {**summary, "page": str(files.page), "table": str(files.table)}
        say_json(record)
    else:
        _print_summary(summary, files)
    return 0


def _files(file: str, out: Path) -> _Files:
    """The files that will be written; what stands there and is none of an audit's is never written over."""
    from tilth.reports import audit as report

    if out.is_file():
        raise RequestError(f"--out {out} is a file; give a folder, which is made where there is none")
    stem = Path(result_name(file).removesuffix(".gz")).stem or "rows"
    files = _Files(page=out / f"{stem}-audit.html", table=out / f"{stem}-audit.csv")
    report.refuse_others(files.page, files.table)
    return files


def _look(
    request: Request, ingested: Ingested, guess: ColumnGuess, most: int | None, steps: Steps
) -> tuple[Rows, pd.DataFrame, dict[str, Any]]:
    """Clean the rows, and say meanwhile what was found so far: the rows, the findings and the summary."""
    from tilth import night
    from tilth.reports import audit as report

    whole = ingested.samples.num_rows
    part, places = sampled_rows(ingested, most)

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
    return rows, findings, {**report.summarize(rows, findings, audited.entry["metrics"]), **more}


def _how_sure(precision: float | None, *, any_wrong: bool) -> str:
    """How far to trust what is called wrong, and what is not."""
    if precision is None and not any_wrong:
        return "with so few labeled rows a class wrong ones can hardly be told: that none is named proves nothing"
    if precision is None:
        return "with so few labeled rows a class it is unknown how many of them are really wrong: read each"
    return f"about {precision:.0%} of them should be really wrong; the page says how sure that is"


def _print_summary(summary: Mapping[str, Any], files: _Files) -> None:
    findings = summary["findings"]
    say(f"{summary['rows']:,} rows with {summary['labels']:,} labels, in {summary['seconds']:.0f} s:")
    for task in summary["tasks"]:
        head = f"{task['task']}: " if len(summary["tasks"]) > 1 else ""
        rather = ", ".join(f"{pair['label']} → {pair['suggested']} ({pair['rows']})" for pair in task["pairs"][:3])
        precision = task["measured"]["precision"]
        what = "labels that look wrong" if precision is not None else "labels in doubt"
        say(f"  {head}{what}: {task['wrong']:,}{f', most often {rather}' if rather else ''}")
        if task["wrong"] or (precision is None and task["labeled"]):
            say(f"    {_how_sure(precision, any_wrong=bool(task['wrong']))}")
    say(f"  labels of copies that contradict each other: {findings['conflicting copies']:,}")
    if summary["leaks_checked"]:
        say(f"  rows that leak into the test part: {findings['leak']:,}")
    say(f"  texts without a message, or in another language: {findings['junk']:,}; copies: {findings['copy']:,}")
    say(f"page: {files.page}")
    say(f"table: {files.table}")
