"""`tilth queue`: what people are asked, out to a file, and their answers back in."""

from __future__ import annotations

import getpass
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

from cyclopts import App

from tilth.cli import options, workspace_data
from tilth.cli.terminal import note, say

queue = App(
    name="queue",
    help="""What people are asked: out to a file, and their answers back in.

For example:

    tilth queue export ask.csv
    tilth queue import ask.csv --annotator ann
""",
    default_parameter=options.DEFAULT,
)


@queue.command(name="export")
def export(
    target: Path,
    /,
    *,
    run: str | None = None,
    force: bool = False,
    config: options.Config = None,
) -> int:
    """Write a night's queue as a file to fill in.

    For example:

        tilth queue export ask.csv
        tilth queue export ask.jsonl --run 20260101-020000

    Args:
        target: FILE.csv or FILE.jsonl
        run: the night (default: the newest one that asks something)
        force: write over what is there
    """
    from tilth import store
    from tilth.io import write_queue
    from tilth.io.answers import run_with_queue

    found = run_with_queue(store.locate(config).runs, run)
    count = write_queue(found, target, force=force)
    say(f"{count} rows of run {found.path.name}: {target}; fill in the columns …_answer with a class, or with")
    say('"none of these", "unclear", "junk" or "wrong paraphrase"; then: tilth queue import ' + str(target))
    return 0


@queue.command(name="import")
def import_(
    file: Annotated[str, options.Rows],
    /,
    *,
    annotator: str | None = None,
    run: str | None = None,
    skip_bad: bool = False,
    dry_run: bool = False,
    config: options.Config = None,
    as_json: options.Json = False,
) -> int:
    """Take the answers of a filled queue; the next night learns from them, and nothing overrules them.

    All of the file is taken, or nothing. A night's own queue.csv, filled in, is taken as it is.

    For example:

        tilth queue import data/runs/latest/queue.csv
        tilth queue import ask.jsonl --annotator ann --dry-run
        tilth queue import ask.csv --skip-bad

    Args:
        file: CSV, JSONL or Parquet with id and a column …_answer for each task
        annotator: who answered, where the file has no column annotator (default: your name on this machine)
        run: the night that asked (default: the newest one that asks something)
        skip_bad: take what is right, and leave out the rest
        dry_run: say what would be taken, and take nothing
    """
    from tilth.errors import RequestError
    from tilth.io import read_rows
    from tilth.io.answers import import_answers, known_rows, report_in_words, run_with_queue
    from tilth.notes import Notes
    from tilth.store.answers import Answers

    data, notes = workspace_data.open_workspace(config), Notes()
    workspace = data.workspace
    if workspace.answers is None:
        raise RequestError("answers are kept in a workspace; make one with: tilth init DIR")
    filled, _ = read_rows(file, Path.cwd(), notes, ["id", "text"])
    for one in notes.found:
        note(str(one))
    try:
        asked = run_with_queue(workspace.runs, run)
    except RequestError:
        if run is not None:
            raise
        asked = None
    texts = dict(zip(data.frame["id"], data.frame["text"], strict=True))
    known = known_rows(filled, texts, workspace.runs, asked)
    nobody_yet = dry_run and not workspace.answers.exists()
    with nullcontext() if nobody_yet else Answers.open(workspace.answers) as answers:
        report = import_answers(
            filled,
            Path(file).name,
            known,
            data.tasks,
            answers,
            annotator or getpass.getuser(),
            skip_bad=skip_bad,
            dry_run=dry_run,
        )
    if as_json:
        say(json.dumps({"dry_run": dry_run, **report.to_json()}, indent=2, ensure_ascii=False))
        return 0
    for line in report_in_words(report, Path(file).name, dry_run=dry_run):
        say(line)
    if report.answers and not dry_run:
        say("the next tilth run takes them above everything else")
    return 0
