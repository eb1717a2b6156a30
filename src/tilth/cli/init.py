"""`tilth init`: a new workspace."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

from tilth.cli.terminal import say
from tilth.errors import RequestError


def template() -> Path:
    """The demo workspace: inside an installed wheel, or the top of the checkout."""
    packed = Path(__file__).parents[1] / "workspace"
    return packed if packed.is_dir() else Path(__file__).parents[3]


def init(folder: Path, /) -> int:
    """Make a new workspace, with the demo in it.

    For example:

        tilth init inbox

    Args:
        folder: a folder that does not exist yet, or is empty
    """
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
