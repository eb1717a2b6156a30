"""Rare classes: how far the answers are freed of each class's share of the rows, by logit adjustment.

From every logit so much of the logarithm of its class's share is taken as out-of-fold predictions of train rows gain by
(Menon et al. 2021). For a linear head, whose biases are free, that is what the balanced softmax teaches it (Ren et al.
2020), and it needs no second fit; a trunk whose heads are fitted anew after its training learns the same by either.
`benchmarks/imbalance.py` measures it beside weights of the classes.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import softmax

from tilth.learn import OutOfFold, apply_temperature, calibrate, difference, macro_f1, why_no_score
from tilth.samples import Task
from tilth.training.heads import log_shares
from tilth.training.inputs.config import Config
from tilth.training.inputs.training_set import TrainingSet

log = logging.getLogger(__name__)

DEGREES = (0.25, 0.5, 0.75, 1.0)
"""How much of the logarithm is taken: 1 leaves no trace of the shares."""
_EVEN = 2.0
"""Times as many rows of the largest class as of the smallest, below which `auto` measures nothing."""


def balance_classes(training_set: TrainingSet, config: Config, seed: int) -> tuple[TrainingSet, dict[str, Any]]:
    """The same with the offsets of its classes' logits, and out-of-fold predictions by them.

    Args:
        training_set: as the night has it.
        config: `balance = "auto"` keeps the best degree of a task where the 95% interval of what macro-F1 gains by it
            is above 0; "always" takes 1.
        seed: of the interval.

    Returns:
        The training set, and for each task what was chosen and why, for `run.json`.
    """
    offsets: dict[str, np.ndarray] = {}
    out_of_fold, facts = dict(training_set.out_of_fold), dict[str, Any]()
    for task in training_set.tasks:
        name = task.name
        rows = (training_set.codes[name], training_set.weights[name])
        noisy = name in training_set.noisy
        out_of_fold[name], taken, facts[name] = balance_task(task, out_of_fold[name], *rows, config, seed, noisy=noisy)
        if taken is not None:
            offsets[name] = taken
    return replace(training_set, offsets=offsets, out_of_fold=out_of_fold), facts


def balance_task(
    task: Task,
    out_of_fold: OutOfFold,
    codes: np.ndarray,
    weights: np.ndarray,
    config: Config,
    seed: int,
    *,
    noisy: bool = False,
) -> tuple[OutOfFold, np.ndarray | None, dict[str, Any]]:
    """One task's predictions, freed of its classes' shares as far as they gain by it.

    Args:
        task: whose predictions they are.
        out_of_fold: of the rows, by models that did not learn from them.
        codes: of the rows that are learned from, −1 elsewhere, shape (rows,).
        weights: of the rows, shape (rows,).
        config: see `balance_classes`.
        seed: of the interval.
        noisy: the heads are freed of the shares by themselves (`tilth.training.heads.stiff`).

    Returns:
        The predictions, calibrated anew; what a head's logits are to be lowered by, shape (classes,), None where that
        is nothing; and what was chosen and why.
    """
    known = codes >= 0
    shares = log_shares(codes[known], weights[known], len(task.labels))
    degree, fact = _choose(task, out_of_fold, codes, shares, config, seed, noisy=noisy)
    fact = {"degree": degree, **fact}
    if not degree:
        return out_of_fold, None, fact
    log.info("%s: rare classes count for more, by %.2f of the logarithm of their share", task.name, degree)
    return _adjusted(out_of_fold, degree * shares, codes), degree * out_of_fold.temperature * shares, fact


def _choose(
    task: Task,
    out_of_fold: OutOfFold,
    codes: np.ndarray,
    shares: np.ndarray,
    config: Config,
    seed: int,
    *,
    noisy: bool,
) -> tuple[float, Mapping[str, Any]]:
    """The degree of a task, and what was measured."""
    times = float(np.exp(np.ptp(shares)))
    fact: dict[str, Any] = {"largest_to_smallest": round(times, 1)}
    if noisy:
        return 0.0, {**fact, "why": "many labels may be wrong: the heads themselves are freed of the shares"}
    if config.balance != "auto":
        return float(config.balance == "always"), {**fact, "why": f'balance = "{config.balance}"'}
    if times < _EVEN:
        return 0.0, {**fact, "why": f"the largest class has fewer than {_EVEN:g} times the rows of the smallest"}
    rows = out_of_fold.labeled & (codes >= 0)
    truth = codes[rows]
    if (why := why_no_score(truth.tolist())) is not None:
        return 0.0, {**fact, "why": why}
    logits = np.log(np.maximum(out_of_fold.probabilities[rows], 1e-9))
    found = {degree: (logits - degree * shares).argmax(axis=1) for degree in (0.0, *DEGREES)}
    scored = {degree: macro_f1(truth, predicted, len(task.labels)) for degree, predicted in found.items()}
    best = max(scored, key=lambda degree: scored[degree])
    fact["macro_f1"] = {f"{degree:g}": round(score, 4) for degree, score in scored.items()}
    labels = [{task.name: task.decoded(found[degree])} for degree in (best, 0.0)]
    gain = difference({task.name: task.decoded(truth)}, labels[0], labels[1], seed)
    return best if gain.low > 0 else 0.0, {**fact, "low": round(gain.low, 4), "high": round(gain.high, 4)}


def _adjusted(out_of_fold: OutOfFold, offsets: np.ndarray, codes: np.ndarray) -> OutOfFold:
    """Predictions with so much taken from their logits, calibrated anew."""
    probabilities = softmax(np.log(np.maximum(out_of_fold.probabilities, 1e-9)) - offsets, axis=1)
    rows = out_of_fold.labeled & (codes >= 0)
    temperature = calibrate(probabilities[rows], codes[rows])
    return OutOfFold(
        probabilities=apply_temperature(probabilities, temperature),
        labeled=out_of_fold.labeled,
        temperature=out_of_fold.temperature * temperature,
    )
