"""A benchmark's page is written anew; what a person wrote about it stays."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_what_a_person_wrote_below_the_line_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    _results = importlib.import_module("_results")
    monkeypatch.setattr(_results, "FOLDER", tmp_path)
    page = tmp_path / "claim.md"
    _results.write("claim", "# Old\n")
    assert page.read_text() == "# Old\n"
    page.write_text(f"# Old\n\n{_results.BY_HAND}\n\nIt is noise.\n")
    _results.write("claim", "# New\n")
    assert page.read_text() == f"# New\n\n{_results.BY_HAND}\n\nIt is noise.\n"
