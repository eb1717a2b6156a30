"""What judges the labels: the two views together, or a filter by name, measured on noise injected into this data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tilth.cleaning.label_errors.config import Prefer
from tilth.cleaning.label_errors.filters import (
    DEFAULT,
    SCORES,
    TWO_VIEWS,
    WITHOUT_THRESHOLD,
    Verdict,
    flag_labels,
    self_confidence,
)
from tilth.cleaning.label_errors.label_quality import doubt, probability_wrong, temperature_of_truth
from tilth.cleaning.label_errors.models import ModelProbabilities, TwoViews
from tilth.cleaning.label_errors.noise import (
    ErrorRate,
    FilterScore,
    best_threshold,
    error_rate,
    estimate_error_rate,
    filter_score,
    inject_noise,
    probability_by_score,
    true_label_posterior,
)
from tilth.cleaning.label_errors.operating_point import choose_cut
from tilth.learn import apply_temperature

Refit: TypeAlias = Callable[[np.ndarray], ModelProbabilities]
"""The models' probabilities from labels, shape (rows,); everything else about the rows stays the same."""


_PRECISE = 0.5
"""Precision on injected errors below which a filter flags nothing."""
_MOST_INJECTIONS = 5  # each with models of its own


@dataclass(frozen=True, kw_only=True)
class _Injection:
    """Labels with injected errors, which rows hold one, and the probabilities of models fitted to them."""

    codes: np.ndarray
    injected: np.ndarray
    probabilities: ModelProbabilities

    def scores(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Scores of the rows with an injected error, and of the others."""
        scores = SCORES[name](self.probabilities, self.codes)
        return scores[self.injected], scores[~self.injected]


@dataclass(frozen=True, kw_only=True)
class _Measurement:
    """What the injected errors show of the filters.

    Attributes:
        scores: for each filter with a threshold, the scores of rows with an injected error and of the others.
        rate: the estimated share of wrong labels among the others; between the lowest and the highest of all scores.
        filters: every filter's estimates, best first.
        injected: how many errors were injected.
    """

    scores: Mapping[str, tuple[np.ndarray, np.ndarray]]
    rate: ErrorRate
    filters: Mapping[str, FilterScore]
    injected: int


def verdict_by_views(codes: np.ndarray, views: TwoViews, prefer: Prefer, min_precision: float | None = None) -> Verdict:
    """Flag labels by the probability that they are wrong, as two views of the texts see it.

    Args:
        codes: the labels as given, shape (rows,).
        views: of models fitted to them.
        prefer: where the cut lies.
        min_precision: in place of the precision that `prefer` asks for.
    """
    rate = estimate_error_rate(views, codes)
    probabilities = apply_temperature(views.pooled, temperature_of_truth(views.pooled, codes, rate.share))
    doubts = doubt(probabilities, codes)
    wrong = probability_wrong(doubts, rate.share)
    issue, expected = choose_cut(wrong, prefer, min_precision)
    return Verdict(
        issue=issue,
        wrong=wrong,
        probabilities=probabilities,
        name=TWO_VIEWS,
        rate=rate,
        measured={TWO_VIEWS: expected},
        injected=0,
        doubts=doubts,
        at_most=probability_wrong(doubts, rate.high),
    )


def verdict_by_filter(
    codes: np.ndarray,
    probabilities: ModelProbabilities,
    refit: Refit,
    *,
    name: str,
    least: int,
    min_precision: float | None,
    seed: int,
) -> Verdict:
    """Measure every filter on injected errors, and apply one of them to the labels as given.

    Args:
        codes: the labels as given, shape (rows,).
        probabilities: of models fitted to them.
        refit: the same models on other labels.
        name: of the filter.
        least: errors to inject in all (fewer where the rows are few).
        min_precision: a filter measured below it flags nothing; None is 0.5.
        seed: of the injection.
    """
    least_precise = _PRECISE if min_precision is None else min_precision
    measured = _measure(_inject(codes, probabilities, refit, least, seed), least_precise)
    posterior = true_label_posterior(codes, probabilities.joint, probabilities.model_error_estimate)
    precise = measured.filters[name].precision >= least_precise
    return _by_filter(name, precise, codes, probabilities, posterior, measured)


def _by_filter(
    name: str,
    precise: bool,
    codes: np.ndarray,
    probabilities: ModelProbabilities,
    posterior: np.ndarray,
    measured: _Measurement,
) -> Verdict:
    """The verdict of a filter, which flags nothing unless it is precise enough."""
    issue = np.zeros(len(codes), dtype=bool)
    if precise:
        issue = flag_labels(name, probabilities, codes, measured.filters[name].threshold)
    issue &= probabilities.joint.argmax(axis=1) != codes
    scored = name if name in SCORES else DEFAULT
    scores = SCORES[scored](probabilities, codes)
    by_score = probability_by_score(*measured.scores[scored], measured.rate.share, scores)
    by_posterior = 1 - self_confidence(posterior, codes)
    return Verdict(
        issue=issue,
        # A second opinion: what is flagged is at least as likely wrong as either says, and what is not is at most.
        wrong=np.where(issue, np.maximum(by_score, by_posterior), np.minimum(by_score, by_posterior)),
        probabilities=probabilities.joint,
        name=name,
        rate=measured.rate,
        measured=measured.filters,
        injected=measured.injected,
    )


def _inject(
    codes: np.ndarray, probabilities: ModelProbabilities, refit: Refit, least: int, seed: int
) -> Sequence[_Injection]:
    """Inject errors, and fit the models again, until there are enough of them."""
    rng, count = np.random.default_rng(seed), 0
    injections: list[_Injection] = []
    while not injections or (count < least and len(injections) < _MOST_INJECTIONS):
        noisy, injected = inject_noise(codes, probabilities.joint, rng)
        injections.append(_Injection(codes=noisy, injected=injected, probabilities=refit(noisy)))
        count += int(injected.sum())
    return injections


def _measure(injections: Sequence[_Injection], min_precision: float) -> _Measurement:
    scores = {name: _pooled([injection.scores(name) for injection in injections]) for name in SCORES}
    rates = [error_rate(*pair) for pair in scores.values()]
    rate = float(np.median(rates))
    filters = {name: best_threshold(*pair, rate, min_precision) for name, pair in scores.items()}
    filters |= {name: _without_threshold(name, injections, rate) for name in WITHOUT_THRESHOLD}
    return _Measurement(
        scores=scores,
        rate=ErrorRate(share=rate, low=min(rates), high=max(rates)),
        filters=dict(sorted(filters.items(), key=lambda item: -item[1].f1)),
        injected=sum(int(injection.injected.sum()) for injection in injections),
    )


def _without_threshold(name: str, injections: Sequence[_Injection], rate: float) -> FilterScore:
    """The estimates of a filter without a threshold."""
    flags = [flag_labels(name, one.probabilities, one.codes, float("nan")) for one in injections]
    injected, others = _pooled(
        [(flag[one.injected], flag[~one.injected]) for flag, one in zip(flags, injections, strict=True)]
    )
    return filter_score(float(injected.mean()) if len(injected) else 0.0, float(others.mean()), rate)


def _pooled(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Values of the rows with an injected error and of the others, over all injections."""
    return np.concatenate([injected for injected, _ in pairs]), np.concatenate([others for _, others in pairs])
