"""The command line: thin, and quick to say what is wrong with a request."""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tilth.errors import RequestError, TilthError

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 a stage failed, 2 the request was wrong."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING, format="%(message)s")
    try:
        return int(options.do(options) or 0)
    except TilthError as error:
        sys.stderr.write(f"tilth: {error}\n")
        return error.exit_status
    except KeyboardInterrupt:
        sys.stderr.write("tilth: stopped; what was finished is kept, and the next tilth run goes on from there\n")
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tilth", description="A better data set every night.", allow_abbrev=False)
    parser.add_argument("-v", "--verbose", action="store_true", help="say what is being done")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_init(commands)
    _add_run(commands)
    _add_others(commands)
    return parser


def _add_init(commands: Any) -> None:
    init = commands.add_parser("init", help="make a new workspace, with the demo in it")
    init.add_argument("folder", type=Path)
    init.set_defaults(do=_init)


def _add_run(commands: Any) -> None:
    run = commands.add_parser("run", help="run a night now")
    run.add_argument("-c", "--config", type=Path, help="tilth.toml (default: the one here or above)")
    run.add_argument("--input", action="append", help="CSV, JSONL, Parquet or hf:owner/name:split; may be repeated")
    run.add_argument("--gold", help="rows that are only measured on")
    run.add_argument("--text", help="the text's column")
    run.add_argument("--label", help="label columns: intent, or domain,domain/intent for intent under domain")
    run.add_argument("--out", type=Path, help="the parent of the run folder")
    run.add_argument("--from", dest="start", metavar="STAGE")
    run.add_argument("--to", dest="stop", metavar="STAGE")
    run.add_argument("--skip", action="append", default=[], metavar="STAGE")
    run.add_argument("--set", action="append", default=[], dest="sets", metavar="KEY=VALUE")
    run.add_argument("--seed", type=int)
    run.add_argument("--dry-run", action="store_true", help="say what would run, and write nothing")
    run.add_argument("--json", action="store_true", help="print run.json and nothing else")
    run.set_defaults(do=_run)


def _add_others(commands: Any) -> None:
    report = commands.add_parser("report", help="write a run's report again and say where it is")
    report.add_argument("run", nargs="?", default="latest")
    report.set_defaults(do=_report)
    export = commands.add_parser("export", help="the better data set: text, labels, weights, provenance")
    export.add_argument("target", type=Path, help="FILE.csv, FILE.jsonl, FILE.parquet, or a folder for `datasets`")
    export.add_argument("--run", default="latest")
    export.set_defaults(do=_export)
    predict = commands.add_parser("predict", help="labels for texts, as JSON lines")
    predict.add_argument("texts", nargs="*", help="texts; none: one a line from standard input")
    predict.add_argument("--run", default="latest")
    predict.set_defaults(do=_predict)
    serve = commands.add_parser("serve", help="put nights on a schedule")
    serve.add_argument("--cron", required=True, help='for example "0 2 * * *"')
    serve.add_argument("-c", "--config", type=Path)
    serve.set_defaults(do=_serve)


def template() -> Path:
    """The demo workspace: inside an installed wheel, or the top of the checkout."""
    packed = Path(__file__).parent / "workspace"
    return packed if packed.is_dir() else Path(__file__).parents[2]


def _init(options: argparse.Namespace) -> int:
    folder: Path = options.folder
    if (folder / "tilth.toml").exists() or (folder.is_dir() and any(folder.iterdir())):
        raise RequestError(f"{folder} is not empty; give a folder that does not exist yet")
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("flows", "labeling_functions", "data/raw"):
        shutil.copytree(template() / name, folder / name, ignore=ignore)
    shutil.copy2(template() / "tilth.toml", folder / "tilth.toml")
    _say(f"a workspace with the demo in it: {folder}\nnext: cd {folder} && tilth run")
    return 0


def _run(options: argparse.Namespace) -> int:
    from tilth import night, stage, store
    from tilth.ingest import ingest

    inputs = [options.input, options.gold, options.label]
    workspace = store.locate(options.config, options.out, anywhere=any(inputs))
    stages = night.chosen(stage.NAMES, options.start, options.stop, options.skip)
    request = night.Request(workspace=workspace, overrides=_overrides(options), stages=stages, start=options.start)
    ingested = ingest(request.settings, workspace.root)
    if options.dry_run:
        for row in night.plan(request, ingested):
            verdict = f"{row['rows']} rows; cache: {row['cache']}" if row["runs"] else "not asked for"
            _say(f"{row['stage']:<17} {verdict}")
        return 0
    with workspace.lock():
        run = night.begin(request, ingested)
        status = _night(run.path, workspace.data, workspace.root, show=not options.json)
    if status == 0 and options.json:
        _say((run.path / "run.json").read_text(encoding="utf-8").rstrip())
    elif status == 0:
        _summary(run.path)
    return status


