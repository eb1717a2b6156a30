"""`tilth queue`: what people are asked, out to a file, and their answers back in."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from tilth.cli import options
from tilth.cli.terminal import note, say, say_json
from tilth.cli.workspace import open_workspace
from tilth.notes import many

if TYPE_CHECKING:
    from tilth.cli.workspace import WorkspaceData
    from tilth.samples import Task
    from tilth.store import Run, Workspace

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
    form: Annotated[str | None, Parameter(name="--format")] = None,
    force: bool = False,
    config: options.Config = None,
) -> int:
    """Write what a night's queue still asks as a file to fill in, here or in another tool.

    For example:

        tilth queue export ask.csv
        tilth queue export ask.jsonl --run 20260101-020000
        tilth queue export tasks.json
        tilth queue export records.json --format argilla

    Args:
        target: FILE.csv, FILE.jsonl, FILE.json (Label Studio), or a folder (datasets)
        run: the night (default: the newest one that asks something)
        form: csv, jsonl, label-studio, argilla or datasets (default: by the ending)
        force: write over what is there
    """
    from tilth import store
    from tilth.io import labeling_config, queue_kind, read_rows, refuse_to_overwrite, write_queue
    from tilth.io.answers import QUEUE, run_with_queue
    from tilth.samples import Task
    from tilth.store import atomic

    workspace = store.locate(config)
    night_run = run_with_queue(workspace.runs, run)
    kind, interface = queue_kind(target, form), target.with_suffix(".xml")
    if kind == "label-studio":
        refuse_to_overwrite(interface, kind, force=force)
    waiting = _unanswered(night_run, workspace)
    count = write_queue(night_run, target, kind=kind, force=force, only=waiting)
    if kind == "label-studio":
        with atomic(interface) as unfinished:
            tasks = [Task.from_json(task) for task in night_run.record["tasks"]]
            paraphrases = bool(read_rows(QUEUE, night_run.path)[0]["detector"].eq("paraphrase").any())
            unfinished.write_text(labeling_config(tasks, paraphrases=paraphrases), "utf-8")
        say(f"the labeling interface of a project for them: {interface}")
    if kind in ("label-studio", "argilla"):
        say(f"{count} rows of run {night_run.path.name}: {target}; once they are answered, take the JSON export by:")
        say("tilth queue import EXPORT.json")
        return 0
    say(f"{count} rows of run {night_run.path.name}: {target}; fill in the columns …_answer with a class, or with")
    say('"none of these", "unclear", "junk" or "wrong paraphrase"; then: tilth queue import ' + str(target))
    return 0


def _unanswered(night_run: Run, workspace: Workspace) -> list[str] | None:
    """Ids of the rows that wait for an answer; None where nobody has answered anything.

    Raises:
        RequestError: all are answered.
    """
    from tilth.annotation import Desk, read_night_rows
    from tilth.errors import RequestError
    from tilth.store.answers import Answers

    if workspace.answers is None or not workspace.answers.exists():
        return None
    with Answers.open(workspace.answers) as answers:
        rows = read_night_rows(night_run)
        waiting = Desk(rows, answers).open_rows
    name, done = night_run.path.name, len(rows.queue) - len(waiting)
    if not waiting:
        raise RequestError(f"all {done} rows that run {name} asks about are answered: tilth run takes them")
    if done:
        note(f"{many(done, 'row')} of run {name} {'is' if done == 1 else 'are'} answered already: left out")
    return waiting


def _night_that_asked(runs: Path, name: str | None) -> Run | None:
    """The night of that name; by default the newest one that asks something, None where none does."""
    from tilth.errors import RequestError
    from tilth.io.answers import run_with_queue

    try:
        return run_with_queue(runs, name)
    except RequestError:
        if name is not None:
            raise
        return None


def _texts_and_tasks(data: WorkspaceData, night_run: Run | None) -> tuple[dict[str, str], Sequence[Task]]:
    """The input's texts by id, and its tasks; the night's own where `tilth run --input` alone has named an input."""
    from tilth.samples import Source, Task, to_pandas
    from tilth.store import newest_table, read_table

    settings = data.settings.data
    if night_run is None or settings.input or settings.sql:
        return dict(zip(data.frame["id"], data.frame["text"], strict=True)), data.tasks
    frame = to_pandas(read_table(newest_table(night_run.path)))
    frame = frame[frame["source"].eq(Source.INPUT)]
    tasks = [Task.from_json(task) for task in night_run.record["tasks"]]
    return dict(zip(frame["id"], frame["text"], strict=True)), tasks


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
        tilth queue import project-1-export.json

    Args:
        file: CSV, JSONL, Parquet or a folder of datasets with id and a column …_answer for each task, or JSON as
            Label Studio and Argilla export it
        annotator: who answered, where the file has no column annotator (default: your name on this machine)
        run: the night that asked (default: the newest one that asks something)
        skip_bad: take what is right, and leave out the rest
        dry_run: say what would be taken, and take nothing
    """
    from tilth.errors import RequestError
    from tilth.io import read_filled_queue
    from tilth.io.answers import import_answers, known_rows, report_in_words
    from tilth.notes import UNREADABLE_LINES, Notes
    from tilth.store.answers import Answers

    data, notes = open_workspace(config), Notes()
    workspace = data.workspace
    if workspace.answers is None:
        raise RequestError("answers are kept in a workspace; make one with: tilth init DIR")
    filled = read_filled_queue(file, Path.cwd(), notes)
    for one in notes.found:
        if one.kind != UNREADABLE_LINES:  # which the import itself names
            note(str(one))
    night_run = _night_that_asked(workspace.runs, run)
    texts, tasks = _texts_and_tasks(data, night_run)
    known = known_rows(filled, texts, workspace.runs, night_run)
    nobody_yet = dry_run and not workspace.answers.exists()
    with nullcontext() if nobody_yet else Answers.open(workspace.answers) as answers:
        report = import_answers(
            filled,
            Path(file).name,
            known,
            tasks,
            answers,
            annotator or getpass.getuser(),
            unreadable=notes.unreadable,
            skip_bad=skip_bad,
            dry_run=dry_run,
        )
    if as_json:
        say_json({"dry_run": dry_run, **report.to_json()})
        return 0
    for line in report_in_words(report, Path(file).name, dry_run=dry_run):
        say(line)
    if report.answers and not dry_run:
        say("the next tilth run takes them above everything else")
    return 0
