"""The order of the checks, which decides the reason of a row that fails several, and which modules they come from."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tilth.cleaning.checks import registry
from tilth.cleaning.checks.registry import CHECKS, MODULES, ordered_checks

CHECKS_IN_ORDER = [
    "empty",
    "junk",
    "too_long",
    "encoding",
    "language",
    "outlier",
    "exact_duplicate",
    "gold_leak",
    "near_duplicate",
    "boilerplate",
]
OF_PICTURES = ["picture_copy", "picture_leak", "picture_duplicate", "picture_outlier"]


def test_every_module_with_a_registered_check_is_loaded() -> None:
    """By the source: each function decorated with `check` in the folder stands in a module that is named, and runs."""
    modules, names = set(), set()
    for path in Path(str(registry.__file__)).parent.glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            for decorator in getattr(node, "decorator_list", []):
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).split(".")[-1] == "check":
                    modules.add(path.stem)
                    names.add(ast.literal_eval(decorator.args[0]))
    assert modules == set(MODULES)
    assert names == {*CHECKS_IN_ORDER, *OF_PICTURES}


def test_checks_run_in_that_order_however_they_were_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    ordered_checks()
    turned = {name: CHECKS[name] for name in reversed([*CHECKS_IN_ORDER, *OF_PICTURES])}
    monkeypatch.setattr(registry, "CHECKS", turned)
    assert [check.name for check in ordered_checks()] == CHECKS_IN_ORDER
    assert [check.name for check in ordered_checks(pictures=True)] == [*CHECKS_IN_ORDER, *OF_PICTURES]
