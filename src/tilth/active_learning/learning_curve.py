"""What further labels are expected to bring: a learning curve of cross-validated macro-F1, carried on a little way.

Probes of a quarter, a half and all of the labels outside a fold are measured on the fold. Learning curves are close to
a power law (Hestness et al. 2017): what is lost to the best that could be, 1 - macro-F1, falls by the same factor each
time the labels double. The line is fitted to the logarithms, fold by fold, and the interval is Student's over the
folds: it says how sure the line is, not whether the next labels are of the same kind. Rows that a strategy picks
usually bring more than the curve, which is one of labels as they came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from tilth.learn import fit_predict, macro_f1
from tilth.samples import Task, settled_by_any
from tilth.text import unit_interval

FURTHER = 100
"""Labels that the forecast is for."""
_SHARES = (0.25, 0.5, 1.0)
_FEWEST, _MOST = 40, 3000
"""Labels below which there is no forecast, and those that it is made from at most: it costs three fits a fold."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What `FURTHER` labels are expected to bring.

    Attributes:
        points: of macro-F1, in hundredths.
        low: lower end of the 95% interval.
        high: upper end.
        sizes: labels that each step of the curve was fitted to, the mean over the folds.
        macro_f1: the mean over the folds at each size.
    """

    points: float
    low: float
    high: float
    sizes: tuple[int, ...]
    macro_f1: tuple[float, ...]

    @property
    def sentence(self) -> str:
        """In words, and whether it is time to stop."""
        sentence = f"another {FURTHER} labels: {self.points:+.1f} points expected ({self.low:+.1f} to {self.high:+.1f})"
        return sentence if self.low > 0 else f"{sentence}; the curve is flat, within its error"

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Forecast:
        """From what `dataclasses.asdict` gives."""
        return cls(**{**values, "sizes": tuple(values["sizes"]), "macro_f1": tuple(values["macro_f1"])})

    def to_json(self) -> dict[str, Any]:
        """As metrics hold it."""
        return {
            "labels": FURTHER,
            "points": round(self.points, 2),
            "interval": [round(self.low, 2), round(self.high, 2)],
            "says": self.sentence,
        }


def forecast(vectors: np.ndarray, frame: pd.DataFrame, task: Task, folds: np.ndarray) -> Forecast | None:
    """The forecast from the sure labels of a task; None where there are too few.

    Args:
        vectors: of the table's rows, shape (rows, dimensions).
        frame: the table; gold rows take no part.
        task: whose labels.
        folds: each row's fold, shape (rows,).
    """
    rows = np.flatnonzero(settled_by_any(frame, task.name))
    order = np.array([unit_interval(f"curve {row_id}") for row_id in frame["id"].iloc[rows]])
    rows = rows[np.argsort(order, kind="stable")][:_MOST]
    if len(rows) < _FEWEST:
        return None
    codes = task.codes(frame[task.name].iloc[rows])
    curves, sizes = [], []
    for fold in np.unique(folds[rows]):
        held = folds[rows] == fold
        train = np.flatnonzero(~held)
        counts = [max(2, round(share * len(train))) for share in _SHARES]
        scores = []
        for count in counts:
            part = train[:count]
            predicted = fit_predict(vectors[rows[part]], codes[part], vectors[rows[held]], len(task.labels))
            scores.append(macro_f1(codes[held], predicted.argmax(axis=1), len(task.labels)))
        curves.append(scores)
        sizes.append(counts)
    return _extrapolated(np.array(sizes, dtype=float), np.array(curves), len(rows))


def _extrapolated(sizes: np.ndarray, curves: np.ndarray, labels: int) -> Forecast | None:
    """Lines through the logarithms of labels and loss, a fold each, shape (folds, steps); None of one fold."""
    if len(curves) < 2:
        return None
    loss = np.clip(1 - curves, 1e-3, 1)
    gains = []
    for size, lost in zip(np.log(sizes), np.log(loss), strict=True):
        slope, start = np.polyfit(size, lost, 1)
        now, then = (np.exp(start + slope * np.log(count)) for count in (labels, labels + FURTHER))
        gains.append(100 * (now - then))
    middle, half = float(np.mean(gains)), float(stats.t.ppf(0.975, len(gains) - 1) * stats.sem(gains))
    return Forecast(
        points=middle,
        low=middle - half,
        high=middle + half,
        sizes=tuple(int(size) for size in sizes.mean(axis=0)),
        macro_f1=tuple(round(float(value), 4) for value in curves.mean(axis=0)),
    )