def _night(run: Path, data: Path, root: Path, *, show: bool) -> int:
    """Start the workspace's own night in a process of its own, and see it to its end."""
    from tilth.store import Run

    own = root / "flows" / "nightly.py"
    flow = own if own.is_file() and (root / "tilth.toml").is_file() else template() / "flows" / "nightly.py"
    environment = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_LOGGING_LEVEL": "WARNING"}
    command = [sys.executable, str(flow), "--run", str(run), "--data", str(data)]
    process = subprocess.Popen(
        command, env={**environment, **os.environ}, stdin=subprocess.PIPE, stdout=None if show else sys.stderr
    )
    try:
        status = process.wait()
    except KeyboardInterrupt:
        process.wait(timeout=30)
        Run(run).finish("failed", error="stopped by Ctrl-C")
        raise
    if status != 0:
        Run(run).finish("failed", error=f"the night's process ended with status {status}")
        sys.stderr.write(f"tilth: the night failed; {run} holds what was done, and tilth run goes on from there\n")
        return 1
    return 0


def _summary(run: Path) -> None:
    from tilth.night import line
    from tilth.store import Run

    record = Run(run).record
    for entry in record["stages"]:
        _say(line(entry))
    kind = "gold" if record["gold"] else "cross-validated estimate"
    for task, figures in (record["gold"] or record.get("cross_validated") or {}).items():
        if isinstance(figures, dict):
            _say(f"{task}: macro-F1 {figures['macro_f1']:.3f}, accuracy {figures['accuracy']:.3f} ({kind})")
    _say(f"{'promoted' if record['promoted'] else 'not promoted'}: {record['promotion']}")
    _say(f"report: {run / 'report.html'}")


def _overrides(options: argparse.Namespace) -> dict[str, Any]:
    from tilth.config import parse_override

    overrides = dict(parse_override(text) for text in options.sets)
    if options.input:
        overrides["data.input"] = [str(_here(name)) for name in options.input]
        overrides["data.gold"] = None
    if options.gold:
        overrides["data.gold"] = str(_here(options.gold))
    if options.text:
        overrides["data.text"] = options.text
    if options.label:
        overrides["tasks"] = [_task(part) for part in options.label.split(",") if part.strip()]
    if options.seed is not None:
        overrides["seed"] = options.seed
    return overrides


def _here(name: str) -> str | Path:
    return name if name.startswith("hf:") else Path(name).resolve()


def _task(text: str) -> dict[str, str]:
    parent, _, column = text.strip().rpartition("/")
    name = "".join(letter if letter.isalnum() else "_" for letter in column)
    return {"name": name, "column": column, **({"parent": parent} if parent else {})}


def _report(options: argparse.Namespace) -> int:
    from tilth import reports, store

    _say(str(reports.write(store.find(store.locate().runs, options.run).path)))
    return 0


def _export(options: argparse.Namespace) -> int:
    from tilth import store
    from tilth.export import export

    rows = export(store.find(store.locate().runs, options.run), options.target)
    _say(f"{rows} rows: {options.target}")
    return 0


def _predict(options: argparse.Namespace) -> int:
    import json

    from tilth import store
    from tilth.training.predictor import Predictor

    texts = options.texts or [line.rstrip("\n") for line in sys.stdin]
    predictor = Predictor.load(store.find(store.locate().runs, options.run).path / "model")
    for answer in predictor(texts):
        _say(json.dumps(answer, ensure_ascii=False))
    return 0


def _serve(options: argparse.Namespace) -> int:
    from tilth import store

    workspace = store.locate(options.config)
    own = workspace.root / "flows" / "serve.py"
    flow = own if own.is_file() else template() / "flows" / "serve.py"
    command = [sys.executable, str(flow), "--cron", options.cron, "--config", str(workspace.config)]
    return subprocess.run(command, check=False, cwd=workspace.root).returncode


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
