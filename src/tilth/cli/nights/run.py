"""`tilth run`: check the request, open the run, start the night and see it to its end."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from tilth.cli import options
from tilth.cli.nights import flow_process
from tilth.cli.terminal import CLOSING, READING, STARTING, Steps, say, say_json, show_steps
from tilth.errors import RequestError

if TYPE_CHECKING:
    from tilth.io import Ingested
    from tilth.night import Request


Stage = Parameter(metavar="STAGE")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What the options of the command say of a night."""

    config: options.Config = None
    input: Annotated[tuple[str, ...], options.Rows] = ()
    """CSV, TSV, JSONL, Parquet, Excel, - for standard input, or hf:owner/name:split; may be repeated"""
    gold: Annotated[str | None, options.Rows] = None
    """rows that are only measured on"""
    annotations: Annotated[str | None, options.Rows] = None
    """votes of several annotators: id, annotator, and a column of labels"""
    text: str | None = None
    """the text's column"""
    image: str | None = None
    """the column of pictures, where rows have some: paths, or bytes in Parquet (extra `images`)"""
    label: str | None = None
    """label columns: intent, or domain,domain/intent for intent under domain; '"a, b"' for a name with a comma"""
    out: str | None = None
    """the parent of the run folder; an address (s3://…) gets a copy"""
    start: Annotated[str | None, Parameter(name="from"), Stage] = None
    """take what stands before it from an earlier run"""
    stop: Annotated[str | None, Parameter(name="to"), Stage] = None
    """the last stage"""
    skip: Annotated[tuple[str, ...], Stage] = ()
    """leave a stage out; may be repeated"""
    sets: options.Sets = ()
    seed: int | None = None
    """of all that is drawn"""
    full: bool = False
    """fit all models again, and take over none that earlier nights fitted"""
    dry_run: bool = False
    """say what would run, and write nothing"""
    json: bool = False
    """print run.json and nothing else"""


def run(*files: Annotated[str, Parameter(show=False)], options: RunOptions = RunOptions()) -> int:
    """Run a night now.

    For example:

        tilth run
        tilth run --input rows.csv --label intent
        tilth run --input rows.csv --label domain,domain/intent --to cleaning
        tilth run --set training.mode=probe --dry-run
    """
    if files:
        raise RequestError(f"a file of rows is named by --input: tilth run --input {shlex.join(files)}")
    if options.dry_run:
        sys.dont_write_bytecode = True  # of the labeling functions too, which are read for their digest
    with show_steps(lines=not options.json) as steps:
        steps.begin(READING)
        request, ingested = _read(options, steps)
        if not options.dry_run:
            folder, status = _night(request, ingested, steps, stdout=sys.stderr if options.json else None)
    if options.dry_run:
        return _dry_run(request, ingested, as_json=options.json)
    if status == 0 and options.json:
        say((folder / "run.json").read_text(encoding="utf-8").rstrip())
    elif status == 0:
        _summary(folder)
    return status


def _read(options: RunOptions, steps: Steps) -> tuple[Request, Ingested]:
    """The request, checked, and the rows that it names; libraries load here, which takes seconds."""
    from tilth import night, stage, store
    from tilth.io import ingest, is_address

    stages = night.chosen(stage.NAMES, options.start, options.stop, options.skip)
    steps.plan([READING, STARTING, *stages, CLOSING])
    out = None if options.out is None or is_address(options.out) else Path(options.out)
    workspace = store.locate(options.config, out, anywhere=any([options.input, options.gold, options.label]))
    request = night.Request(workspace=workspace, overrides=_overrides(options), stages=stages, start=options.start)
    ingested = ingest(request.settings, workspace.root, workspace=workspace)
    for note in ingested.notes:
        steps.warn(f"tilth: {note}")
    return request, ingested


