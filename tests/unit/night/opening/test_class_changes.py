"""Classes that the night before had, and what is said of those that no row has any more."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tilth.night.opening.class_changes import classes_gone
from tilth.samples import Task


@pytest.mark.parametrize(
    ("labels", "former", "sentences"),
    [
        (("a", "b"), {}, []),
        (("a", "b", "c"), {}, []),
        (("a",), {}, ['no row has the class "b" of task "area" any more, which the night before had']),
        (("a", "c"), {"b": "c"}, []),  # by `tilth labels rename b c`
        (
            ("0", "1"),
            {},
            [
                'no row has 2 classes ("a", "b") of task "area" any more, which the night before had, and 2 classes '
                '("0", "1") are new; for a mere change of name: tilth labels rename OLD NEW'
            ],
        ),
    ],
)
def test_what_is_gone_is_named(labels: tuple[str, ...], former: Mapping[str, str], sentences: list[str]) -> None:
    before = {"tasks": [{"name": "area", "labels": ["a", "b"]}]}
    assert classes_gone(before, [Task(name="area", labels=labels, former=former)]) == sentences


def test_a_task_that_is_new_has_lost_nothing() -> None:
    assert classes_gone({"tasks": []}, [Task(name="area", labels=("a",))]) == []
    assert classes_gone({}, [Task(name="area", labels=("a",))]) == []
