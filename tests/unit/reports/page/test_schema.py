"""`report.json` is what its schema says, whatever became of the night; and every part of it is described."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from docs import generated
from jsonschema import Draft202012Validator

from tests.small_table import make_table
from tests.unit.reports.fake_run import make
from tilth import reports, store
from tilth.store import Run

SCHEMA: dict[str, Any] = json.loads((resources.files("tilth.reports.page") / "report.schema.json").read_text("utf-8"))


def whole(folder: Path) -> Path:
    return make(folder)


def failed(folder: Path) -> Path:
    run = make(folder)
    record = store.read_json(run / "run.json")
    store.write_json(run / "run.json", {**record, "status": "failed", "error": "stage training failed", "gold": None})
    return run


def bare(folder: Path) -> Path:
    run = Run.create(folder, {"tasks": [], "inputs": [], "stages": []})
    store.write_table(run.path / "0-input.parquet", make_table())
    return run.path


def without_a_table(folder: Path) -> Path:
    run = make(folder)
    for path in run.glob("*.parquet"):
        path.unlink()
    return run


def second(folder: Path) -> Path:
    make(folder / "runs" / "20260101-000000")
    return make(folder / "runs" / "20260102-000000")


@pytest.mark.parametrize("night", [whole, failed, bare, without_a_table, second])
def test_a_report_is_what_the_schema_says(tmp_path: Path, night: Any) -> None:
    run = night(tmp_path)
    reports.write(run)
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    wrong = [f"{one.json_path}: {one.message[:200]}" for one in Draft202012Validator(SCHEMA).iter_errors(report)]
    assert wrong == []


def test_a_part_that_nobody_described_is_found(tmp_path: Path) -> None:
    run = whole(tmp_path)
    reports.write(run)
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    for wrong in ({**report, "new": 1}, {**report, "rows": {}}, {**report, "version": 1}):
        assert list(Draft202012Validator(SCHEMA).iter_errors(wrong))


def test_every_part_stands_on_its_page_with_its_meaning() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    page = generated.report_json()
    for name, part in SCHEMA["properties"].items():
        assert f"\n`{name}`\n:   {part['description']}" in page
    assert "`verdict.word`\n:   against the night before" in page
