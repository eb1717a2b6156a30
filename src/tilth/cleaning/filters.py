"""Which labels are wrong: filters by name, measured on planted errors, and the choice among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from cleanlab.filter import find_label_issues

from tilth.cleaning import planting
from tilth.cleaning.planting import Measured
from tilth.cleaning.posterior import posterior
from tilth.cleaning.witnesses import Beliefs
from tilth.errors import ConfigError, did_you_mean

Believe = Callable[[np.ndarray], Beliefs]
"""Beliefs from labels, shape (rows,); everything else about the rows stays the same."""

_OF_CLEANLAB = (
    "prune_by_noise_rate",
    "prune_by_class",
    "both",
    "confident_learning",
    "predicted_neq_given",
)
_BEYOND = 0.035
"""Planted errors lie in any row. Where real ones keep to the hard rows, fewer of them are found than of those, and the
error rate comes out too low. The posterior counts them where they are: it judges when it doubts so much larger a share
of the labels than that rate (banking77: 0.02 as it stands and where errors lie in any row, 0.05 where they are many,
0.1 and more where they keep to the hard ones)."""
_TURNS = 5  # plantings at most, each with models of its own


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
"""The label is more likely wrong than right, by `tilth.cleaning.posterior`."""
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


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """One planting: the labels with errors, which rows hold one, and what the witnesses think."""

    codes: np.ndarray
    planted: np.ndarray
    beliefs: Beliefs

    def scores(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        found = SCORES[name](self.beliefs, self.codes)
        return found[self.planted], found[~self.planted]


def choose(
    codes: np.ndarray, beliefs: Beliefs, believe: Believe, *, wanted: str, least: int, min_precision: float, seed: int
) -> Verdict:
    """Measure every filter on planted errors, and judge the labels as given by the best one.

    Args:
        codes: the labels as given, shape (rows,).
        beliefs: about them.
        believe: the same models on other labels.
        wanted: a filter's name, or `auto`.
        least: errors to plant in all (fewer where the rows are few).
        min_precision: a filter measured below it flags nothing.
        seed: of the planting.
    """
    turns = _planted(codes, beliefs, believe, least, seed)
    pooled = {name: _pooled(name, turns) for name in SCORES}
    rate = float(np.median([planting.error_rate(*scores) for scores in pooled.values()]))
    measured = {name: planting.best_threshold(*scores, rate, min_precision) for name, scores in pooled.items()}
    measured |= {name: _measure_flags(name, turns, rate) for name in _FIXED}
    ranked = dict(sorted(measured.items(), key=lambda item: -item[1].f1))
    precise = [name for name, found in ranked.items() if found.precision >= min_precision]
    name = [*precise, DEFAULT][0] if wanted == "auto" else wanted
    belief = posterior(codes, beliefs.joint, beliefs.mistaken)
    doubted = _doubted(belief, codes)
    beyond = wanted == "auto" and doubted.mean() > rate + _BEYOND
    if beyond or (name == POSTERIOR and POSTERIOR in precise):  # planted errors say nothing of those beyond them
        return Verdict(
            issue=doubted,
            wrong=1 - _confidence(belief, codes),
            belief=belief,
            name=POSTERIOR,
            rate=max(rate, float(doubted.mean())),
            measured=ranked,
            planted=_count(turns),
        )
    scored = name if name in SCORES else DEFAULT
    sure = name in precise
    issue = _flags(name, beliefs, codes, ranked[name].threshold) if sure else np.zeros(len(codes), dtype=bool)
    issue &= beliefs.joint.argmax(axis=1) != codes
    # A second opinion: what is flagged is at least as likely wrong as either says, and what is not is at most.
    both = planting.chance_wrong(*pooled[scored], rate, SCORES[scored](beliefs, codes)), 1 - _confidence(belief, codes)
    return Verdict(
        issue=issue,
        wrong=np.where(issue, np.maximum(*both), np.minimum(*both)),
        belief=beliefs.joint,
        name=name,
        rate=rate,
        measured=ranked,
        planted=_count(turns),
    )


def _count(turns: Sequence[_Turn]) -> int:
    return int(sum(turn.planted.sum() for turn in turns))


def _pooled(name: str, turns: Sequence[_Turn]) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the planted and of the other rows, over all plantings."""
    found = [turn.scores(name) for turn in turns]
    return np.concatenate([planted for planted, _ in found]), np.concatenate([others for _, others in found])


def _planted(codes: np.ndarray, beliefs: Beliefs, believe: Believe, least: int, seed: int) -> Sequence[_Turn]:
    rng, count = np.random.default_rng(seed), 0
    turns: list[_Turn] = []
    while not turns or (count < least and len(turns) < _TURNS):
        changed, planted = planting.plant(codes, beliefs.joint, rng)
        turns.append(_Turn(codes=changed, planted=planted, beliefs=believe(changed)))
        count += int(planted.sum())
    return turns


def _measure_flags(name: str, turns: Sequence[_Turn], rate: float) -> Measured:
    flags = [_flags(name, turn.beliefs, turn.codes, float("nan")) for turn in turns]
    found = np.concatenate([flag[turn.planted] for flag, turn in zip(flags, turns, strict=True)])
    others = np.concatenate([flag[~turn.planted] for flag, turn in zip(flags, turns, strict=True)])
    return planting.measure(float(found.mean()) if len(found) else 0.0, float(others.mean()), rate)


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
