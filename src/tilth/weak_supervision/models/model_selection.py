"""Which label model labels the night: the one that does best on labels, or else on votes, that it did not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tilth.learn import apply_temperature, calibrate
from tilth.weak_supervision.models import joint_model, label_model

JOINT, SNORKEL, MAJORITY, TEXT = "joint", "snorkel", "majority", "text"
JOINTS = tuple(f"{JOINT}-{rounds}" for rounds in joint_model.ROUNDS)
FEW_LABELS, FEW_VOTES = 20, 50
"""Below both, nothing can be measured, and Snorkel's model speaks."""
MANY_LABELS = 200
"""From so many on they may make a model surer than it is by itself."""
MOST = 20_000
"""Rows on which the models are compared; more would tell them apart no better."""
GROUPS = 5
_ACCURACIES = np.linspace(0.5, 0.99, 25)
_TINY = 1e-6


@dataclass(frozen=True, kw_only=True)
class Witnesses:
    """All that is known of the rows of one task.

    Attributes:
        votes: int64, shape (rows, functions), -1 abstains; every function votes somewhere.
        known: int64, shape (rows,), -1 where no label is known.
        given: the same with the labels that cleaning set aside. Models are measured on these, for those that cleaning
            kept are the ones that are easy to agree with.
        text: of the rows.
        folds: each row's fold, shape (rows,).
        classes: how many classes there are.
        epochs: steps of Snorkel's fit.
        seed: of it.
        judged: what judges of the known labels say of each row without having learned from its own, float32, shape
            (rows, classes), or None: it is what the functions must beat.
    """

    votes: np.ndarray
    known: np.ndarray
    given: np.ndarray
    text: joint_model.Text
    folds: np.ndarray
    classes: int
    epochs: int = 300
    seed: int = 0
    judged: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The label model of the night, and why.

    Attributes:
        name: `joint-` and its rounds, `snorkel`, `majority`, or `text`: where functions say less of the labels than the
            text does by itself, they had better not be heard.
        by: what they were compared on.
        scores: each one's mean log likelihood of what it did not see, high = good.
        temperatures: what each one's logits are divided by, so that its confidence is honest.
    """

    name: str
    by: str
    scores: dict[str, float] = field(default_factory=dict)
    temperatures: dict[str, float] = field(default_factory=dict)


def choose(seen: Witnesses, wanted: str = "auto") -> Choice:
    """Compare the label models by cross-validation on known labels, or by held-out votes where there are few.

    Args:
        seen: the witnesses.
        wanted: "auto", or the model that the config names, which is then compared all the same.
    """
    seen = _sample(seen)
    functions = seen.votes.shape[1]
    enough = functions >= label_model.FEWEST
    slow = enough and wanted != SNORKEL and functions * seen.classes > label_model.LARGEST
    names = [*JOINTS, SNORKEL, MAJORITY] if enough and not slow else [*JOINTS, MAJORITY]
    allowed = [name for name in names if wanted in ("auto", name.partition("-")[0])] or [MAJORITY]
    told = seen.given >= 0
    if told.sum() >= FEW_LABELS and len(np.unique(seen.given[told])) > 1:
        by, measure = "held-out labels", _on_labels
    elif (seen.votes >= 0).any(axis=1).sum() >= FEW_VOTES and seen.votes.shape[1] > 1:
        by, measure = "held-out votes", _on_votes
    else:
        default = names[len(JOINTS)] if wanted == "auto" else allowed[len(allowed) // 2]
        return Choice(name=default, by="too few rows to compare" if wanted == "auto" else "the config")
    if measure is _on_labels and seen.judged is not None and wanted == "auto":
        names, allowed = [*names, TEXT], [*allowed, TEXT]
    if slow:
        by += f", without Snorkel's model, which {functions} functions for {seen.classes} labels would hold up"
    found = {name: measure(name, seen) for name in names}
    scores = {name: score for name, (score, _) in found.items()}
    best = max(allowed, key=lambda name: scores[name])
    temperatures = {name: temperature for name, (_, temperature) in found.items()}
    return Choice(
        name=best, by=by if wanted == "auto" else f"the config, {by}", scores=scores, temperatures=temperatures
    )


def believe(name: str, seen: Witnesses, temperature: float = 1.0) -> np.ndarray:
    """One model's probabilities, float32, shape (rows, classes); NaN on rows of which it says nothing."""
    if name in JOINTS:
        rounds = int(name.removeprefix(f"{JOINT}-"))
        return apply_temperature(
            joint_model.believe(seen.votes, seen.text, seen.known, seen.classes, rounds), temperature
        )
    if name == TEXT and seen.judged is not None:
        return apply_temperature(seen.judged, temperature)
    voted = (seen.votes >= 0).any(axis=1)
    found = np.full((seen.votes.shape[0], seen.classes), np.nan, dtype=np.float32)
    if voted.any():
        found[voted] = apply_temperature(_of_votes(name, seen.votes[voted], seen), temperature)
    return found


