"""Which texts stand for the classes, by the config and by what people renamed; and what rests on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.small_table import TASKS, make_table
from tilth import stage as stages
from tilth.config import load
from tilth.night.stages.context import Context
from tilth.samples import from_pandas, to_pandas


def context_of(folder: Path, **data: Any) -> Context:
    """Of a night in an empty workspace."""
    settings = load(None, {"data": data, "tasks": [{"name": task.name} for task in TASKS]}, stages.configs())
    return Context(
        {
            "workspace": {"root": str(folder), "config": None, "data": str(folder / "data")},
            "config": settings.model_dump(mode="json"),
            "tasks": [task.to_json() for task in TASKS],
            "carried": {"in": {}},
        }
    )


def test_classes_are_read_by_their_names_and_the_sentences_on_them(tmp_path: Path) -> None:
    found = context_of(tmp_path, definitions={"slow": "Pages take long."}).class_texts
    assert found["area"].texts == ("billing", "network")
    assert found["intent"].texts == ("refund", "slow", "Pages take long.", "outage")
    assert not found["intent"].always
    assert context_of(tmp_path, class_names="never").class_texts == {}
    assert context_of(tmp_path, class_names="always").class_texts["area"].always


@pytest.mark.parametrize("other", [{"class_names": "never"}, {"definitions": {"slow": "Pages take long."}}])
def test_what_rests_on_them_is_computed_anew(other: dict[str, Any], tmp_path: Path) -> None:
    before = from_pandas(to_pandas(make_table()), TASKS)
    first, again, changed = (
        context_of(tmp_path, **data).result("training", before, None, {})[0] for data in ({}, {}, other)
    )
    assert first == again
    assert first != changed