def _dry_run(request: Request, ingested: Ingested, *, as_json: bool) -> int:
    from tilth import night

    rows = night.plan(request, ingested)
    known, texts = night.embedded(request, ingested)
    if as_json:
        summary = {"notes": [note.to_json() for note in ingested.notes]}
        say_json({**summary, "stages": rows, "texts": texts, "embedded": known})
        return 0
    say(f"{_sources(ingested)}; nothing is written")
    for row in rows:
        say(night.plan_line(row))
    say(f"embeddings: {known} of {texts} texts are in {request.workspace.cache}")
    return 0


def _sources(ingested: Ingested) -> str:
    from tilth.io import shown
    from tilth.notes import many
    from tilth.pictures import PICTURES_OF

    words = {"answers": "entries", "label_changes": "changes"}  # of answers and what undid them; of classes
    return " + ".join(
        f"{many(item['rows'], 'picture')} of {item['path'].removeprefix(PICTURES_OF)}"
        if item["path"].startswith(PICTURES_OF)
        else f"{item['rows']} {words.get(item['split'], 'rows')} of {shown(item['path'])}"
        for item in ingested.inputs
    )


def _night(request: Request, ingested: Ingested, steps: Steps, **options: Any) -> tuple[Path, int]:
    """Open a run, start the workspace's own night in a process of its own, and see it to its end."""
    from tilth import night

    workspace = request.workspace
    flow_process.ask_server()
    night.draft(request, ingested)  # the last of what can be wrong, reported before the lock makes a file
    with workspace.lock():
        opened = night.begin(request, ingested)
        steps.line(f"{_sources(ingested)}: {opened.path}")
        steps.begin(STARTING)
        flow = flow_process.flow_file(workspace.root, "nightly.py")
        environment = flow_process.environment(workspace)
        status = flow_process.see_through(flow, ["--run", str(opened.path)], environment, steps, **options)
        record = opened.record
        if record["status"] == "running":
            record = opened.finish("failed", error=f"the night's process ended with status {status}")
            night.notify(opened)
        if record["status"] == "completed":
            return opened.path, 0
    sys.stderr.write(f"tilth: {record['error']}; {opened.path} holds what was done, and tilth run goes on from there\n")
    return opened.path, 1


def _summary(folder: Path) -> None:
    from tilth import reports
    from tilth.store import Run, cleaning_in_words

    record = Run(folder).record
    kind = "gold" if record["gold"] else "cross-validated estimate"
    for task, figures in (record["gold"] or record.get("cross_validated") or {}).items():
        if isinstance(figures, dict) and figures["macro_f1"] is None:
            say(f"{task}: no macro-F1 and no accuracy: {figures['why']} ({kind})")
        elif isinstance(figures, dict):
            say(f"{task}: macro-F1 {figures['macro_f1']:.3f}, accuracy {figures['accuracy']:.3f} ({kind})")
    say(f"{'promoted' if record['promoted'] else 'not promoted'}: {record['promotion']}")
    for alarm in reports.night_alarms(Run(folder)):
        say(f"since last night: {alarm['sentence']}")
    for line in cleaning_in_words(record["cleaned_up"]) if "cleaned_up" in record else ():
        say(f"clean: {line}")
    say(f"report: {folder / 'report.html'}")


def _overrides(options: RunOptions) -> dict[str, Any]:
    from tilth.config import parse_override, parse_tasks

    overrides = dict(parse_override(text) for text in options.sets)
    if options.input:
        overrides["data.input"] = [str(_here(name)) for name in options.input]
        overrides["data.gold"] = overrides["data.annotations"] = None
    if options.gold is not None:
        overrides["data.gold"] = str(_here(options.gold))
    if options.annotations is not None:
        overrides["data.annotations"] = str(_here(options.annotations))
    if options.text:
        overrides["data.text"] = options.text
    if options.image:
        overrides["data.image"] = options.image
    if options.label:
        overrides["tasks"] = parse_tasks(options.label)
    if options.seed is not None:
        overrides["seed"] = options.seed
    if options.full:
        overrides["night.full"] = True
    if options.out is not None and "://" in options.out:
        overrides["store.address"] = options.out
    return overrides


def _here(name: str) -> str | Path:
    return name if name == "-" or name.startswith("hf:") or "://" in name else Path(name).resolve()
