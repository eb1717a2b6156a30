"""Faces that load lazily: what they hand on is there, and nothing is loaded before it is asked for."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import tilth

SOURCE = Path(tilth.__file__).parent
FACES = sorted(
    ".".join(path.parent.relative_to(SOURCE.parent).parts)
    for path in SOURCE.rglob("__init__.py")
    if "lazy_exports(" in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", FACES)
def test_a_face_hands_on_all_that_it_names(name: str) -> None:
    face = importlib.import_module(name)
    names = face.__dir__()
    assert names
    assert all(getattr(face, one) is not None for one in names)
    assert {one for one in getattr(face, "__all__", names) if one not in vars(face)} <= {*names}  # of the Python API
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        getattr(face, "no_such_name")  # noqa: B009 - it is no attribute


def test_a_room_is_imported_without_its_modules() -> None:
    code = "import sys, tilth.training.export; print([one for one in sys.modules if one.startswith('tilth.training.')])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "['tilth.training.export']\n"
