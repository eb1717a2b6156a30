"""The probability that each given label is right, and what people's answers to a few suspects say of all the others.

How strongly models speak against a label ranks the labels; which share of them is wrong is another matter
(`noise/wrong_share.py`). The log-odds that a label is wrong are taken to be the log-odds that the models give its
strongest rival over it, once they are sharpened to be of the true labels (`temperature_of_truth`), moved by one number
for the whole data set, such that the mean is the estimated share of wrong labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import expit, logit, softmax

from tilth.cleaning.label_errors.noise import ErrorRate
from tilth.learn import logistic_posterior
from tilth.samples import evenly_spaced

_EDGE = 1e-6
_COLDEST, _WARMEST = 0.2, 2.0
_TAKEN = 0.4
"""Power of the temperature that is taken. Of errors that depend on the class alone 0.6 would be right, of errors that
keep to hard rows 0 (benchmarks/real_errors.py: banking77 and sentfin, one seed)."""
_EVEN, _ROWS_AS_USUAL, _RAREST = 2.5, 50, 1e-3
"""Within which factor classes are wrong alike often; rows whose labels are wrong as often as usual that each class is
taken to have besides; and the least share that is usual. Chosen on messages of which one in seven is spam: average
precision rises from 0.65 to 0.94 where three in ten of these pass as ham, from 0.50 to 0.67 with one draw of rules'
votes, and stays where labels are wrong by chance, as in all sets of even classes (benchmarks/real_errors.py)."""
_ROWS = 20_000
"""Rows, evenly spaced, that a temperature is fitted to at most."""
_SLOPE_UNSURE = 0.2
"""How far the log-odds that a label is wrong may grow faster or slower than they should (1), one standard deviation:
0.55 to 1.32 was measured on 17 kinds of known errors of four data sets, 0.22 apart (benchmarks/real_errors.py)."""
_LEAST_UNSURE = 0.5
"""Standard deviation of the log-odds of the share of wrong labels, where all estimates agree."""
_SUREST = 1e-12
"""How sure labels count as at most: where hardly any seems wrong, models are surer of most than a million to one."""
_SMALLEST = 1e-3
"""Share below which the end of an interval makes no difference."""
_HARDLY_ANY, _OF_SHARE = 0.05, 0.5
"""Share of wrong labels, and part of the estimated one, below which the lower end of its interval leaves open that what
is doubted is but hard: 0.19 of 0.04 to 0.31 on sentfin as it came, with errors put in 0.23 of 0.20 to 0.26; banking77
with labels by a weak model 0.11 to 0.59, where full weights cost 1.5 points (benchmarks/review_weights.py)."""
_SIDES = 1.96
_DRAWS = 200


def temperature_of_truth(probabilities: np.ndarray, codes: np.ndarray, share: float) -> float:
    """By which logits that were calibrated on labels with errors are divided, to be those of the true labels.

    Such probabilities are the labels' own: where a fifth of the labels is wrong, no model of them is surer than 0.8.
    They are made likely here not as they stand but through a matrix of errors, which has the share of wrong labels, and
    the classes that rows are labeled as in place of the one they seem to be (forward correction; Patrini et al. 2017).

    Args:
        probabilities: out of fold, shape (rows, classes).
        codes: the labels as given, shape (rows,).
        share: of them that is wrong, as estimated.
    """
    rows = evenly_spaced(len(codes), _ROWS)
    some, given = np.asarray(probabilities[rows], dtype=np.float64), codes[rows]
    classes = some.shape[1]
    error_counts = np.full((classes, classes), 0.5 / classes)
    np.add.at(error_counts, (some.argmax(axis=1), given), 1)
    np.fill_diagonal(error_counts, 0)
    errors = (1 - share) * np.eye(classes) + share * error_counts / error_counts.sum(axis=1, keepdims=True)
    to_given, logits = errors[:, given].T, np.log(np.maximum(some, 1e-9))

    def loss(log_temperature: float) -> float:
        true = softmax(logits / np.exp(log_temperature), axis=1)
        return float(-np.log(np.maximum((true * to_given).sum(axis=1), _EDGE)).mean())

    best = minimize_scalar(loss, bounds=(np.log(_COLDEST), np.log(_WARMEST)), method="bounded", options={"xatol": 1e-3})
    return float(np.exp(_TAKEN * best.x))


def doubt(probabilities: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Log-odds of the strongest rival over the given label, shape (rows,); above 0 another label is likelier.

    A rival counts as much more as labels of its rows are wrong more often than those of other classes: where one class
    is missed (spam that passes as ham) and hardly another, errors go in one direction, and doubts in the other are the
    models' own.
    """
    place, weighted = np.arange(len(codes)), probabilities * _one_sided(probabilities, codes)
    own = weighted[place, codes]
    weighted[place, codes] = 0
    return np.asarray(np.log(np.maximum(weighted.max(axis=1), _EDGE)) - np.log(np.maximum(own, _EDGE)))


