"""Which label filter is used: the best one on noise that was injected into this data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tilth.cleaning.label_errors import noise_injection
from tilth.cleaning.label_errors.filters import (
    DEFAULT,
    POSTERIOR,
    SCORES,
    WITHOUT_THRESHOLD,
    Verdict,
    flag_labels,
    more_likely_wrong,
    self_confidence,
)
from tilth.cleaning.label_errors.instance_dependent_noise import true_label_posterior
from tilth.cleaning.label_errors.noise_injection import FilterScore
from tilth.cleaning.label_errors.out_of_fold_models import ModelProbabilities

Refit: TypeAlias = Callable[[np.ndarray], ModelProbabilities]
"""The models' probabilities from labels, shape (rows,); everything else about the rows stays the same."""


_BEYOND = 0.035
"""Injected errors lie in any row. Where real ones keep to the hard rows, fewer of them are found than of those, and the
error rate comes out too low. The posterior counts them where they are: it is used when it doubts so much larger a share
of the labels than that rate (banking77: 0.02 as it stands and where errors lie in any row, 0.05 where they are many,
0.1 and more where they keep to the hard ones)."""


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
        rate: the estimated share of wrong labels among the others.
        filters: every filter's estimates, best first.
        injected: how many errors were injected.
    """

    scores: Mapping[str, tuple[np.ndarray, np.ndarray]]
    rate: float
    filters: Mapping[str, FilterScore]
    injected: int


def choose_filter(
    codes: np.ndarray,
    probabilities: ModelProbabilities,
    refit: Refit,
    *,
    wanted: str,
    least: int,
    min_precision: float,
    seed: int,
) -> Verdict:
    """Measure every filter on injected errors, and apply the best one to the labels as given.

    Args:
        codes: the labels as given, shape (rows,).
        probabilities: of models fitted to them.
        refit: the same models on other labels.
        wanted: a filter's name, or `auto`.
        least: errors to inject in all (fewer where the rows are few).
        min_precision: a filter measured below it flags nothing.
        seed: of the injection.
    """
    measured = _measure(_inject(codes, probabilities, refit, least, seed), min_precision)
    precise = [name for name, score in measured.filters.items() if score.precision >= min_precision]
    name = [*precise, DEFAULT][0] if wanted == "auto" else wanted
    posterior = true_label_posterior(codes, probabilities.joint, probabilities.model_error_estimate)
    doubted_share = more_likely_wrong(posterior, codes).mean()
    # Injected errors say nothing of those that lie beyond them.
    beyond = wanted == "auto" and doubted_share > measured.rate + _BEYOND
    if beyond or (name == POSTERIOR and POSTERIOR in precise):
        return _by_posterior(codes, posterior, measured)
    return _by_filter(name, name in precise, codes, probabilities, posterior, measured)


def _by_posterior(codes: np.ndarray, posterior: np.ndarray, measured: _Measurement) -> Verdict:
    issue = more_likely_wrong(posterior, codes)
    return Verdict(
        issue=issue,
        wrong=1 - self_confidence(posterior, codes),
        probabilities=posterior,
        name=POSTERIOR,
        rate=max(measured.rate, float(issue.mean())),
        measured=measured.filters,
        injected=measured.injected,
    )


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
    by_score = noise_injection.probability_wrong(*measured.scores[scored], measured.rate, scores)
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
        noisy, injected = noise_injection.inject_noise(codes, probabilities.joint, rng)
        injections.append(_Injection(codes=noisy, injected=injected, probabilities=refit(noisy)))
        count += int(injected.sum())
    return injections


def _measure(injections: Sequence[_Injection], min_precision: float) -> _Measurement:
    scores = {name: _pooled([injection.scores(name) for injection in injections]) for name in SCORES}
    rate = float(np.median([noise_injection.error_rate(*pair) for pair in scores.values()]))
    filters = {name: noise_injection.best_threshold(*pair, rate, min_precision) for name, pair in scores.items()}
    filters |= {name: _without_threshold(name, injections, rate) for name in WITHOUT_THRESHOLD}
    return _Measurement(
        scores=scores,
        rate=rate,
        filters=dict(sorted(filters.items(), key=lambda item: -item[1].f1)),
        injected=sum(int(injection.injected.sum()) for injection in injections),
    )


def _without_threshold(name: str, injections: Sequence[_Injection], rate: float) -> FilterScore:
    """The estimates of a filter without a threshold."""
    flags = [flag_labels(name, one.probabilities, one.codes, float("nan")) for one in injections]
    injected, others = _pooled(
        [(flag[one.injected], flag[~one.injected]) for flag, one in zip(flags, injections, strict=True)]
    )
    return noise_injection.filter_score(float(injected.mean()) if len(injected) else 0.0, float(others.mean()), rate)


def _pooled(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Values of the rows with an injected error and of the others, over all injections."""
    return np.concatenate([injected for injected, _ in pairs]), np.concatenate([others for _, others in pairs])
