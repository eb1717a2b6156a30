"""`tilth run`: check the request, open the run, start the night and see it to its end."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.cli import child
from tilth.cli.terminal import say, tell

if TYPE_CHECKING:
    from tilth.ingest import Ingested
    from tilth.night import Request
    from tilth.store import Workspace


def run(options: argparse.Namespace) -> int:
    """Run a night now, or say with --dry-run what one would do."""
    if options.dry_run:
        sys.dont_write_bytecode = True  # of the labeling functions too, which are read for their digest
    from tilth import night, stage, store
    from tilth.ingest import ingest

    stages = night.chosen(stage.NAMES, options.start, options.stop, options.skip)
    workspace = store.locate(options.config, options.out, anywhere=any([options.input, options.gold, options.label]))
    request = night.Request(workspace=workspace, overrides=_overrides(options), stages=stages, start=options.start)
    ingested = ingest(request.settings, workspace.root)
    if options.dry_run:
        return _dry_run(request, ingested, as_json=options.json)
    night.draft(request, ingested)  # the last of what can be wrong, told before the lock makes a file
    with workspace.lock():
        opened = night.begin(request, ingested)
        if not options.json:
            tell(f"{_sources(ingested)}: {opened.path}")
        status = _night(opened.path, workspace, show=not options.json, verbose=options.verbose)
    if status == 0 and options.json:
        say((opened.path / "run.json").read_text(encoding="utf-8").rstrip())
    elif status == 0:
        _summary(opened.path)
    return status


def _dry_run(request: Request, ingested: Ingested, *, as_json: bool) -> int:
    from tilth import night

    rows = night.plan(request, ingested)
    known, texts = night.embedded(request, ingested)
    if as_json:
        say(json.dumps({"stages": rows, "texts": texts, "embedded": known}, indent=2))
        return 0
    say(f"{_sources(ingested)}; nothing is written")
    for row in rows:
        say(night.plan_line(row))
    say(f"embeddings: {known} of {texts} texts are in {request.workspace.cache}")
    return 0


def _sources(ingested: Ingested) -> str:
    return " + ".join(f"{item['rows']} rows of {Path(item['path']).name}" for item in ingested.inputs)


def _night(folder: Path, workspace: Workspace, *, show: bool, verbose: bool) -> int:
    """Start the workspace's own night in a process of its own, and see it to its end."""
    from tilth.cli.terminal import environment
    from tilth.store import Run

    flow = child.flow_file(workspace.root, "nightly.py")
    process = child.start(
        flow,
        ["--run", str(folder), "--data", str(workspace.data)],
        environment(verbose=verbose),
        stdout=None if show else sys.stderr,
    )
    try:
        status = process.wait()
    except KeyboardInterrupt:
        child.stop(process)
        raise
    record = Run(folder).record
    if record["status"] == "running":
        record = Run(folder).finish("failed", error=f"the night's process ended with status {status}")
    if record["status"] == "completed":
        return 0
    sys.stderr.write(f"tilth: {record['error']}; {folder} holds what was done, and tilth run goes on from there\n")
    return 1


def _summary(folder: Path) -> None:
    from tilth.store import Run

    record = Run(folder).record
    kind = "gold" if record["gold"] else "cross-validated estimate"
    for task, figures in (record["gold"] or record.get("cross_validated") or {}).items():
        if isinstance(figures, dict):
            say(f"{task}: macro-F1 {figures['macro_f1']:.3f}, accuracy {figures['accuracy']:.3f} ({kind})")
    say(f"{'promoted' if record['promoted'] else 'not promoted'}: {record['promotion']}")
    say(f"report: {folder / 'report.html'}")


def _overrides(options: argparse.Namespace) -> dict[str, Any]:
    from tilth.config import parse_override, parse_task

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
    if options.label:
        overrides["tasks"] = [parse_task(part) for part in options.label.split(",") if part.strip()]
    if options.seed is not None:
        overrides["seed"] = options.seed
    return overrides


def _here(name: str) -> str | Path:
    return name if name.startswith("hf:") else Path(name).resolve()
