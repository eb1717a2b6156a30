"""What more labels would be worth: the learning curve of the night's own rows, before any paraphrase is drawn.

A row and its paraphrases count together as much as a row without, so that paraphrases say at most what as many more
real rows would say as there are rows to paraphrase. What those would be worth is read off the errors of the linear
probe, taught by half, by three quarters and by all of the labels, at rows that it did not see: they fall by a power of
the number of labels (Cortes et al. 1993, "Learning Curves: Asymptotic Values and Rate of Convergence"; Hestness et al.
2017, "Deep Learning Scaling is Predictable, Empirically"). The proof takes a gain whose 95% interval lies above zero.
As many rows fewer show how wide that is, and so how often the proof would see such a gain (its power): where that is
less than once in four nights, minutes of drawing would buy nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from tilth.augmentation.selection import scoring
from tilth.augmentation.selection.cross_fitting import Proving
from tilth.augmentation.selection.label_agreement import TaskJudges, probabilities, trained_on
from tilth.learn import knowable
from tilth.text import unit_interval

_SHARES = (0.5, 0.75, 1.0)
_POWER = 0.25  # how often the proof would have to see a gain, for it to be worth the minutes
_HALVED = 4  # labels of a class that can be held out in part, and the rest halved


@dataclass(frozen=True)
class ClassWorth:
    """One class: its labels, its F1 with all of them, and what its share of the further rows would add to that."""

    task: str
    label: str
    labels: int
    f1: float
    gain: float


@dataclass(frozen=True)
class Worth:
    """What as many more labeled rows as paraphrases can stand for would be worth, and what the proof could see.

    Attributes:
        rows: How many more rows that is.
        gain: What they would add to macro-F1, mean over tasks.
        half_width: Of the 95% interval of a difference that so many rows make.
        curve: (labels taught by, macro-F1, mean over tasks) for half, three quarters and all.
        classes: The largest gains first.
    """

    rows: int
    gain: float
    half_width: float
    curve: tuple[tuple[int, float], ...]
    classes: tuple[ClassWorth, ...]

    @property
    def visible(self) -> float:
        """The gain that the proof would tell from chance in one night of four."""
        return self.half_width * float(1 + stats.norm.ppf(_POWER) / stats.norm.ppf(0.975))

    @property
    def enough(self) -> bool:
        """Whether there is a gain that the proof could see."""
        return self.gain > 0 and self.gain >= self.visible


def measure(
    proving: Proving, ids: Sequence[str], sources: np.ndarray, weight: float, *, fewest: int, seed: int
) -> Worth | None:
    """Draws the curve by cross-validation over the parts that the proof would hold out.

    It errs on the side of drawing, for no paraphrase is a real row.

    Args:
        proving: The night's judges, and those without one part each, which the proof asks again.
        ids: Of all rows; their hash settles which make up a half.
        sources: Rows that would be paraphrased.
        weight: What the paraphrases of a row count together beside it, at most.
        fewest: Labels in a class of usual size, below which a curve says nothing.
        seed: Of the bootstrap.

    Returns:
        None where labels are too few for a curve, there is one class alone, or no row would be paraphrased.
    """
    judges, every = proving.judges, scoring.labeled(proving.judges)
    sizes = [found[found > 0] for found in (_sizes(found, every) for found in judges)]
    usual, classes = min(float(np.median(found)) for found in sizes), max(map(len, sizes))
    if not len(sources) or classes < 2 or not proving.possible or usual < max(fewest, _HALVED):
        return None
    order = np.argsort([unit_interval(f"curve:{row_id}") for row_id in ids], kind="stable")
    points = [_point(proving, order, share) for share in _SHARES]
    rows = max(1, round(weight * len(sources)))
    # As many rows fewer change as much as as many more, but of a few labels no more than a quarter is left out.
    fewer = points[1] if 4 * rows >= len(every) else _point(proving, order, 1 - rows / len(every))
    low, high = scoring.interval(judges, points[-1].guesses, fewer.guesses, seed)
    gains = [_classes(proving, points, place, weight * _sizes(found, sources)) for place, found in enumerate(judges)]
    return Worth(
        rows=rows,
        gain=float(np.mean([np.mean([one.gain for one in found]) for found in gains])),
        half_width=(high - low) / 2,
        curve=tuple((point.labels, scoring.score(judges, point.guesses, every)) for point in points),
        classes=tuple(sorted((one for found in gains for one in found), key=lambda one: -one.gain)),
    )


@dataclass(frozen=True)
class _Point:
    """One point of the curve, for each task: guesses at all labeled rows, and how many labels a class taught them."""

    guesses: list[np.ndarray]
    taught: list[np.ndarray]

    @property
    def labels(self) -> int:
        return round(max(float(found.sum()) for found in self.taught))


def _point(proving: Proving, order: np.ndarray, share: float) -> _Point:
    """Judges that learn from the first `share` of each class outside the part that is held out."""
    guesses, taught = [], []
    for found, refits in zip(proving.judges, proving.refits, strict=True):
        guess, sizes = np.zeros(len(found.codes), dtype=np.int64), np.zeros(len(found.task.labels))
        for held in proving.held:
            out = (found.codes >= 0) & (proving.parts == held)
            rows = _first(found.codes, order[(found.codes >= 0)[order] & ~out[order]], share)
            model = refits.without(held) if share == 1 else trained_on(proving.rows[rows], found.codes[rows])
            if out.any():
                guess[out] = probabilities(model, proving.rows[out], len(sizes)).argmax(axis=1)
            sizes += _sizes(found, rows) / len(proving.held)
        guesses.append(guess)
        taught.append(sizes)
    return _Point(guesses, taught)


def _first(codes: np.ndarray, rows: np.ndarray, share: float) -> np.ndarray:
    """Of each class the first `share` of the rows, at least one."""
    classes = pd.Series(codes[rows])
    rank, size = classes.groupby(classes).cumcount(), classes.groupby(classes).transform("size")
    return np.sort(rows[(rank < np.ceil(share * size)).to_numpy(dtype=bool)])


def _sizes(found: TaskJudges, rows: np.ndarray) -> np.ndarray:
    """How many of the rows have each label."""
    codes = found.codes[rows]
    return np.bincount(codes[codes >= 0], minlength=len(found.task.labels))


def _classes(proving: Proving, points: Sequence[_Point], place: int, more: np.ndarray) -> list[ClassWorth]:
    """What further rows, `more` of each class, would add to each class of a task that has a label.

    Errors of all classes fall by one power, which the task's mean error says: a single class's, on some dozens of
    rows, is mostly chance.
    """
    found = proving.judges[place]
    known = np.flatnonzero(found.codes >= 0)
    total, seen = _sizes(found, known), _sizes(found, np.flatnonzero(knowable(found.codes, proving.parts)))
    there = np.flatnonzero(total)
    parts = [scoring.overlap(found.codes[known], point.guesses[place][known], len(total)) for point in points]
    error = np.array([1 - 2 * right[there] / size[there] for right, size in parts])
    # No judge of the other parts knows a class that only the held one has, whatever is added.
    told = seen[there] > 0
    power = (
        _power(error[:, told].mean(axis=1), np.array([point.taught[place].sum() for point in points]))
        if told.any()
        else 0.0
    )
    gain = np.where(told, error[-1] * (1 - (1 + more[there] / total[there]) ** -power), 0.0)
    return [
        ClassWorth(found.task.name, found.task.labels[code], int(total[code]), 1 - float(lost), float(won))
        for code, lost, won in zip(there, error[-1], gain, strict=True)
    ]


def _power(error: np.ndarray, labels: np.ndarray) -> float:
    """By which power of the labels the error falls, by least squares over the logarithms; at least 0.

    >>> round(_power(np.array([0.4, 0.2]), np.array([100, 400])), 3)
    0.5
    """
    if (error <= 0).any():  # there is no logarithm, and nothing left to win
        return 0.0
    x, y = np.log(labels), np.log(error)
    x = x - x.mean()
    return max(0.0, -float((x * y).sum() / (x**2).sum()))
