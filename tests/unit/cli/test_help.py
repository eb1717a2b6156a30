"""What the command line says of itself: help pages with examples that parse, versions, and the nearest word."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App

from tilth import cli

FLAGS = {"--help", "-h", "--version", "--install-completion"}


def _pages(app: App, chain: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command and group of commands, by the words that lead to it."""
    yield chain
    for name in app:
        if name not in FLAGS:
            yield from _pages(app[name], (*chain, name))


COMMANDS = [chain for chain in _pages(cli.app) if chain and not list(_pages(cli.app[chain[0]]))[1:]]
COMMANDS += [chain for chain in _pages(cli.app) if len(chain) > 1]


@pytest.mark.parametrize("chain", COMMANDS, ids=" ".join)
def test_each_page_has_examples_and_they_parse(chain: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*chain, "--help"]) == 0
    page = capsys.readouterr().out
    examples = re.findall(r"^    (?:\S+ \| )?tilth (.*?)(?: [<>|] .*)?$", page, flags=re.M)
    assert any(example.split()[: len(chain)] == list(chain) for example in examples)
    for example in examples:
        command, _, left = cli.app.parse_args(shlex.split(example), exit_on_error=False, print_error=False)
        assert command.__name__ != "help_print"
        assert not left


def test_the_first_page_lists_every_command_with_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    page = capsys.readouterr().out
    for place in cli.COMMANDS:
        assert re.search(rf"^│ {place.rpartition(':')[2]} +[A-Z]", page, flags=re.M)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"tilth {version('tilth')}\n"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("rnu", 'Unknown command "rnu". Did you mean "run"?'),
        ("lf chek", 'Unknown command "chek". Did you mean "check"?'),
        ("run --inpt rows.csv", "Unknown option: --inpt. Did you mean --input?"),
        ("run --seed many", '"many"'),
        ("run --seed", "--seed requires an argument"),
        ("run rows.csv", "tilth run --input rows.csv"),
        ("export", "requires an argument"),
        ("--vrsion", "--vrsion"),
    ],
)
def test_a_wrong_word_is_met_with_the_right_one(words: str, named: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words.split()) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("tilth: ")
    assert len(told.err.splitlines()) == 1
    assert named in told.err


@pytest.mark.parametrize("words", [[], ["lf"], ["paraphraser"]])
def test_half_a_request_shows_what_there_is(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 2
    assert "Commands" in capsys.readouterr().out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_command_and_its_options(
    shell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--install-completion", "--shell", shell, "--output", str(tmp_path / "script")]) == 0
    script = (tmp_path / "script").read_text()
    words = [place.rpartition(":")[2] for place in cli.COMMANDS]
    for word in (*words, "suggest", "precision", "dry-run", "input"):
        assert word in script


def test_the_first_page_and_the_version_wait_for_no_heavy_library() -> None:
    heavy = "{'torch', 'pandas', 'prefect', 'numpy', 'pydantic', 'datasets', 'pyarrow'}"
    code = (
        "import contextlib, io, sys\nfrom tilth.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    assert [main([word]) for word in ('--help', '--version', 'rnu')] == [0, 0, 2]\n"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_shell_completes_rows_as_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows/of march.csv").touch()
    (tmp_path / "rows.csv").touch()
    monkeypatch.chdir(tmp_path)
    for word, found in (
        ("ro", ["rows/", "rows.csv"]),
        ("rows/", ["rows/of march.csv"]),
        ("no", []),
        ("./rows.", ["./rows.csv"]),
    ):
        assert cli.main(["__complete", "run", "--input", word]) == 0
        assert sorted(capsys.readouterr().out.split("\x1fbegin\n")[1].splitlines()) == sorted(found)
