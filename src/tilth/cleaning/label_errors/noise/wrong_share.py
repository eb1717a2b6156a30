"""What share of the labels is wrong, from how often two views of the texts and the labels agree.

Two views that err apart and the labels are three annotators, whose accuracies follow from their agreement
(`three_accuracies`). Views err together on hard rows, which looks as errors of the labels would, so the share
is estimated among rows that are about as hard. Errors of people grow with how hard a row is, or do not depend on it;
what models err on together grows ever faster. So the shares are taken apart into a constant, a line and a cube of the
difficulty, none of them negative: the first two are the labels' but for what models err on for want of rows, and of the
cube nobody knows without a person, but where the labels themselves were made from words. What models lack of rows shows
by what they lose with half of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from tilth.cleaning.label_errors.models import TwoViews, agreement, three_accuracies

_GROUPS, _FEWEST = 20, 50
"""Groups of rows that are about as hard, and the rows that each has at least."""
_HARDEST = 0.8
"""Difficulty beyond which two views agree too seldom for three accuracies to mean anything."""
_UNSURE, _HARDER = 0.02, 0.1
"""How far a share may be off beside chance, among the easiest rows and among the hardest."""
_HALF_OURS = 0.15
"""What may be either's error counts as the labels' by its own share over this one more. 4% of banking77's labels as
they came are such (0.3% of clinc150's), and are the models'; of 30%, two thirds are taken for the labels'. Chosen among
0.03 to 0.3 by the demo's intents, of which it finds the right share wrong: smaller ones find more of the labels that a
model of words gave, and call more wrong that came without errors (benchmarks/real_errors.py)."""
_FROM_WORDS, _SURELY_FROM_WORDS = 1 / 3, 2 / 3
"""Excess of agreement between words and labels from which on labels may be made from words, and from which they are.
Chosen on banking77, where it is 0.25 at most with planted errors and 0.77 with the labels of a model of words; what is
taken off it for chance, in sight of the demo."""
_LEAST_APART = 0.05
"""How often two models of the embeddings differ at least, for that excess to be held against it."""
_UNSEEN = 0.5
"""So much more of the labels may be wrong where they are made from words, for models learn some of such errors."""
_CARRIED_TOO_FAR = 1 / 3
"""How far the estimate goes back to the accuracy of all rows at once, where that is smaller than what a line says."""
_SIDES = 1.96


@dataclass(frozen=True, kw_only=True)
class ErrorRate:
    """The estimated share of wrong labels, and between which it lies as far as the data can tell."""

    share: float
    low: float
    high: float


def estimate_error_rate(views: TwoViews, codes: np.ndarray) -> ErrorRate:
    """The share of wrong labels among rows with these labels, shape (rows,)."""
    rows = len(codes)
    groups = int(np.clip(rows // _FEWEST, 1, _GROUPS))
    by_texts = views.pooled if views.of_texts is None else views.of_texts
    ease = by_texts.max(axis=1).argsort(kind="stable").argsort(kind="stable")
    group = ease * groups // rows
    estimates = [
        _by_pair(np.stack([one.argmax(axis=1), other.argmax(axis=1), codes]), group, groups, one.shape[1])
        for one, other in ((views.meaning, views.wording), (views.evidence, views.centroids))
    ]
    surely, either, overall = estimates[0]
    most = max(either, estimates[1][1])
    if overall < surely:
        surely += _CARRIED_TOO_FAR * (overall - surely)
        most = 0.0
    surely = max(surely - views.for_want_of_rows, 0.0)
    ours = most / (most + _HALF_OURS)
    from_words = _made_from_words(views, codes)
    share = surely + most * (ours + (1 - ours) * from_words)
    chance = _SIDES * float(np.sqrt(share * (1 - share) / rows)) + _UNSURE
    return ErrorRate(
        share=min(share, 1.0),
        low=max(0.0, surely - chance),
        high=min(1.0, max(surely + most, overall) * (1 + _UNSEEN * from_words) + chance),
    )


def _made_from_words(views: TwoViews, codes: np.ndarray) -> float:
    """How surely the labels were made from words, as an older model or rules make them: 0 to 1.

    Where models err apart from one another and from the labels, words fall behind the evidence by the same factor,
    whether in agreement with the labels or with a third model. Labels that were made from words agree with words more
    often than that, by more than chance: how much is measured in how often the two models of the embeddings differ. Not
    so where words agree with the labels more than with the evidence: they may just know more than the embeddings do.
    """
    classes = views.pooled.shape[1]
    evidence, centroids, wording = (one.argmax(axis=1) for one in (views.evidence, views.centroids, views.wording))
    of_words, of_embeddings = agreement(wording, codes, classes), agreement(evidence, centroids, classes)
    if of_words >= agreement(wording, evidence, classes):
        return 0.0
    expected = agreement(evidence, codes, classes) * agreement(wording, centroids, classes) / of_embeddings
    chance = _SIDES * float(np.sqrt(of_words * (1 - of_words) / len(codes)))
    excess = (of_words - expected - chance) / max(1 - of_embeddings, _LEAST_APART)
    return float(np.clip((excess - _FROM_WORDS) / (_SURELY_FROM_WORDS - _FROM_WORDS), 0, 1))


def _by_pair(annotators: np.ndarray, group: np.ndarray, groups: int, classes: int) -> tuple[float, float, float]:
    """The share of wrong labels that is surely theirs, what is either's, and the share over all rows at once.

    Args:
        annotators: the answers of two models and the labels, codes, shape (3, rows).
        group: of each row, the hardest first, shape (rows,).
        groups: how many.
        classes: how many.
    """
    by_group = np.array([1 - three_accuracies(annotators[:, group == one], classes)[2] for one in range(groups)])
    hardness = 1 - (np.arange(groups) + 0.5) / groups
    return *_taken_apart(by_group, hardness, len(group) / groups), 1 - three_accuracies(annotators, classes)[2]


def _taken_apart(shares: np.ndarray, hardness: np.ndarray, rows: float) -> tuple[float, float]:
    """What a constant and a line, and what a cube of the hardness say of the mean of the shares (NNLS).

    Args:
        shares: of wrong labels as it seems, by group, shape (groups,).
        hardness: of the groups, 0 to 1, shape (groups,).
        rows: in a group.
    """
    shapes = np.stack([np.ones_like(hardness), hardness, hardness**3], axis=1)
    unsure = np.sqrt(np.maximum(shares * (1 - shares), 0.01) / rows) + _UNSURE + _HARDER * hardness**2
    used = (hardness < _HARDEST) | (len(hardness) == 1)
    coefficients, _ = nnls(shapes[used] / unsure[used, None], shares[used] / unsure[used])
    constant, line, cube = coefficients * shapes.mean(axis=0)
    return float(constant + line), float(cube)