def believe_unseen(name: str, seen: Witnesses, temperature: float = 1.0) -> np.ndarray:
    """As `believe`, but a row whose label is known is judged as if that label, and others of its fold, were not.

    A label that the model learned from is defended by what it taught: by the trust in functions that agree with it and
    by neighbors that heard it.
    """
    found = believe(name, seen, temperature)
    for fold in _hidden(name, seen, seen.known >= 0):
        found[fold] = believe(name, _with(seen, known=np.where(fold, -1, seen.known)), temperature)[fold]
    return found


def _hidden(name: str, seen: Witnesses, told: np.ndarray) -> Sequence[np.ndarray]:
    """The labels that are hidden together, as masks (rows,), so that each row is judged without its own.

    Snorkel's model takes from the labels no more than where it starts, so that one fit without any will do; judges did
    not learn from the labels of the rows they judge.
    """
    if name in (SNORKEL, TEXT):
        return [told]
    return [fold for f in np.unique(seen.folds) if (fold := told & (seen.folds == f)).any()]


def _of_votes(name: str, votes: np.ndarray, seen: Witnesses) -> np.ndarray:
    trusted = label_model.trust(seen.votes, seen.known)
    if name == SNORKEL and votes.shape[1] >= label_model.FEWEST:
        return label_model.snorkel(votes, trusted, seen.known, seen.classes, epochs=seen.epochs, seed=seen.seed)
    return label_model.majority(votes, trusted, seen.classes)


def _sample(seen: Witnesses) -> Witnesses:
    if seen.known.size <= MOST:
        return seen
    rows = np.sort(np.random.default_rng(seen.seed).permutation(seen.known.size)[:MOST])
    votes = seen.votes[rows]
    return _with(
        seen,
        votes=votes[:, (votes >= 0).any(axis=0)],
        known=seen.known[rows],
        given=seen.given[rows],
        text=joint_model.part(seen.text, rows),
        folds=seen.folds[rows],
        judged=None if seen.judged is None else seen.judged[rows],
    )


def _with(seen: Witnesses, **changed: Any) -> Witnesses:
    return Witnesses(**{**vars(seen), **changed})


def _on_labels(name: str, seen: Witnesses) -> tuple[float, float]:
    """Mean log probability of the known labels by a model that did not see them, and its best temperature."""
    told = seen.given >= 0
    held = np.full((len(told), seen.classes), np.nan)
    for fold in _hidden(name, seen, told):
        found = believe(name, _with(seen, known=np.where(fold, -1, seen.known)))
        held[fold] = found[fold]
    spoken = told & np.isfinite(held[:, 0])
    temperature = calibrate(held[spoken], seen.given[spoken])
    if told.sum() < MANY_LABELS:  # all of few labels right is no reason to be surer of the rest
        temperature = max(1.0, temperature)
    held[spoken] = apply_temperature(held[spoken], temperature)
    share = _share(seen.given[told], seen.classes)
    held[told & ~spoken] = share
    right = held[told, seen.given[told]]
    return float(np.log(np.maximum(right, _TINY)).mean()), temperature


def _on_votes(name: str, seen: Witnesses) -> tuple[float, float]:
    """Mean log probability of each function's votes by a model that heard only the others."""
    columns = np.arange(seen.votes.shape[1])
    logs: list[np.ndarray] = []
    for group in range(min(GROUPS, len(columns))):
        kept = columns % GROUPS != group
        others = _with(seen, votes=seen.votes[:, kept])
        found = believe(name, others)
        silent = ~np.isfinite(found[:, 0])
        found[silent] = _share(seen.votes[:, kept][seen.votes[:, kept] >= 0], seen.classes)
        logs += [_likelihood(found, column) for column in seen.votes[:, ~kept].T]
    return float(np.concatenate(logs).mean()), 1.0


def _likelihood(belief: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Log probability of one function's votes, at the accuracy that makes them likeliest, shape (votes,)."""
    rows = np.flatnonzero(column >= 0)
    meant = belief[rows, column[rows]].astype(np.float64)
    others = (1 - meant) / max(1, belief.shape[1] - 1)
    each = np.log(np.maximum(_ACCURACIES[:, None] * meant + (1 - _ACCURACIES[:, None]) * others, _TINY))
    return np.asarray(each[each.sum(axis=1).argmax()])


def _share(codes: np.ndarray, classes: int) -> np.ndarray:
    counts = np.bincount(codes, minlength=classes) + 1.0
    return np.asarray(counts / counts.sum())
