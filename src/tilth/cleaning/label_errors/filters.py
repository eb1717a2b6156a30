"""Which labels are wrong: filters by name, measured on planted errors, and the choice among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from cleanlab.filter import find_label_issues

from tilth.cleaning.label_errors.instance_dependent_noise import posterior
from tilth.cleaning.label_errors.noise_injection import Measured
from tilth.cleaning.label_errors.out_of_fold_models import Beliefs
from tilth.errors import ConfigError, did_you_mean

_OF_CLEANLAB = (
    "prune_by_noise_rate",
    "prune_by_class",
    "both",
    "confident_learning",
    "predicted_neq_given",
)


def _confidence(belief: np.ndarray, codes: np.ndarray) -> np.ndarray:
    return belief[np.arange(len(codes)), codes]


def _margin(belief: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The given class against its strongest rival, 0 to 1."""
    own, others = _confidence(belief, codes), belief.copy()
    others[np.arange(len(codes)), codes] = 0
    return np.asarray(own / (own + others.max(axis=1) + 1e-12))


@dataclass(frozen=True)
class _Score:
    """A score of one witness; in [0, 1], low = wrong; a threshold makes a filter of it."""

    witness: str
    of: Callable[[np.ndarray, np.ndarray], np.ndarray]

    def __call__(self, beliefs: Beliefs, codes: np.ndarray) -> np.ndarray:
        return self.of(getattr(beliefs, self.witness), codes)


SCORES = {
    f"{witness} {kind}": _Score(witness, score)
    for witness in ("joint", "linear", "neighbors")
    for kind, score in (("margin", _margin), ("confidence", _confidence))
}
POSTERIOR = "posterior"
"""The label is more likely wrong than right, by `tilth.cleaning.label_errors.instance_dependent_noise`."""
_FIXED = (POSTERIOR, *(f"cleanlab {name}" for name in _OF_CLEANLAB))
"""Filters without a threshold."""
NAMES = (*SCORES, *_FIXED)
DEFAULT = "joint margin"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the chosen filter says.

    Attributes:
        issue: boolean, shape (rows,).
        wrong: probability that each label is wrong, shape (rows,).
        belief: probabilities of each label that the verdict rests on, shape (rows, classes).
        name: the chosen filter.
        rate: estimated share of wrong labels, None where the rows are too few to plant errors in.
        measured: every filter's figures on planted errors, by name, best first.
        planted: how many errors were planted.
    """

    issue: np.ndarray
    wrong: np.ndarray
    belief: np.ndarray
    name: str
    rate: float | None
    measured: Mapping[str, Measured]
    planted: int


def check_name(name: str) -> None:
    """Refuse a filter that there is none of.

    Raises:
        ConfigError: naming the nearest one.
    """
    if name != "auto" and name not in NAMES:
        raise ConfigError(f'cleaning.filter = "{name}" is unknown; {did_you_mean(name, ["auto", *NAMES])}')


def _doubted(belief: np.ndarray, codes: np.ndarray) -> np.ndarray:
    return np.asarray(_confidence(belief, codes) < 0.5)


def _flags(name: str, beliefs: Beliefs, codes: np.ndarray, threshold: float) -> np.ndarray:
    if name in SCORES:
        return np.asarray(SCORES[name](beliefs, codes) <= threshold)
    if name == POSTERIOR:
        return _doubted(posterior(codes, beliefs.joint, beliefs.mistaken), codes)
    return np.asarray(
        find_label_issues(codes, beliefs.joint, filter_by=name.removeprefix("cleanlab "), n_jobs=1), dtype=bool
    )


def none(codes: np.ndarray, beliefs: Beliefs) -> Verdict:
    """For labels so few a class that models err more often than people: each stands, and its quality can be seen."""
    return Verdict(
        issue=np.zeros(len(codes), dtype=bool),
        wrong=np.zeros(len(codes)),
        belief=beliefs.joint,
        name="none: too few labels a class",
        rate=None,
        measured={},
        planted=0,
    )


def cautious(codes: np.ndarray, beliefs: Beliefs) -> Verdict:
    """For rows too few to measure anything on: what two of cleanlab's filters agree on and models hardly believe."""
    wrong = 1 - _margin(beliefs.joint, codes)
    issue = _flags("cleanlab both", beliefs, codes, float("nan")) & (_confidence(beliefs.joint, codes) < 0.1)
    return Verdict(
        issue=issue & (beliefs.joint.argmax(axis=1) != codes),
        wrong=np.where(issue, wrong, 0.0),
        belief=beliefs.joint,
        name="cleanlab both",
        rate=None,
        measured={},
        planted=0,
    )
