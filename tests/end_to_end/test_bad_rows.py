"""Rows, classes and labeling functions that are wrong: set aside and reported, and the night goes on."""

from __future__ import annotations

from typing import TypeAlias

import pandas as pd
import pytest

from tests.command_line import Workspace
from tests.end_to_end.conftest import Night

pytestmark = pytest.mark.slow

Odd: TypeAlias = tuple[Workspace, str]

BAD_FUNCTIONS = {
    "raises.py": """
from snorkel.labeling import labeling_function
TASK = "intent"
@labeling_function()
def always_raises(x):
    raise ValueError("no such thing")
""",
    "broken.py": "import a_module_that_is_nowhere\n",
    "stranger.py": """
from snorkel.labeling import labeling_function
TASK = "intent"
@labeling_function()
def invents_a_class(x):
    return "no_such_class"
""",
}


@pytest.fixture(scope="module")
def odd(night: Night, tmp_path_factory: pytest.TempPathFactory) -> Odd:
    """One night on all of it at once."""
    workspace = night.workspace.copy(tmp_path_factory.mktemp("odd") / "workspace")
    raw = workspace.data / "raw"
    with (raw / "inbox.csv").open("ab") as file:
        file.write(b'z1,"the only message of its kind, about a fax",chat,account,fax\n')
        file.write(b"z2," + b"again and again " * 62_500 + b",chat,,\n")
        file.write(b"z3,there is a NUL\x00 byte in here,chat,,\n")
        file.write(b"z4,too,many,fields,in,this,line\n")
    with (raw / "gold.csv").open("a", encoding="utf-8") as file:
        file.write("zg,what is a telegram,chat,account,telegram\n")
    for name, source in BAD_FUNCTIONS.items():
        (workspace.root / "labeling_functions" / name).write_text(source, encoding="utf-8")
    done = workspace("run", "--skip", "augmentation")
    assert done.returncode == 0, done.stderr
    return workspace, done.stderr


def rows(workspace: Workspace) -> pd.DataFrame:
    return pd.read_parquet(workspace.runs[-1] / "5-training.parquet").set_index("id")


def test_every_row_that_could_be_read_is_there_and_the_rest_is_counted(odd: Odd) -> None:
    workspace, shown = odd
    assert "1 line of inbox.csv could not be read" in shown
    found = rows(workspace)
    assert {"z1", "z2", "z3", "zg"} <= set(found.index)
    assert "z4" not in found.index
    told = {note["kind"]: note["count"] for note in workspace.record()["ingest"]["notes"]}
    assert told == {"unreadable_lines": 1, "control_characters_removed": 1, "gold_labels_of_no_class": 1}
    kept = (workspace.runs[-1] / "unreadable.txt").read_text(encoding="utf-8")
    assert kept.endswith(": z4,too,many,fields,in,this,line\n")
    assert found.loc["z3", "text"] == "there is a NUL byte in here"


def test_a_class_with_one_row_is_kept(odd: Odd) -> None:
    workspace, _ = odd
    row = rows(workspace).loc["z1"]
    assert (row["status"], row["intent"], row["intent_origin"]) == ("active", "fax", "given")
    assert "fax" in next(task for task in workspace.record()["tasks"] if task["name"] == "intent")["labels"]


def test_a_text_of_a_million_characters_is_set_aside_with_its_reason(odd: Odd) -> None:
    workspace, _ = odd
    row = rows(workspace).loc["z2"]
    assert len(row["text"]) > 999_000
    assert row["status"] == "quarantined"
    assert row["reason"] in workspace.record()["stages"][0]["quarantined"]


def test_a_gold_label_that_training_never_saw_is_a_miss(odd: Odd) -> None:
    workspace, _ = odd
    gold = rows(workspace).query("split == 'gold'")
    assert gold.loc["zg", "intent_predicted"] != "telegram"
    accuracy = float((gold["intent_predicted"] == gold["intent_given"]).mean())
    assert workspace.record()["gold"]["rows"] == len(gold)
    assert workspace.record()["gold"]["intent"]["accuracy"] == pytest.approx(accuracy, abs=1e-4)


def test_bad_labeling_functions_are_named_with_what_is_wrong(odd: Odd) -> None:
    workspace, told = odd
    reported = str(workspace.record()["stages"][1]["metrics"])
    for name, why in (
        ("always_raises", "no such thing"),
        ("broken.py", "a_module_that_is_nowhere"),
        ("invents_a_class", "no_such_class"),
    ):
        assert name in reported
        assert why in reported
    assert "Traceback" not in told
    votes = pd.read_parquet(workspace.runs[-1] / "votes.parquet")
    assert not {"always_raises", "invents_a_class"} & {
        column.rpartition(".")[2] for column in votes if (votes[column] != -1).any()
    }


def test_no_label_at_all_and_the_stages_that_need_one_say_so(
    night: Night, tmp_path_factory: pytest.TempPathFactory
) -> None:
    workspace = night.workspace.copy(tmp_path_factory.mktemp("none") / "workspace")
    raw = pd.read_csv(workspace.data / "raw/inbox.csv", dtype=str, keep_default_na=False)
    raw.assign(area="", intent="").to_csv(workspace.data / "raw/inbox.csv", index=False)
    config = (workspace.root / "tilth.toml").read_text(encoding="utf-8")
    config = config.replace('name = "area"', 'name = "area"\nlabels = ["billing", "mobile", "broadband"]')
    config = config.replace('parent = "area"', 'parent = "area"\nlabels = ["refund_status", "roaming", "slow_speed"]')
    config = config.replace('gold = "data/raw/gold.csv"', "")
    (workspace.root / "tilth.toml").write_text(config, encoding="utf-8")
    for file in (workspace.root / "labeling_functions").glob("*.py"):
        file.unlink()
    done = workspace("run")
    assert done.returncode == 0, done.stderr
    skipped = {entry["name"]: entry["skipped"] for entry in workspace.record()["stages"]}
    assert "no label" in skipped["training"]
    assert skipped["cleaning"] is None
    assert (workspace.runs[-1] / "report.html").exists()
