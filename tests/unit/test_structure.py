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
    face.write_text(
        f"if TYPE_CHECKING:\n    from tilth.{tmp_path.name}.counts import row_counts, verdict\n"
        "__getattr__, __dir__ = lazy_exports(__name__)\n"
    )
    assert STRUCTURE["ambiguous"]([tmp_path]) == [(face, "verdict")]


def test_a_name_is_taken_from_where_it_stands_or_from_a_face(tmp_path: Path) -> None:
    assert STRUCTURE["borrowed"](STRUCTURE["CODE"][0]) == []
    package = tmp_path / "tilth"
    package.mkdir()
    (package / "__init__.py").write_text("from tilth.one import made\n")
    (package / "one.py").write_text("from json import loads\nmade = loads\n")
    (package / "two.py").write_text("from tilth import made, one\nfrom tilth.one import loads, made\n")
    assert STRUCTURE["borrowed"](package) == [(package / "two.py", "tilth.one", "loads")]


def test_no_module_reaches_past_the_face_of_a_room(graph: grimp.ImportGraph) -> None:
    assert STRUCTURE["past_a_face"](graph) == []
