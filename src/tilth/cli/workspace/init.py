"""`tilth init`: a new workspace."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

from tilth.cli import options
from tilth.cli.terminal import say
from tilth.errors import RequestError

OFTEN_CHANGED = (
    "encoder.model",
    "encoder.max_tokens",
    "cleaning.policy",
    "cleaning.languages",
    "cleaning.near_duplicate",
    "weak_supervision.min_confidence",
    "weak_supervision.propagate",
    "promotion.floor",
    "store.keep_runs",
    "store.max_cache_gb",
    "store.auto_clean",
)
"""Keys that a new `tilth.toml` shows, commented out; none of a table that the demo's own `tilth.toml` has."""
EXAMPLE_VALUES = {"promotion.floor": 0.5}
"""What stands there for a key that has no value where nobody sets it."""

README = """# {name}

A workspace of [tilth](https://pypi.org/project/tilth/): each night makes a better data set of the rows in `data/raw`.
The rows that are there now are a demo; put your own in their place, and name them in `tilth.toml`.

| | |
|---|---|
| `tilth.toml` | which rows, which tasks, and what to do; `tilth config` shows every key with its meaning |
| `labeling_functions/` | your rules, in any file; `tilth lf check` tries them, `tilth lf new NAME` starts one |
| `flows/` | the night as a Prefect flow; delete the folder to go by the one that comes with tilth |
| `data/raw/` | the rows as they came |
| `data/runs/` | a folder a night: its report, its queue of rows for a person, its tables and its model |
| `data/cache/`, `data/state/` | what nights keep for the next one; `tilth clean` tidies |

```
tilth doctor                 # whether all that a night needs is here
tilth run --dry-run          # what would run, and what is odd in the rows; nothing is written
tilth run                    # a night
tilth report --open          # what it did and why
tilth export better.csv      # the better data set
tilth predict "a message"    # its model answers
```
"""

IGNORED = """# What nights make of data/raw; what people answer stays.
/data/*
!/data/raw/
!/data/labels.sqlite
__pycache__/
"""


def template() -> Path:
    """The demo workspace: inside an installed wheel, or the top of the checkout."""
    packed = Path(__file__).parents[2] / "workspace"
    return packed if packed.is_dir() else Path(__file__).parents[4]


def init(folder: Path, /, *, as_json: options.Json = False) -> int:
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
    written = {
        "tilth.toml": _config(),
        "README.md": README.format(name=folder.resolve().name),
        ".gitignore": IGNORED,
    }
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("flows", "labeling_functions", "data/raw"):
        shutil.copytree(template() / name, folder / name, ignore=ignore)
    for name, content in written.items():
        (folder / name).write_text(content, encoding="utf-8")
    if as_json:
        say(json.dumps({"workspace": str(folder.resolve())}, ensure_ascii=False))
    else:
        say(f"a workspace with the demo in it: {folder}\nnext: cd {shlex.quote(str(folder))} && tilth run")
    return 0


def _config() -> str:
    """The demo's `tilth.toml`, with the keys that people change above its first table, where any may be set alone."""
    from tilth import stage
    from tilth.config import config_examples, load

    above, table, below = (template() / "tilth.toml").read_text(encoding="utf-8").partition("\n[")
    shown = config_examples(load(None, {}, stage.configs()), OFTEN_CHANGED, EXAMPLE_VALUES)
    title = "# What people change, each as it is where nobody does, or an example; tilth config shows every key."
    return f"{above}\n{title}\n{shown}{table}{below}"
