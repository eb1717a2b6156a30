from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tilth.samples import Task
from tilth.weak_supervision.functions.accuracy_bounds import is_surely_below, wilson_lower_bound
from tilth.weak_supervision.functions.phrase_mining import (
    MINED_FILE_HEADER,
    Suggestion,
    function_source,
    quoted,
    suggest_functions,
)
from tilth.weak_supervision.functions.phrases import phrase_pattern

TASK = Task(name="intent", labels=("refund", "slow"))
TEXTS = [
    "where is my refund",
    "My refund, please",
    "a refund of my money",
    "so slow at night",
    "slow again at night",
    "why so slow, and my refund?",
    "it is slow",
    "my refund!",
]
CODES = np.array([0, 0, 0, 1, 1, 1, -1, -1])


def found(**options: float) -> dict[str, Suggestion]:
    covered = np.array([True] + [False] * 7)
    return {one.label: one for one in suggest_functions(TEXTS, CODES, TASK, covered, **options)}


def test_a_phrase_has_to_be_right_often_enough() -> None:
    assert set(found()) == {"slow"}
    slow = found()["slow"]
    assert (slow.phrases, slow.rows, slow.uncovered, slow.right, slow.labeled) == (("slow",), (3, 4, 5, 6), 4, 3, 3)
    refund = found(precision=0.75)["refund"]  # right on 3 of the 4 labeled rows that hold it
    assert (refund.phrases, refund.right, refund.labeled) == (("refund",), 3, 4)
    assert refund.uncovered == len(refund.rows) - 1 == 4


def test_a_phrase_is_found_again_whatever_stands_between_its_words() -> None:
    expression = re.compile(rf"\b(?:{phrase_pattern(['my refund', 'c++'])})\b", re.IGNORECASE)
    assert expression.search("MY  - refund")
    assert not expression.search("my refunds")


def test_the_interval_by_hand() -> None:
    assert wilson_lower_bound(0, 0) == 0.0
    assert wilson_lower_bound(10, 10) == pytest.approx(1 / (1 + 1.96**2 / 10))
    # 2 of 8: middle 1/4 + 1/16, spread sqrt(3/16/8 + 1/256), over 1 + 1/8; its upper end is 0.43, of 2 of 5 it is 0.62
    assert is_surely_below(2, 8, 0.44)
    assert not is_surely_below(2, 8, 0.42)
    assert not is_surely_below(2, 5, 0.5)


def test_the_source_compiles_and_its_examples_are_of_labeled_rows() -> None:
    slow = found()["slow"]
    source = MINED_FILE_HEADER.format(task="intent") + function_source(slow, TEXTS, CODES, 1, "one")
    compile(source, "mined", "exec")
    assert '"slow again at night"' in source
    assert '"it is slow"' not in source
    assert quoted('say "no"\n') == '"say \\"no\\"\\n"'


def test_phrases_of_a_script_without_spaces_are_mined_and_found_again() -> None:
    texts = ["我要退款", "退款还没到账", "什么时候退款?", "快递很慢", "快递没到", "催一下快递", "退款!", "请寄快递"]
    labels = np.array([0, 0, 0, 1, 1, 1, -1, -1])
    found = {one.label: one for one in suggest_functions(texts, labels, TASK, np.zeros(8, dtype=bool))}
    assert {label: one.phrases for label, one in found.items()} == {"refund": ("退款",), "slow": ("快递",)}
    assert found["refund"].rows == (0, 1, 2, 6)
    source = MINED_FILE_HEADER.format(task="intent") + function_source(found["slow"], texts, labels, 1)
    names: dict[str, Any] = {}
    exec(compile(source, "mined", "exec"), names)
    assert names["slow_phrases"](SimpleNamespace(text="请寄快递")) == "slow"
    assert names["slow_phrases"](SimpleNamespace(text="我要退款")) in (None, -1)


def test_a_mined_phrase_keeps_the_signs_of_its_texts() -> None:
    """ "ß" is folded to "ss" where texts are compared; a pattern with "ss" would not be found in them."""
    texts = [
        "Größe tauschen",
        "die Größe passt nicht",
        "falsche Größe",
        "Paket da?",
        "Paket fehlt",
        "wo ist mein Paket",
    ]
    found = suggest_functions(texts, np.array([0, 0, 0, 1, 1, 1]), TASK, np.zeros(6, dtype=bool))
    assert {one.label: one.phrases for one in found} == {"refund": ("größe",), "slow": ("paket",)}
    assert {one.label: one.rows for one in found} == {"refund": (0, 1, 2), "slow": (3, 4, 5)}
