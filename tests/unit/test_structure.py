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


def test_no_folder_holds_more_modules_than_one_sees_at_a_glance(tmp_path: Path) -> None:
    assert STRUCTURE["crowded"](STRUCTURE["CODE"]) == []
    most = STRUCTURE["MOST"]
    assert most == 12
    for folder, count in (("inner", most), ("inner/full", most + 1)):
        (tmp_path / folder).mkdir()
        for name in ("__init__", *(f"module_{number}" for number in range(count))):
            (tmp_path / folder / f"{name}.py").touch()
    assert STRUCTURE["crowded"]([tmp_path]) == [(tmp_path / "inner/full", most + 1)]


def test_what_a_lazy_face_hands_on_is_no_module_of_its_room(tmp_path: Path) -> None:
    assert STRUCTURE["ambiguous"](STRUCTURE["CODE"]) == []
    (tmp_path / "verdict.py").touch()
    face = tmp_path / "__init__.py"
    face.write_text('__all__ = ["row_counts", "verdict"]\n__getattr__, __dir__ = lazy_exports(__name__)\n')
    assert STRUCTURE["ambiguous"]([tmp_path]) == [(face, "verdict")]


def test_no_module_reaches_past_the_face_of_a_room(graph: grimp.ImportGraph) -> None:
    assert STRUCTURE["past_a_face"](graph) == []
