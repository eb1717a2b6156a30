"""Which label filter judges: the best one on noise that was injected into this data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tilth.cleaning.label_errors import noise_injection
from tilth.cleaning.label_errors.filters import (
    _FIXED,
    DEFAULT,
    POSTERIOR,
    SCORES,
    Verdict,
    _confidence,
    _doubted,
    _flags,
)
from tilth.cleaning.label_errors.instance_dependent_noise import posterior
from tilth.cleaning.label_errors.noise_injection import Measured
from tilth.cleaning.label_errors.out_of_fold_models import Beliefs

Believe = Callable[[np.ndarray], Beliefs]
"""Beliefs from labels, shape (rows,); everything else about the rows stays the same."""


_BEYOND = 0.035
"""Planted errors lie in any row. Where real ones keep to the hard rows, fewer of them are found than of those, and the
error rate comes out too low. The posterior counts them where they are: it judges when it doubts so much larger a share
of the labels than that rate (banking77: 0.02 as it stands and where errors lie in any row, 0.05 where they are many,
0.1 and more where they keep to the hard ones)."""


_TURNS = 5  # plantings at most, each with models of its own


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
    rate = float(np.median([noise_injection.error_rate(*scores) for scores in pooled.values()]))
    measured = {name: noise_injection.best_threshold(*scores, rate, min_precision) for name, scores in pooled.items()}
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
    both = (
        noise_injection.chance_wrong(*pooled[scored], rate, SCORES[scored](beliefs, codes)),
        1 - _confidence(belief, codes),
    )
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
        changed, planted = noise_injection.plant(codes, beliefs.joint, rng)
        turns.append(_Turn(codes=changed, planted=planted, beliefs=believe(changed)))
        count += int(planted.sum())
    return turns


def _measure_flags(name: str, turns: Sequence[_Turn], rate: float) -> Measured:
    flags = [_flags(name, turn.beliefs, turn.codes, float("nan")) for turn in turns]
    found = np.concatenate([flag[turn.planted] for flag, turn in zip(flags, turns, strict=True)])
    others = np.concatenate([flag[~turn.planted] for flag, turn in zip(flags, turns, strict=True)])
    return noise_injection.measure(float(found.mean()) if len(found) else 0.0, float(others.mean()), rate)
