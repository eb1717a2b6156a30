"""Which label model labels the night: the one that does best on labels, or else on votes, that it did not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tilth.learn import apply_temperature, calibrate
from tilth.weak_supervision.models import joint_model, label_model

JOINT, SNORKEL, MAJORITY, TEXT_MODEL = "joint", "snorkel", "majority", "text"
JOINTS = tuple(f"{JOINT}-{rounds}" for rounds in joint_model.ROUNDS)
MIN_LABELED_ROWS, MIN_VOTED_ROWS = 20, 50
"""Below both nothing can be measured, and Snorkel's model labels the night."""
MANY_LABELS = 200
"""From so many on they may raise a model's confidence above its own."""
MOST = 20_000
"""Rows on which the models are compared; more would tell them apart no better."""
GROUPS = 5
_ACCURACIES = np.linspace(0.5, 0.99, 25)
_TINY = 1e-6


@dataclass(frozen=True, kw_only=True)
class LabelModelInputs:
    """What label models learn from: the rows of one task.

    Attributes:
        votes: int64, shape (rows, functions), -1 abstains; every function votes somewhere.
        known: int64, shape (rows,), -1 where no label is known.
        given: the same with the labels that cleaning set aside. Models are measured on these, for those that cleaning
            left are the ones that are easy to agree with.
        text: of the rows.
        folds: each row's fold, shape (rows,).
        classes: how many classes there are.
        epochs: steps of Snorkel's fit.
        seed: of it.
        text_probabilities: out-of-fold probabilities of a text model fitted to the known labels, float32, shape (rows,
            classes), or None: what the functions must beat.
    """

    votes: np.ndarray
    known: np.ndarray
    given: np.ndarray
    text: joint_model.TextFeatures
    folds: np.ndarray
    classes: int
    epochs: int = 300
    seed: int = 0
    text_probabilities: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The label model of the night, and why.

    Attributes:
        name: `joint-` and its rounds, `snorkel`, `majority`, or `text`: where the functions tell less of the labels
            than the text by itself, they are not used.
        by: what they were compared on.
        scores: each one's mean log likelihood of what it did not see, higher is better.
        temperatures: what each one's logits are divided by to calibrate its confidence.
    """

    name: str
    by: str
    scores: dict[str, float] = field(default_factory=dict)
    temperatures: dict[str, float] = field(default_factory=dict)

    def of_functions(self) -> Choice:
        """The best of those that learn from the functions' votes, where the text's own labels would do harm."""
        name = max((name for name in self.scores if name != TEXT_MODEL), key=lambda name: self.scores[name])
        return replace(self, name=name, by=f"{self.by}; labels by the text alone would do harm")


def choose_label_model(inputs: LabelModelInputs, wanted: str = "auto") -> Choice:
    """Compare the label models by cross-validation on known labels, or by held-out votes where there are few.

    Args:
        inputs: the rows of one task.
        wanted: "auto", or the model that the config names, which is then compared all the same.
    """
    rows, inputs = len(inputs.known), _sample(inputs)
    slow = _snorkel_is_slow(inputs, wanted, rows)
    names = candidates(inputs, wanted, slow=slow)
    allowed = [name for name in names if wanted in ("auto", name.partition("-")[0])] or [MAJORITY]
    if not _measurable_on_labels(inputs) and not _measurable_on_votes(inputs):
        default = names[len(JOINTS)] if wanted == "auto" else allowed[len(allowed) // 2]
        return Choice(name=default, by="too few rows to compare" if wanted == "auto" else "the config")
    by, measure = ("held-out labels", _on_labels) if _measurable_on_labels(inputs) else ("held-out votes", _on_votes)
    if slow:
        functions = inputs.votes.shape[1]
        by += f", without Snorkel's model, which {functions} functions for {inputs.classes} labels would hold up"
        by += f" on {rows:,} rows" if rows > len(inputs.known) else ""
    results = {name: measure(name, inputs) for name in names}
    scores = {name: score for name, (score, _) in results.items()}
    return Choice(
        name=max(allowed, key=lambda name: scores[name]),
        by=by if wanted == "auto" else f"the config, {by}",
        scores=scores,
        temperatures={name: temperature for name, (_, temperature) in results.items()},
    )


def candidates(inputs: LabelModelInputs, wanted: str = "auto", *, slow: bool = False) -> list[str]:
    """The label models that can be fitted to these rows, in the order in which the first of equals is taken.

    Args:
        inputs: the rows.
        wanted: as the config has it.
        slow: whether Snorkel's model would take too long.
    """
    names = [*JOINTS, MAJORITY]
    if inputs.votes.shape[1] >= label_model.FEWEST and not slow:
        names = [*JOINTS, SNORKEL, MAJORITY]
    if wanted == "auto" and inputs.text_probabilities is not None and _measurable_on_labels(inputs):
        names.append(TEXT_MODEL)
    return names


def _snorkel_is_slow(inputs: LabelModelInputs, wanted: str, rows: int) -> bool:
    functions = inputs.votes.shape[1]
    width = functions * inputs.classes
    large = width > label_model.LARGEST or width * rows > label_model.LARGEST_MATRIX
    return functions >= label_model.FEWEST and wanted != SNORKEL and large


def _measurable_on_labels(inputs: LabelModelInputs) -> bool:
    labels = inputs.given[inputs.given >= 0]
    return labels.size >= MIN_LABELED_ROWS and len(np.unique(labels)) > 1


def _measurable_on_votes(inputs: LabelModelInputs) -> bool:
    return bool((inputs.votes >= 0).any(axis=1).sum() >= MIN_VOTED_ROWS) and inputs.votes.shape[1] > 1


def label_probabilities(name: str, inputs: LabelModelInputs, temperature: float = 1.0) -> np.ndarray:
    """One model's probabilities, float32, shape (rows, classes); NaN on rows that it gives none for."""
    if name in JOINTS:
        rounds = int(name.removeprefix(f"{JOINT}-"))
        return apply_temperature(
            joint_model.joint_probabilities(inputs.votes, inputs.text, inputs.known, inputs.classes, rounds),
            temperature,
        )
    if name == TEXT_MODEL and inputs.text_probabilities is not None:
        return apply_temperature(inputs.text_probabilities, temperature)
    voted = (inputs.votes >= 0).any(axis=1)
    probabilities = np.full((inputs.votes.shape[0], inputs.classes), np.nan, dtype=np.float32)
    if voted.any():
        probabilities[voted] = apply_temperature(_from_votes(name, inputs.votes[voted], inputs), temperature)
    return probabilities


