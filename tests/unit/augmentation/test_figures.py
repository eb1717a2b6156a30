from __future__ import annotations

import numpy as np

from tilth.augmentation.figures import class_figures
from tilth.augmentation.selection import Candidates
from tilth.samples import Reason

RARE, USUAL, NONE = ("t", "rare"), ("t", "usual"), ("t", "none")


def candidates(*classes: tuple[str, str]) -> Candidates:
    count = len(classes)
    texts = [f"text {place}" for place in range(count)]
    return Candidates(np.arange(count), texts, texts, ["{}"] * count, np.ones(count), list(classes), np.arange(count))


def test_the_page_shows_what_the_classes_of_a_handful_got() -> None:
    reasons = [None, None, Reason.NOVELTY, None]
    sizes, budgets = {USUAL: 20, RARE: 2, NONE: 20}, {USUAL: 10, RARE: 32}
    [figure] = class_figures(sizes, budgets, candidates(RARE, RARE, RARE, USUAL), reasons)
    assert figure.data["rows"] == [
        ["t", "rare", 2, 32, 2],
        ["t", "usual", 20, 10, 1],
        ["t", "none", 20, 0, 0],
    ]


def test_where_nothing_is_accepted_there_is_no_such_table() -> None:
    assert class_figures({RARE: 2}, {RARE: 32}, candidates(RARE), [Reason.NOVELTY]) == []
