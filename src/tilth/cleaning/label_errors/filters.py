"""Label filters by name: each flags the labels that look wrong, from the models' probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from cleanlab.filter import find_label_issues

from tilth.cleaning.label_errors.models import ModelProbabilities
from tilth.cleaning.label_errors.noise import ErrorRate, FilterScore, true_label_posterior
from tilth.errors import ConfigError, did_you_mean

_OF_CLEANLAB = (
    "prune_by_noise_rate",
    "prune_by_class",
    "both",
    "confident_learning",
    "predicted_neq_given",
)


def self_confidence(probabilities: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The probability of each row's given class, shape (rows,)."""
    return np.asarray(probabilities[np.arange(len(codes)), codes])


def _margin(probabilities: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The given class against its strongest rival, 0 to 1."""
    own, others = self_confidence(probabilities, codes), probabilities.copy()
    others[np.arange(len(codes)), codes] = 0
    return np.asarray(own / (own + others.max(axis=1) + 1e-12))


@dataclass(frozen=True)
class _Score:
    """A score by one model's probabilities; in [0, 1], low = wrong; a threshold makes a filter of it."""

    model: str
    of: Callable[[np.ndarray, np.ndarray], np.ndarray]

    def __call__(self, probabilities: ModelProbabilities, codes: np.ndarray) -> np.ndarray:
        return self.of(getattr(probabilities, self.model), codes)


SCORES = {
    f"{model} {kind}": _Score(model, score)
    for model in ("joint", "linear", "neighbors")
    for kind, score in (("margin", _margin), ("confidence", self_confidence))
}
TWO_VIEWS = "two views"
"""What judges by default: no filter, but the probability of `tilth.cleaning.label_errors.label_quality`."""
POSTERIOR = "posterior"
"""The label is more likely wrong than right, by `tilth.cleaning.label_errors.noise.instance_dependent_noise`."""
WITHOUT_THRESHOLD = (POSTERIOR, *(f"cleanlab {name}" for name in _OF_CLEANLAB))
NAMES = (*SCORES, *WITHOUT_THRESHOLD)
DEFAULT = "joint margin"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the chosen filter makes of each label.

    Attributes:
        issue: boolean, shape (rows,).
        wrong: probability that each label is wrong, shape (rows,).
        probabilities: of each label, on which the verdict rests, shape (rows, classes).
        name: the chosen filter.
        rate: estimated share of wrong labels, None where the rows are too few to tell.
        measured: what is expected of the filter; of a named one and its rivals on injected errors, by name, best first.
        injected: how many errors were injected.
        doubts: log-odds of the strongest rival over each label, whatever the share of wrong ones, shape (rows,); None
            by a filter.
        at_most: probability that each label is wrong, were the share of wrong ones at the upper end of its interval,
            shape (rows,); None by a filter.
    """

    issue: np.ndarray
    wrong: np.ndarray
    probabilities: np.ndarray
    name: str
    rate: ErrorRate | None
    measured: Mapping[str, FilterScore]
    injected: int
    doubts: np.ndarray | None = None
    at_most: np.ndarray | None = None


def check_filter_name(name: str) -> None:
    """Refuse the name of a filter that does not exist.

    Raises:
        ConfigError: naming the nearest one.
    """
    if name != "auto" and name not in NAMES:
        raise ConfigError(f'cleaning.filter = "{name}" is unknown; {did_you_mean(name, ["auto", *NAMES])}')


def more_likely_wrong(probabilities: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Whether each label is more likely wrong than right, boolean, shape (rows,)."""
    return np.asarray(self_confidence(probabilities, codes) < 0.5)


def flag_labels(name: str, probabilities: ModelProbabilities, codes: np.ndarray, threshold: float) -> np.ndarray:
    """The labels that a filter flags, boolean, shape (rows,); the threshold is that of a filter which has one."""
    if name in SCORES:
        return np.asarray(SCORES[name](probabilities, codes) <= threshold)
    if name == POSTERIOR:
        posterior = true_label_posterior(codes, probabilities.joint, probabilities.model_error_estimate)
        return more_likely_wrong(posterior, codes)
    return np.asarray(
        find_label_issues(codes, probabilities.joint, filter_by=name.removeprefix("cleanlab "), n_jobs=1), dtype=bool
    )


def no_issues(codes: np.ndarray, probabilities: ModelProbabilities) -> Verdict:
    """For labels so few a class that models err more often than people: none is flagged, each gets its quality."""
    return Verdict(
        issue=np.zeros(len(codes), dtype=bool),
        wrong=np.zeros(len(codes)),
        probabilities=probabilities.joint,
        name="none: too few labels a class",
        rate=None,
        measured={},
        injected=0,
    )


def cautious_issues(codes: np.ndarray, probabilities: ModelProbabilities) -> Verdict:
    """For rows too few to measure filters on: what two of cleanlab's filters flag and models find improbable."""
    joint = probabilities.joint
    wrong = 1 - _margin(joint, codes)
    issue = flag_labels("cleanlab both", probabilities, codes, float("nan")) & (self_confidence(joint, codes) < 0.1)
    issue &= joint.argmax(axis=1) != codes
    return Verdict(
        issue=issue,
        wrong=np.where(issue, wrong, 0.0),
        probabilities=joint,
        name="cleanlab both",
        rate=None,
        measured={},
        injected=0,
    )
