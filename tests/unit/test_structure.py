"""The folders of the package import each other in one direction, and each room through its face alone."""

from __future__ import annotations

import runpy
from pathlib import Path

import grimp
import pytest

STRUCTURE = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "structure.py"))


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("tilth", exclude_type_checking_imports=True, cache_dir=None)


def test_no_folder_imports_another_that_imports_it_back(graph: grimp.ImportGraph) -> None:
    pairs = STRUCTURE["edges"](graph)
    assert ("tilth.night", "tilth.store") in pairs
    assert STRUCTURE["loop"](pairs) == []
    assert STRUCTURE["loop"]({("a", "b"), ("b", "c"), ("c", "a")}) != []


def test_no_module_reaches_past_the_face_of_a_room(graph: grimp.ImportGraph) -> None:
    assert STRUCTURE["past_a_face"](graph) == []