def _one_sided(probabilities: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """How many times as often as usual the labels of each class's rows are wrong, shape (classes,).

    Counted among the surer half of the rows that the models hold to be of the class; a factor of `_EVEN` either way is
    taken for the models' own.
    """
    rows, classes = probabilities.shape
    sure, predicted = probabilities.max(axis=1), probabilities.argmax(axis=1)
    of_class = np.bincount(predicted, minlength=classes)
    place = np.empty(rows, dtype=np.int64)
    place[np.lexsort((sure, predicted))] = np.arange(rows)
    surer = 2 * (place - (of_class.cumsum() - of_class)[predicted]) >= of_class[predicted]
    wrong = surer & (predicted != codes)
    usual = max(float(wrong.sum()) / max(int(surer.sum()), 1), _RAREST)
    wrong_of, surer_of = (np.bincount(predicted[one], minlength=classes) for one in (wrong, surer))
    often = (wrong_of + _ROWS_AS_USUAL * usual) / (surer_of + _ROWS_AS_USUAL)
    ratio = np.log(often / np.average(often, weights=of_class)) if rows else np.zeros(classes)
    return np.asarray(np.exp(np.sign(ratio) * np.maximum(np.abs(ratio) - np.log(_EVEN), 0)))


def log_odds(wrong: np.ndarray) -> np.ndarray:
    """Of probabilities that labels are wrong, none of them taken for surer than a million to one; shape (rows,)."""
    return np.asarray(logit(np.clip(wrong, _SUREST, 1 - _SUREST)))


def probability_wrong(doubts: np.ndarray, share: float) -> np.ndarray:
    """Probabilities that labels are wrong whose mean is the share of wrong labels, shape (rows,).

    >>> probability_wrong(np.array([-2.0, 2.0]), 0.5).round(2).tolist()
    [0.12, 0.88]
    """
    if not len(doubts):
        return np.zeros(0)
    share = float(np.clip(share, _EDGE, 1 - _EDGE))
    span = float(np.abs(doubts).max()) + 20
    moved = brentq(lambda shift: float(expit(doubts + shift).mean()) - share, -span, span)
    return np.asarray(expit(doubts + moved))


def training_weight(wrong: np.ndarray, rate: ErrorRate | None) -> np.ndarray:
    """How far each label counts in training while nobody has looked at it, shape (rows,).

    That is the probability that it is right. But where the interval of the share of wrong labels leaves open that
    hardly any is, so that doubts may be nothing but hard rows, it is that probability at the lower end: a model that is
    kept from hard rows loses more than one that learns a few wrong labels.

    Args:
        wrong: the probability that each label is wrong, shape (rows,).
        rate: the share of wrong labels; None where it was not estimated.

    >>> training_weight(np.array([0.1, 0.9]), ErrorRate(share=0.5, low=0.04, high=0.6)).round(2).tolist()
    [1.0, 0.92]
    >>> training_weight(np.array([0.1, 0.9]), ErrorRate(share=0.5, low=0.4, high=0.6)).round(2).tolist()
    [0.9, 0.1]
    """
    if rate is None or rate.low > min(_HARDLY_ANY, _OF_SHARE * rate.share):
        return 1 - wrong
    return 1 - np.minimum(wrong, probability_wrong(log_odds(wrong), rate.low))


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What people's answers make of the estimates.

    Attributes:
        quality: the probability that each given label is right, shape (rows,); 0 or 1 where a person has said so.
        share, low, high: the share of wrong labels, and its 95% interval.
    """

    quality: np.ndarray
    share: float
    low: float
    high: float


def update_with_answers(
    quality: np.ndarray, suspects: np.ndarray, wrong: np.ndarray, *, unsure: float = 1.0, seed: int = 0
) -> Answered:
    """Correct the qualities of all labels by what people say of some.

    The log-odds that a label is wrong are moved and stretched, by a logistic regression of the answers whose prior is
    that they are as estimated (Platt 1999, with a Gaussian prior; its posterior by Laplace's approximation). They are
    stretched around the labels on which the estimated share hangs, so that to stretch them leaves it as it is: else
    answers on the likeliest suspects alone, all of them right, would make all other labels likelier wrong. It does not
    matter which suspects were asked about, as long as they were chosen by their quality, but some of the doubtful
    ones say more of the share than the surest. Twenty settle what no model can, whether the doubted labels are wrong or
    the rows just hard.

    Args:
        quality: the estimated probability that each label is right, shape (rows,).
        suspects: positions of the rows that a person has looked at, shape (answers,).
        wrong: whether the given label of each of them is wrong, boolean, shape (answers,).
        unsure: standard deviation of the log-odds of the estimated share of wrong labels (`spread_of`).
        seed: of the draws that give the interval.

    Raises:
        ValueError: answers and suspects differ in number, or a position lies outside the rows.
    """
    suspects, wrong = np.asarray(suspects, dtype=np.int64), np.asarray(wrong, dtype=bool)
    if suspects.shape != wrong.shape or (len(suspects) and not 0 <= suspects.min() <= suspects.max() < len(quality)):
        raise ValueError(
            f"{len(wrong)} answers to {len(suspects)} suspects among {len(quality)} rows: expected one answer a "
            "suspect, and each suspect a position among the rows"
        )
    odds = log_odds(1 - quality)
    shapes = np.stack([np.ones(len(odds)), odds - _balance_point(odds)], axis=1)
    prior = np.array([unsure, _SLOPE_UNSURE])
    center, spread = logistic_posterior(shapes[suspects], odds[suspects], wrong, prior)
    drawn = np.random.default_rng(seed).multivariate_normal(center, spread, size=_DRAWS)
    rest = np.ones(len(quality), dtype=bool)
    rest[suspects] = False
    known = float(wrong.sum())
    shares = np.array([known + expit(odds[rest] + shapes[rest] @ one).sum() for one in drawn]) / max(len(quality), 1)
    updated = 1 - expit(odds + shapes @ center)
    updated[suspects] = ~wrong
    return Answered(
        quality=updated,
        share=float(1 - updated.mean()) if len(updated) else 0.0,
        low=float(np.quantile(shares, 0.025)),
        high=float(np.quantile(shares, 0.975)),
    )


def _balance_point(odds: np.ndarray) -> float:
    """The log-odds around which all may be stretched a little without a change of their mean probability."""
    weights = expit(odds) * expit(-odds)
    return float(np.average(odds, weights=weights)) if len(odds) else 0.0


def spread_of(rate: ErrorRate) -> float:
    """The standard deviation of the log-odds of an estimated share, by the end of its 95% interval that is farther off.

    >>> rate = ErrorRate(share=0.5, low=0.5, high=0.88)
    >>> round(spread_of(rate), 2)
    1.02
    """
    low, high = (float(logit(np.clip(end, _SMALLEST, 1 - _SMALLEST))) for end in (rate.low, rate.high))
    share = float(logit(np.clip(rate.share, _EDGE, 1 - _EDGE)))
    return max(_LEAST_UNSURE, (share - low) / _SIDES, (high - share) / _SIDES)
