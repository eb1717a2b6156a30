"""Data sets in German and in Chinese, by the command line: worked as English ones are, and what cannot be is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.command_line import Workspace
from tilth.learn.encoder_reading import MULTILINGUAL

pytestmark = pytest.mark.slow
WORKSPACES = Path(__file__).parents[1] / "workspaces"
FOREIGN = "When does the shop open on Saturday, and is there a lift for wheelchairs?"


@pytest.mark.parametrize(("name", "language"), [("german", "de"), ("chinese", "zh")])
def test_a_night_in_another_language(name: str, language: str, tmp_path: Path) -> None:
    workspace = Workspace(Path(shutil.copytree(WORKSPACES / name, tmp_path / name)))
    file = workspace.data / "messages.csv"
    rows = pd.read_csv(file)
    strange = pd.DataFrame({"text": [FOREIGN, "asdfghjk"], "topic": rows["topic"].iloc[0]})
    pd.concat([rows, strange]).to_csv(file, index=False)

    done = workspace("run", "--to", "augmentation")

    assert done.returncode == 0, done.stderr
    assert f'encoder.model = "{MULTILINGUAL}"' in done.stderr + done.stdout
    assert f'paraphrases are English only, and most of the texts are not (they are "{language}")' in (
        done.stderr + done.stdout
    )
    table = pd.read_parquet(workspace.runs[-1] / "3-augmentation.parquet")
    assert len(table) == len(rows) + 2, "no paraphrase"
    issues = {check: set(table["text"][table[f"is_{check}_issue"]]) for check in ("language", "junk", "near_duplicate")}
    assert issues == {"language": {FOREIGN}, "junk": {"asdfghjk"}, "near_duplicate": set()}
    assert table["is_topic_issue"].sum() <= 6, "all labels of the 120 are right, whatever the encoder makes of them"
    functions = workspace.record()["stages"][1]["metrics"]["tasks"]["topic"]
    assert functions["functions"] == 3
    assert functions["used"] >= 2, "the third goes by the encoder, which reads Chinese badly"
    assert functions["voted_on"] > 30
    page = (workspace.runs[-1] / "report.html").read_text(encoding="utf-8")
    assert "The encoder reads these texts badly" in page
    assert MULTILINGUAL in page
