"""Faces that load lazily: what they hand on is there, and nothing is loaded before it is asked for."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tilth
from tests.unit.cleaning.checks.test_order import CHECKS_IN_ORDER

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


FRESH = """
import json, sys
def loaded(*names): return sorted({*names} & {*sys.modules})
found = {}
import tilth.training.export
found["export"] = [one for one in sys.modules if one.startswith("tilth.training.")]
from tilth.cli import main
found["command line"] = loaded("pandas", "datasets", "numpy", "pydantic")
assert main(["run", "--set", "nix=1"]) == 2 and main(["run", "--text", "body"]) == 2
found["refusals"] = loaded("torch", "transformers", "prefect", "sklearn", "diffusers", "snorkel")
import tilth.night, tilth.learn
found["night"] = loaded("sklearn", "scipy.stats")
tilth.learn.Evidence  # as in a dry run
found["evidence"] = loaded("torch", "transformers")
import tilth.augmentation.stage
found["augmentation"] = loaded("torch", "diffusers", "transformers")
from tilth.cleaning.checks import ordered_checks
found["checks"] = [check.name for check in ordered_checks()]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def fresh() -> dict[str, Any]:
    """What a process has loaded step by step that no test has loaded anything in, in the demo workspace."""
    command = [sys.executable, "-c", FRESH]
    done = subprocess.run(command, cwd=SOURCE.parents[1], check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_room_is_imported_without_its_modules(fresh: dict[str, Any]) -> None:
    assert fresh["export"] == ["tilth.training.export"]


def test_help_and_refusals_wait_for_no_heavy_library(fresh: dict[str, Any]) -> None:
    """Both answer within a second or two, because neither loads torch."""
    assert [fresh[step] for step in ("command line", "refusals", "night", "evidence")] == [[]] * 4


def test_until_something_is_generated_no_network_is_loaded(fresh: dict[str, Any]) -> None:
    """diffusers alone takes seconds, which nights without paraphrases save."""
    assert fresh["augmentation"] == []


def test_checks_run_in_the_order_that_is_written_down(fresh: dict[str, Any]) -> None:
    """Where no other test has imported or registered any check."""
    assert fresh["checks"] == CHECKS_IN_ORDER