def held_out_probabilities(name: str, inputs: LabelModelInputs, temperature: float = 1.0) -> np.ndarray:
    """As `label_probabilities`, but a row whose label is known is scored without that label and others of its fold.

    A model that learned from a label agrees with it too easily: by the trust in functions that agree with it, and by
    the row's neighbors.
    """
    probabilities = label_probabilities(name, inputs, temperature)
    for fold in _hidden_folds(name, inputs, inputs.known >= 0):
        probabilities[fold] = label_probabilities(
            name, replace(inputs, known=np.where(fold, -1, inputs.known)), temperature
        )[fold]
    return probabilities


def _hidden_folds(name: str, inputs: LabelModelInputs, labeled: np.ndarray) -> Sequence[np.ndarray]:
    """The labels that are hidden together, as masks (rows,), so that each row is scored without its own.

    Snorkel's model takes from the labels no more than where it starts, so that one fit without any will do; the text
    model's probabilities are out of fold already.
    """
    if name in (SNORKEL, TEXT_MODEL):
        return [labeled]
    return [fold for f in np.unique(inputs.folds) if (fold := labeled & (inputs.folds == f)).any()]


def _from_votes(name: str, votes: np.ndarray, inputs: LabelModelInputs) -> np.ndarray:
    trusted = label_model.function_trust(inputs.votes, inputs.known)
    if name == SNORKEL and votes.shape[1] >= label_model.FEWEST:
        return label_model.snorkel_probabilities(
            votes, trusted, inputs.known, inputs.classes, epochs=inputs.epochs, seed=inputs.seed
        )
    return label_model.majority_vote(votes, trusted, inputs.classes)


def _sample(inputs: LabelModelInputs) -> LabelModelInputs:
    if inputs.known.size <= MOST:
        return inputs
    rows = np.sort(np.random.default_rng(inputs.seed).permutation(inputs.known.size)[:MOST])
    votes = inputs.votes[rows]
    return replace(
        inputs,
        votes=votes[:, (votes >= 0).any(axis=0)],
        known=inputs.known[rows],
        given=inputs.given[rows],
        text=joint_model.select_texts(inputs.text, rows),
        folds=inputs.folds[rows],
        text_probabilities=None if inputs.text_probabilities is None else inputs.text_probabilities[rows],
    )


def _on_labels(name: str, inputs: LabelModelInputs) -> tuple[float, float]:
    """Mean log probability of the known labels by a model that did not learn from them, and its best temperature."""
    labeled = inputs.given >= 0
    held_out = np.full((len(labeled), inputs.classes), np.nan)
    for fold in _hidden_folds(name, inputs, labeled):
        probabilities = label_probabilities(name, replace(inputs, known=np.where(fold, -1, inputs.known)))
        held_out[fold] = probabilities[fold]
    predicted = labeled & np.isfinite(held_out[:, 0])
    temperature = calibrate(held_out[predicted], inputs.given[predicted])
    if labeled.sum() < MANY_LABELS:  # that all of few labels are right is no reason for more confidence in the rest
        temperature = max(1.0, temperature)
    held_out[predicted] = apply_temperature(held_out[predicted], temperature)
    share = _class_share(inputs.given[labeled], inputs.classes)
    held_out[labeled & ~predicted] = share
    right = held_out[labeled, inputs.given[labeled]]
    return float(np.log(np.maximum(right, _TINY)).mean()), temperature


def _on_votes(name: str, inputs: LabelModelInputs) -> tuple[float, float]:
    """Mean log probability of each function's votes by a model of the other functions alone."""
    columns = np.arange(inputs.votes.shape[1])
    logs: list[np.ndarray] = []
    for group in range(min(GROUPS, len(columns))):
        kept = columns % GROUPS != group
        others = replace(inputs, votes=inputs.votes[:, kept])
        probabilities = label_probabilities(name, others)
        missing = ~np.isfinite(probabilities[:, 0])
        probabilities[missing] = _class_share(inputs.votes[:, kept][inputs.votes[:, kept] >= 0], inputs.classes)
        logs += [_likelihood(probabilities, column) for column in inputs.votes[:, ~kept].T]
    return float(np.concatenate(logs).mean()), 1.0


def _likelihood(probabilities: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Log probability of one function's votes, at the accuracy that makes them likeliest, shape (votes,)."""
    rows = np.flatnonzero(column >= 0)
    voted = probabilities[rows, column[rows]].astype(np.float64)
    others = (1 - voted) / max(1, probabilities.shape[1] - 1)
    each = np.log(np.maximum(_ACCURACIES[:, None] * voted + (1 - _ACCURACIES[:, None]) * others, _TINY))
    return np.asarray(each[each.sum(axis=1).argmax()])


def _class_share(codes: np.ndarray, classes: int) -> np.ndarray:
    counts = np.bincount(codes, minlength=classes) + 1.0
    return np.asarray(counts / counts.sum())
