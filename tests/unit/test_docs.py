"""The documents: what they show runs, what they name is there, and what is made of the code is all of it."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cyclopts import App
from docs import generated
from pydantic import BaseModel

from tilth import cli, samples, stage
from tilth.config import load

DOCS = Path(generated.__file__).parent
PAGES = [*sorted(DOCS.rglob("*.md")), DOCS.parent / "README.md"]
FENCE = re.compile(
    r"^(<!-- run -->\n)?```(\w+)\n(.*?)^```$(?:\n+^```text\n(.*?)^```$)?", flags=re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """A fenced block, and whether it is marked for running; Python is followed by the text that it prints, if any."""

    page: Path
    language: str
    text: str
    marked: bool
    printed: str

    def __str__(self) -> str:
        return f"{self.page.stem}: {self.text.partition(chr(10))[0]}"


def blocks(page: Path) -> list[Block]:
    found = FENCE.findall(page.read_text(encoding="utf-8"))
    return [Block(page, language, text, bool(mark), printed) for mark, language, text, printed in found]


ALL = [block for page in PAGES for block in blocks(page)]
MARKED = [page for page in PAGES if any(block.marked for block in blocks(page))]
COMMANDS = [
    (block.page, line.removeprefix("$ "))
    for block in ALL
    if block.language in ("console", "sh") and not block.marked
    for line in block.text.splitlines()
    if re.match(r"(\$ )?tilth ", line)
]


@pytest.mark.parametrize("page", MARKED, ids=lambda page: page.stem)
def test_marked_blocks_run_and_print_what_stands_there(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each page has a workspace of its own, in which its blocks run in their order."""
    assert cli.main(["init", str(tmp_path / "inbox")]) == 0
    monkeypatch.chdir(tmp_path / "inbox")
    capsys.readouterr()
    names: dict[str, Any] = {}
    for block in blocks(page):
        if block.marked and block.language == "python":
            expected, printed = block.printed, _python(block, names)
            assert _same(expected, printed), f"{block}: printed\n{printed}"
        elif block.marked:
            for line, expected in _session(block.text):
                cli.main(shlex.split(line)[1:])
                shown = capsys.readouterr()
                printed = shown.out + re.sub(r"^tilth: +\d+ %.*\n", "", shown.err, flags=re.MULTILINE)  # the steps
                assert _same(expected, printed), f"{line}: printed\n{printed}"


def _python(block: Block, names: dict[str, Any]) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block.text, str(block.page), "exec"), names)
    return printed.getvalue()


def _session(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block, with what stands below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, _, expected = part.partition("\n")
        yield line, expected


def _same(expected: str, printed: str) -> bool:
    """Whether this is what was printed; `...` stands for anything, and spaces count as one."""
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(expected, printed, options)


@pytest.mark.parametrize("block", [one for one in ALL if one.language in ("python", "toml")], ids=str)
def test_every_other_block_is_well_formed(block: Block) -> None:
    if block.language == "python":
        compile(block.text, str(block.page), "exec")
    else:
        values = tomllib.loads(block.text)
        load(None, {"tasks": [{"name": "area"}, {"name": "intent"}], **values}, stage.configs())


@pytest.mark.parametrize(("page", "line"), COMMANDS, ids=lambda value: value if isinstance(value, str) else value.stem)
def test_every_command_that_is_shown_is_one(page: Path, line: str) -> None:
    words = shlex.split(re.split(r" [<>|#] | &&", f"{line} ")[0])
    command, _, left = cli.app.parse_args(words[1:], exit_on_error=False, print_error=False)
    assert command.__name__ != "help_print"
    assert not left


def test_every_key_stands_on_its_page_with_its_meaning() -> None:
    page = " ".join(generated.configuration().split())
    settings = load(None, {"tasks": [{"name": "intent"}]}, stage.configs())
    keys = list(_keys(settings))
    assert len(keys) > 100
    for path, meaning in keys:
        assert f"{{ #{path} }} : {meaning}" in page


def _keys(model: BaseModel, path: str = "") -> Iterator[tuple[str, str]]:
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        for inner in value if name == "tasks" else (value,):
            if isinstance(inner, BaseModel):
                yield from _keys(inner, f"{path}{name}.")
            else:
                yield f"{path}{name}", field.description or "no meaning"


def test_every_command_stands_on_its_page_with_its_options() -> None:
    page = generated.command_line()
    chains = list(_chains(cli.app))
    assert len(chains) > 15
    for chain in chains:
        assert re.search(rf"^##+ tilth {' '.join(chain)}$", page, flags=re.MULTILINE)
    assert "* `--dry-run`: say what would run, and write nothing" in page
    assert "Table of Contents" not in page


def _chains(app: App, chain: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name in app:
        if not name.startswith("-"):
            yield (*chain, name)
            yield from _chains(app[name], (*chain, name))


def test_every_column_and_reason_stands_on_its_page() -> None:
    page = generated.table()
    assert all(f"\n`{column.name}`\n:   {column.meaning}\n" in page for column in samples.COLUMNS)
    assert all(f"`{word}`" in page for word in samples.Reason)


@pytest.mark.parametrize(
    ("html", "outside"),
    [
        ('<a href="https://example.org">a link</a><img src="images/a.webp"><script src=../b.js>', None),
        ("<p><script src=https://example.org/a.js></script>", "<script src=https://example.org/a.js>"),
        ('<link rel="stylesheet" href="//example.org/a.css">', '<link rel="stylesheet" href="//example.org/a.css">'),
    ],
)
def test_what_a_page_would_load_from_the_network_is_found(html: str, outside: str | None) -> None:
    assert generated.loaded_from_outside(html) == outside


def test_what_the_readme_links_to_is_there() -> None:
    """Links within the site are held by `make docs`."""
    text = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert len(links) > 10
    for link in links:
        path, _, heading = link.partition("#")
        target = DOCS.parent / path
        assert target.is_file(), link
        headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), flags=re.MULTILINE) if heading else []
        assert heading in ["", *(re.sub(r"[^\w-]", "", title.lower().replace(" ", "-")) for title in headings)], link


def test_the_first_page_of_results_leads_to_every_table_by_a_command_that_is_there() -> None:
    folder = DOCS.parent / "benchmarks"
    page = (folder / "RESULTS.md").read_text(encoding="utf-8")
    promises, by_stage = page.split("\n## By stage\n")
    assert len(promises.splitlines()) < 25, "what was promised, on one screen"
    cells = [cell for line in (promises + by_stage).splitlines() for cell in line.split(" | ")[:3]]
    assert max(map(len, cells)) < 160, "conditions stand in the claims in full"
    linked = {link.partition("#")[0] for link in re.findall(r"\]\((results/[^)]+)\)", page)}
    assert linked == {f"results/{file.name}" for file in (folder / "results").glob("*.md")}
    commands = re.findall(r"`(\w+\.py)[^`]*`", page)
    assert len(commands) > 20
    assert [name for name in commands if not (folder / name).is_file()] == []
