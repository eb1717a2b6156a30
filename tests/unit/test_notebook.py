from __future__ import annotations

from pathlib import Path

import pytest

import tilth
from tilth.errors import InputError
from tilth.store import Run


def test_rows_are_read_as_a_night_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("body,domain,intent\nwhere is it,orders,late\nhow much,billing,price\nhello,,\n", encoding="utf-8")
    found = tilth.read(path, text="body", tasks=["domain", "domain/intent"])
    assert found.samples["split"][:] == ["train", "train", "unlabeled"]
    assert [(task.name, task.parent) for task in found.tasks] == [("domain", None), ("intent", "domain")]
    assert found.tasks[1].parent_of == {"late": "orders", "price": "billing"}
    with pytest.raises(InputError, match='no column "text"'):
        tilth.read(path)


def test_the_nights_of_a_workspace(tmp_path: Path) -> None:
    (tmp_path / "tilth.toml").write_text("", encoding="utf-8")
    assert tilth.runs(tmp_path) == []
    made = [Run.create(tmp_path / "data/runs", {"seed": seed}) for seed in (1, 2)]
    assert [run.record["seed"] for run in tilth.runs(tmp_path)] == [1, 2]
    assert [run.path for run in tilth.runs(tmp_path)] == [run.path for run in made]


def test_public_names_are_there_and_others_are_not() -> None:
    assert all(getattr(tilth, name) is not None for name in tilth.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = tilth.nothing
