"""`tilth lf` on a small workspace of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.small_table import ROWS, HashingEncoder
from tilth import cli, night, store
from tilth.cli.workspace import workspace_data
from tilth.io.ingestion import ingest
from tilth.night.stages import context

HEAD = "from snorkel.labeling import labeling_function\nimport tilth\nTASK = 'intent'\n"
GOOD = (
    HEAD
    + """
@tilth.examples(hits=["my refund"], misses=["my hub"])
@labeling_function()
def refund_word(x):
    return "refund" if "refund" in x.text else None

@labeling_function()
def internet_word(x):
    return "slow" if "internet" in x.text else None
"""
)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "labeling_functions").mkdir()
    (tmp_path / "labeling_functions/words.py").write_text(GOOD)
    for name, gold in (("in.csv", False), ("gold.csv", True)):
        rows = [row for row in ROWS if (row[2] == "gold") == gold]
        lines = [f'{i},"{text}",{area or ""},{intent or ""}' for i, text, _, area, intent in rows]
        (tmp_path / name).write_text("\n".join(["id,text,area,intent", *lines]))
    tasks = '[[tasks]]\nname = "area"\n[[tasks]]\nname = "intent"\nparent = "area"\n'
    config = f'{tasks}[data]\ninput = ["in.csv"]\ngold = "gold.csv"\n[weak_supervision]\nmin_measured = 4\n'
    (tmp_path / "tilth.toml").write_text(config)
    monkeypatch.setattr(workspace_data.WorkspaceData, "encoder", HashingEncoder())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lf(*arguments: str) -> int:
    return cli.main(["lf", *arguments])


def test_list_names_what_is_there_and_what_is_left_out(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workspace / "labeling_functions/broken.py").write_text("import no_such_module\n")
    assert lf("list") == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in out[:2]] == ["intent.refund_word", "intent.internet_word"]
    assert out[0].endswith("words.py, 1 hits and 1 misses")
    assert out[2].startswith("left out: broken.py: does not import: ModuleNotFoundError")


def test_check_passes_with_figures(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lf("check") == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("ok       intent.refund_word")
    assert "votes on 40.0% of 10 rows, right on 3 of 3 labeled ones" in out[0]  # a1 a2 a3 and u1
    assert "votes on 40.0% of 10 rows, right on 3 of 4 labeled ones" in out[1]  # b1 b2 b3, and c1, an outage
    assert out[2] == "2 labeling functions are fit for the night"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("    return 'refnd'", 'which is no class; did you mean "refund"?'),
        ("    raise KeyError('k')", "raised on 10 of 10 rows, last KeyError: 'k'"),
        ("    import os; os._exit(9)", "ended its process with status 9"),
        ("    return x['none']", "raised on 10 of 10 rows, last KeyError: 'none: no such column; there "),
        ("    return 'outage'", "right on 2 of 8 labeled ones: below min_accuracy"),
    ],
)
def test_check_fails_where_a_night_would_leave_it_out(
    body: str, why: str, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "tilth.toml").write_text((workspace / "tilth.toml").read_text() + "min_accuracy = 0.7\n")
    (workspace / "labeling_functions/bad.py").write_text(HEAD + f"@labeling_function()\ndef bad(x):\n{body}\n")
    assert lf("check") == 1
    out = capsys.readouterr().out
    assert why in out
    assert "FAILED   intent.bad" in out
    assert out.endswith("1 failed\n")


def test_check_of_one_function_goes_by_that_one_alone(workspace: Path) -> None:
    (workspace / "labeling_functions/bad.py").write_text(
        f"{HEAD}@labeling_function()\ndef bad(x):\n    return 'refnd'\n"
    )
    assert lf("check") == 1
    assert lf("check", "refund_word") == 0


def test_check_fails_where_an_example_does_not_hold_or_a_file_does_not_import(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "labeling_functions/words.py").write_text(GOOD.replace("my hub", "no refund"))
    (workspace / "labeling_functions/broken.py").write_text("raise SystemExit(0)\n")
    assert lf("check") == 1
    out = capsys.readouterr().out
    assert 'FAILED   intent.refund_word                  votes on its example "no refund"' in out
    assert "left out: broken.py: does not import: SystemExit" in out
    assert out.endswith("2 failed\n")


def test_votes_shows_wrong_ones_first_and_gold_as_a_count(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lf("votes", "internet_word") == 0
    out = capsys.readouterr().out
    wrong, rest = out.split("right, or without a label to go by: ")
    assert "wrong: 1\n  c1  slow (outage)  no internet at all" in wrong
    assert rest.startswith("3\n  b1  slow (slow)")
    assert "g1" not in out
    assert "g2" not in out
    assert out.endswith("gold: votes on 0 of 2 rows, right on 0\n")
    assert lf("votes", "intent.refund_word") == 0
    out = capsys.readouterr().out
    assert "u1  refund (no label)  the refund is late" in out
    assert "has the refund been sent" not in out
    assert out.endswith("gold: votes on 1 of 2 rows, right on 1\n")


def test_a_wrong_name_is_met_with_the_nearest(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lf("votes", "refund_wrd") == 2
    assert 'did you mean "refund_word"' in capsys.readouterr().err
    (workspace / "labeling_functions/broken.py").write_text("import no_such_module\n")
    assert lf("votes", "broken") == 2
    assert "broken.py is left out" in capsys.readouterr().err
    assert lf("suggest", "--task", "intnet") == 2
    assert lf("new", "a", "--label", "refnd") == 2
    assert 'did you mean "refund"' in capsys.readouterr().err


def test_new_makes_a_file_that_passes_its_own_check(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lf("new", "made", "--label", "refund") == 0
    assert lf("new", "other", "--label", "outage") == 0  # of which two rows tell too little
    source = (workspace / "labeling_functions/made.py").read_text()
    assert 'return "refund" if re.search(r"\\b(?:refund)\\b"' in source
    assert lf("check", "made", "other") == 0
    assert lf("new", "made") == 2
    assert "is there already" in capsys.readouterr().err
    assert lf("new", "no-name") == 2


def test_suggest_prints_a_file_that_is_ready_to_use(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workspace / "labeling_functions/words.py").unlink()
    assert lf("suggest") == 0
    source = capsys.readouterr().out
    assert "# refund: votes on 4 of 10 rows, 4 of them new; right on 3 of 3 labeled ones" in source
    assert "has the refund been sent" not in source  # gold
    (workspace / "labeling_functions/mined.py").write_text(source)
    assert lf("check") == 0
    assert "refund_phrases" in capsys.readouterr().out
    ruff = shutil.which("ruff", path=Path(sys.executable).parent)
    if ruff is not None:
        subprocess.run([ruff, "check", "--isolated", "--select", "E9,F", "labeling_functions"], check=True)


def test_suggest_without_labels_says_what_to_do(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lf("suggest", "--label", "outage") == 2
    assert "label more, or lower --precision" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("suggest", "--precision", "90"), ("votes", "refund_word", "--rows", "-1")])
def test_an_option_out_of_range_is_told(
    arguments: tuple[str, ...], workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lf(*arguments) == 2
    assert "at " in capsys.readouterr().err


def test_check_tells_what_is_odd_about_a_function_that_is_used(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "labeling_functions/_helpers.py").write_text("import itertools\nTURN = itertools.cycle([0, 1])\n")
    body = (
        "@labeling_function()\ndef turns(x):\n    print('at it')\n    return 'refund' if next(_helpers.TURN) else -1\n"
    )
    (workspace / "labeling_functions/odd.py").write_text(HEAD + "import _helpers\n" + body)
    lf("check", "turns")
    out = capsys.readouterr().out
    assert "prints: at it at it" in out
    # The five it voted on come first: 0 1 0 1 0, three of them otherwise; then the rest: 1 0 1 0 1, three again.
    assert "answers otherwise when asked again: on 6 of 10 rows" in out


def test_a_night_names_what_it_leaves_out_on_the_terminal(
    workspace: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = HEAD + "@labeling_function()\ndef bad(x):\n    print('hm')\n    return 'Refund' if x['text'] else None\n"
    (workspace / "labeling_functions/bad.py").write_text(bad)
    (workspace / "labeling_functions/broken.py").write_text("import no_such_module\n")
    monkeypatch.setattr(context, "Encoder", lambda *_: HashingEncoder())
    request = night.Request(workspace=store.locate(None), stages=("weak_supervision",))
    ingested = ingest(request.settings, workspace)
    with caplog.at_level("WARNING", logger="tilth"):
        night.plan(request, ingested)
        planned = [record.getMessage() for record in caplog.records]
        assert planned[-1].startswith("left out: broken.py: does not import: ModuleNotFoundError")
        for _ in range(2):  # the second time from the cache
            caplog.clear()
            night.perform(night.begin(request, ingested), "weak_supervision")
            told = [record.getMessage() for record in caplog.records]
            assert told[0] == "labeling functions and files of them that are left out: 2"
            assert told[1].startswith("left out: broken.py: does not import: ModuleNotFoundError")
            assert told[2].startswith("left out: intent.bad: returned 'Refund', which is no class; did you mean")
            assert told[2].endswith('(on 10 of 10 rows, first "where is the refund that you promised me")')
            assert told[3].startswith("note: intent.bad: prints: hm")


def test_all_of_it_as_json_and_nothing_else(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workspace / "labeling_functions/broken.py").write_text("import no_such_module\n")

    def told(*arguments: str, status: int = 0) -> dict[str, Any]:
        assert lf(*arguments, "--json") == status
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    listed = told("list")
    assert [(one["task"], one["name"], one["hits"]) for one in listed["functions"]] == [
        ("intent", "refund_word", 1),
        ("intent", "internet_word", 0),
    ]
    assert [one["where"] for one in listed["left_out"]] == ["broken.py"]
    checked = told("check", status=1)
    assert checked["failed"] == 1
    counts = [(one["votes"], one["rows"], one["right"], one["measured"], one["good"]) for one in checked["functions"]]
    assert counts == [(4, 10, 3, 3, True), (4, 10, 3, 4, True)]
    votes = told("votes", "internet_word")
    assert [(row["id"], row["vote"], row["label"]) for row in votes["wrong"]["rows"]] == [("c1", "slow", "outage")]
    assert [row["id"] for row in votes["others"]["rows"]] == ["b1", "b2", "b3"]
    assert votes["gold"] == {"votes": 0, "rows": 2, "right": 0}
    assert told("new", "made", "--label", "refund") == {"path": str(workspace / "labeling_functions/made.py")}
    (workspace / "labeling_functions/words.py").unlink()
    (workspace / "labeling_functions/made.py").unlink()
    suggested = told("suggest")["functions"]
    refund = next(one for one in suggested if one["label"] == "refund")
    assert (refund["votes"], refund["new"], refund["right"], refund["measured"]) == (4, 4, 3, 3)
    assert "def refund_phrases(" in refund["source"]
