"""Pages that are made of the code whenever the site is built, so that they cannot go stale: hooks that MkDocs calls."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth import samples, stage
from tilth.cli import app
from tilth.config import config_toml, load

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
RESULTS = tuple(sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "benchmarks" / "results").glob("*.md")))
COPIED = ("benchmarks/RESULTS.md", *RESULTS, "benchmarks/README.md", "CHANGELOG.md")
"""Pages of the site that stand elsewhere in the repository."""
SCHEMA = ROOT / "src" / "tilth" / "reports" / "page" / "report.schema.json"
SHIM = "https://unpkg.com/iframe-worker/shim"
"""What lets the search work from disk: Material's `offline` loads it from there, we from `docs/iframe-worker.js`."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Lay the generated pages beside those that stand in `docs/`."""
    from mkdocs.structure.files import File

    for name, content in pages().items():
        files.append(File.generated(config, name, content=content))
    return files


def on_post_page(output: str, *, page: Page, config: MkDocsConfig) -> str:
    """Load from the site itself what Material loads from elsewhere, and refuse whatever else a page would load."""
    from mkdocs.exceptions import PluginError
    from mkdocs.utils import get_relative_url

    output = output.replace(SHIM, get_relative_url("iframe-worker.js", page.url))
    if outside := loaded_from_outside(output):
        raise PluginError(f"{page.file.src_uri} would load {outside} from the network; put a copy into docs/")
    return output


def loaded_from_outside(html: str) -> str | None:
    """The first element of a page that would have a browser ask the network, if any; links wait for a click.

    >>> loaded_from_outside('<a href="https://example.org">a link</a> <img src="images/report.webp">')
    >>> loaded_from_outside("<script src=https://example.org/a.js>")
    '<script src=https://example.org/a.js>'
    """
    found = re.search(r"<(?:script|link|img|iframe)\b[^>]*\s(?:src|href)=[\"']?(?:https?:)?//[^>]*>", html)
    return found[0] if found else None


def pages() -> dict[str, str]:
    """Every generated page, by its path in the site."""
    return {
        "reference/configuration.md": configuration(),
        "reference/command-line.md": command_line(),
        "reference/table.md": table(),
        "reference/report-json.md": report_json(),
        "reference/report.schema.json": SCHEMA.read_text(encoding="utf-8"),
        **{name: (ROOT / name).read_text(encoding="utf-8") for name in COPIED},
    }


CONFIGURATION = """# Every config key

A night goes by `tilth.toml`, the file that makes a folder a workspace. Every key is optional but `data.input` and the
tasks, which `--input` and `--label` may name as well. `tilth run --set key.sub=value` changes one for one night, and an
unknown key names the nearest one.

This page is made of the code, as `tilth config` is, which prints the same for the workspace that you are in, with the
current values there. What stands behind `=` here is the default.
"""


def configuration() -> str:
    """Every key of `tilth.toml` with its default, its meaning and its limits, a heading for each table."""
    defaults = load(None, {"tasks": [{"name": "intent"}]}, stage.configs())  # a task, so that its keys are shown too
    return "\n".join([CONFIGURATION, "## Above all tables", "", *_keys(config_toml(defaults))])


def _keys(text: str) -> Iterator[str]:
    """The lines of a commented `tilth.toml` as Markdown: a table is a heading, a key a term with its meaning."""
    said: list[str] = []
    path = ""
    for line in text.splitlines():
        if table := re.fullmatch(r"\[+([\w.]+)\]+", line):
            path = f"{table[1]}."
            yield from (f"## `{line}` {{ #{table[1]} }}", "", " ".join(said), "")
        elif pair := re.fullmatch(r"(?:# )?(\w+) =(.*)", line):
            meaning = " ".join(said).removesuffix(f"; default:{pair[2]}")
            yield from (f"`{pair[1]} ={pair[2]}`{{ #{path}{pair[1]} }}", f":   {meaning}", "")
        elif line:
            said.append(line.removeprefix("#").strip())
            continue
        said = []


COMMAND_LINE = """# The command line

This page is made of the code; `tilth COMMAND --help` says the same on the terminal. With which status a command ends
stands in [Exit statuses](exit-statuses.md). `--json` prints JSON, and nothing else, on standard output. `tilth
--install-completion` lets the shell complete commands, options and files.
"""


def command_line() -> str:
    """Every command with its options and its examples, as the help pages show them."""
    app.resolved_commands()  # until they are asked for, commands are names alone
    text = app.generate_docs()
    text = re.sub(r"^## Table of Contents$.*?(?=^\*\*Commands)", "", text, flags=re.MULTILINE | re.DOTALL)
    return f"{COMMAND_LINE}\n#{text}"


TABLE = """# The table

Everything is one table of samples, one row a text: Parquet on disk, a `datasets.Dataset` in memory. No row is ever
deleted: one that is not fit to learn from is set aside, with a reason. Each column has one stage that writes it.
`{task}` stands for the name of each task, `{check}` for each of cleaning's checks, `{name}` for a column of your own.

This page is made of the code.
"""


def table() -> str:
    """Every column with who writes it, and the words that stand in columns of words."""
    lines = [TABLE]
    for owner, columns in itertools.groupby(samples.COLUMNS, key=lambda column: column.owner):
        lines += [f"## Written by {owner}", ""]
        for column in columns:
            lines += [f"`{column.name}`", f":   {column.meaning}", ""]
    lines += ["## Words", ""]
    for kind in (samples.Split, samples.Source, samples.Status, samples.Origin, samples.Action, samples.Reason):
        first = (kind.__doc__ or "").partition("\n")[0]
        lines += [f"`{kind.__name__}`: {first}", f":   {', '.join(f'`{word}`' for word in kind)}", ""]
    return "\n".join(lines)


REPORT_JSON = """# report.json

What [the report](../report.md) of a night says, for a program. This page is made of the
[JSON schema](report.schema.json) that every report of this version is valid by; in Python it is
`importlib.resources.files("tilth.reports.page") / "report.schema.json"`. A night of an older tilth has other parts
until `tilth report` writes its report again.
"""


def report_json() -> str:
    """Every part of `report.json` with its meaning, and what stands inside it."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return "\n".join([REPORT_JSON, *_parts(schema, "")])


def _parts(schema: dict[str, Any], before: str) -> Iterator[str]:
    for name, part in schema.get("properties", {}).items():
        if "description" in part:
            words = f" One of {', '.join(f'`{word}`' for word in part['enum'])}." if "enum" in part else ""
            yield from (f"`{before}{name}`", f":   {part['description']}{words}", "")
        inner = part if part.get("properties") else part.get("items", {})
        yield from _parts(inner, f"{before}{name}{'' if inner is part else '[]'}.")
