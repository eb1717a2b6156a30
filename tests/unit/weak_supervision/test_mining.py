from __future__ import annotations

import re

import numpy as np
import pytest

from tilth.samples import Task
from tilth.weak_supervision.functions import accuracy_bounds, phrase_mining

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


def found(**options: float) -> dict[str, phrase_mining.Suggestion]:
    covered = np.array([True] + [False] * 7)
    return {one.label: one for one in phrase_mining.suggest(TEXTS, CODES, TASK, covered, **options)}


def test_a_phrase_has_to_be_right_often_enough() -> None:
    assert set(found()) == {"slow"}
    slow = found()["slow"]
    assert (slow.phrases, slow.rows, slow.fresh, slow.right, slow.told) == (("slow",), (3, 4, 5, 6), 4, 3, 3)
    refund = found(precision=0.75)["refund"]  # right on 3 of the 4 labeled rows that hold it
    assert (refund.phrases, refund.right, refund.told) == (("refund",), 3, 4)
    assert refund.fresh == len(refund.rows) - 1 == 4


def test_a_phrase_is_found_again_whatever_stands_between_its_words() -> None:
    expression = re.compile(rf"\b(?:{phrase_mining.pattern(['my refund', 'c++'])})\b", re.IGNORECASE)
    assert expression.search("MY  - refund")
    assert not expression.search("my refunds")


def test_the_interval_by_hand() -> None:
    assert accuracy_bounds.wilson(0, 0) == 0.0
    assert accuracy_bounds.wilson(10, 10) == pytest.approx(1 / (1 + 1.96**2 / 10))
    # 2 of 8: middle 1/4 + 1/16, spread sqrt(3/16/8 + 1/256), over 1 + 1/8; its upper end is 0.43, of 2 of 5 it is 0.62
    assert accuracy_bounds.below(2, 8, 0.44)
    assert not accuracy_bounds.below(2, 8, 0.42)
    assert not accuracy_bounds.below(2, 5, 0.5)


def test_the_source_compiles_and_its_examples_are_of_labeled_rows() -> None:
    slow = found()["slow"]
    source = phrase_mining.HEADER.format(task="intent") + phrase_mining.write(slow, TEXTS, CODES, 1, "one")
    compile(source, "mined", "exec")
    assert '"slow again at night"' in source
    assert '"it is slow"' not in source
    assert phrase_mining.quoted('say "no"\n') == '"say \\"no\\"\\n"'
