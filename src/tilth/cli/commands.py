"""The commands that answer at once: init, report, export, predict."""

from __future__ import annotations

import argparse
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tilth.cli.terminal import lines, say
from tilth.errors import RequestError

if TYPE_CHECKING:
    from tilth.store import Run


def template() -> Path:
    """The demo workspace: inside an installed wheel, or the top of the checkout."""
    packed = Path(__file__).parents[1] / "workspace"
    return packed if packed.is_dir() else Path(__file__).parents[3]


def init(options: argparse.Namespace) -> int:
    """`tilth init DIR`."""
    folder: Path = options.folder
    if folder.is_file():
        raise RequestError(f"{folder} is a file; give a folder that does not exist yet")
    if folder.is_dir() and any(folder.iterdir()):
        raise RequestError(f"{folder} is not empty; give a folder that does not exist yet")
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("flows", "labeling_functions", "data/raw"):
        shutil.copytree(template() / name, folder / name, ignore=ignore)
    shutil.copy2(template() / "tilth.toml", folder / "tilth.toml")
    say(f"a workspace with the demo in it: {folder}\nnext: cd {shlex.quote(str(folder))} && tilth run")
    return 0


def _run(options: argparse.Namespace) -> Run:
    """The run that is asked for: of the workspace, of `tilth-runs` outside any, or wherever its path says."""
    from tilth import store

    workspace = store.locate(anywhere=True)
    try:
        return store.find(workspace.runs, options.run)
    except RequestError as error:
        inside = workspace.config or store.all_runs(workspace.runs)
        where = "" if inside else f" ({Path.cwd()} is in no workspace; make one with: tilth init DIR)"
        raise RequestError(f"{error}{where}") from None


def report(options: argparse.Namespace) -> int:
    """`tilth report [RUN]`."""
    from tilth import reports

    say(str(reports.write(_run(options).path)))
    return 0


def export(options: argparse.Namespace) -> int:
    """`tilth export TARGET`."""
    from tilth.export import export as write

    rows = write(_run(options), options.target)
    say(f"{rows} rows: {options.target}")
    return 0


def predict(options: argparse.Namespace) -> int:
    """`tilth predict TEXT…`."""
    import json

    run = _run(options)
    if not (run.path / "model").is_dir():
        raise RequestError(f"run {run.path.name} holds no model; name one that trained: tilth predict --run RUN")
    from tilth.training.predictor import Predictor

    texts = options.texts or [line.rstrip("\r\n") for line in lines()]
    for answer in Predictor.load(run.path / "model")(texts):
        say(json.dumps(answer, ensure_ascii=False))
    return 0
