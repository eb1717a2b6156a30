from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tilth.augmentation.config import Config
from tilth.augmentation.selection.budget import fill
from tilth.augmentation.selection.candidates import Candidates, Measured
from tilth.augmentation.selection.config import GateConfig
from tilth.augmentation.selection.cross_fitting import Proving
from tilth.augmentation.selection.cross_validation import Offered, Proof, prove
from tilth.augmentation.selection.label_agreement import TaskJudges, fit
from tilth.samples import Reason, Task

TASK = Task(name="label", labels=("a", "b", "c", "d"))
CONFIG = Config(gate=GateConfig(agreement=0.0, changed=0.0, per_source=50))


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def judged(vectors: np.ndarray, codes: np.ndarray, folds: np.ndarray) -> TaskJudges:
    frame = pd.DataFrame({"label": [TASK.labels[code] for code in codes], "status": "active", "split": "train"})
    frame["source"], frame["label_reason"], frame["label_origin"] = "input", None, "given"
    evidence: Any = SimpleNamespace(embeddings=lambda: vectors, folds=folds)
    return fit(frame, TASK, evidence)


def offered(parents: np.ndarray, vectors: np.ndarray, found: TaskJudges, budget: int) -> Offered:
    count = len(parents)
    names = [("label", TASK.labels[found.codes[parent]]) for parent in parents]
    texts = [f"word{k} of its own{k}" for k in range(count)]
    candidates = Candidates(parents, texts, texts, ["{}"] * count, np.ones(count), names, np.full(count, -1))
    chance, first = found.agreement(parents, vectors)
    ones = np.ones(count)
    measured = Measured(ones, chance, first, ones, ones, np.zeros(count, dtype=bool), ones)
    graded: list[Reason | None] = [None if right else Reason.LABEL_AGREEMENT for right in first]
    return Offered(candidates, measured, graded, vectors, {("label", name): budget for name in TASK.labels})


def noise(seed: int) -> tuple[np.ndarray, TaskJudges, Offered]:
    """Rows and candidates of which no vector says anything about a label."""
    rng = np.random.default_rng(seed)
    rows, codes, folds = unit(rng.normal(size=(60, 24))), rng.integers(4, size=60), np.arange(60) % 5
    parents = np.repeat(np.arange(60), 12)
    found = judged(rows, codes, folds)
    return rows, found, offered(parents, unit(rng.normal(size=(len(parents), 24))), found, 60)


def test_labels_that_are_held_out_choose_nothing() -> None:
    """Chosen by all labels, paraphrases of noise would seem to teach them."""
    gains = []
    for seed in range(6):
        rows, found, candidates = noise(seed)
        assert (
            fill(
                candidates.candidates, candidates.measured, list(candidates.graded), candidates.allowed, CONFIG.gate
            ).count(None)
            > 60
        )  # the gate lets many of them through
        proof = prove(Proving([found], rows, CONFIG.gate), candidates, CONFIG.weights, seed)
        gains.append(proof.with_them - proof.without)
    assert abs(float(np.mean(gains))) < 0.04


def few(spread: float) -> tuple[np.ndarray, TaskJudges, np.random.Generator, np.ndarray]:
    """Three rows a class around centers that they are far from."""
    rng = np.random.default_rng(0)
    centers, codes = unit(rng.normal(size=(4, 24))), np.repeat(np.arange(4), 5)
    rows = unit(centers[codes] + spread * unit(rng.normal(size=(20, 24))))
    return rows, judged(rows, codes, np.arange(20) % 5), rng, centers


def test_paraphrases_that_say_more_of_their_class_help() -> None:
    rows, found, rng, centers = few(2.5)
    parents = np.repeat(np.arange(20), 6)
    vectors = unit(centers[found.codes[parents]] + 0.1 * rng.normal(size=(len(parents), 24)))
    proof = prove(Proving([found], rows, CONFIG.gate), offered(parents, vectors, found, 30), CONFIG.weights, 0)
    assert proof.with_them > proof.without
    assert proof.weight in CONFIG.weights


def test_texts_of_another_class_are_turned_away_in_the_proof_too() -> None:
    rows, found, rng, centers = few(0.5)
    parents = np.repeat(np.arange(20), 3)
    vectors = unit(centers[(found.codes[parents] + 1) % 4] + 0.1 * rng.normal(size=(len(parents), 24)))
    proof = prove(Proving([found], rows, CONFIG.gate), offered(parents, vectors, found, 30), CONFIG.weights, 0)
    assert proof.with_them == proof.without
    assert proof.interval == (0.0, 0.0)


def test_a_source_is_vouched_for_without_its_own_part_and_the_held_one() -> None:
    """Of rows of noise some are vouched for by one judge and not by another: each counts where it may."""
    rows, found, _ = noise(1)
    proving = Proving([found], rows, CONFIG.gate)
    drawn = proving.vouched_by_any()
    assert drawn.sum() > proving.vouched().sum()
    for held in proving.held:
        judge = proving.refits[0].without(held)
        others = np.flatnonzero(found.folds != held)
        assert not np.array_equal(judge.predict(rows[others]) == found.codes[others], proving.vouched(held)[others])
        assert drawn[others][proving.vouched(held)[others]].all()


@pytest.mark.parametrize(("interval", "helps"), [((0.0, 0.1), True), ((-0.001, 0.1), False)])
def test_help_is_an_interval_that_does_not_reach_below_zero(interval: Sequence[float], helps: bool) -> None:
    assert Proof(0.5, 0.6, (interval[0], interval[1]), 1.0).helps is helps


@pytest.mark.parametrize(("folds", "possible"), [([0, 1, 2, 3], True), ([0, 0, 1, 1], False)])
def test_labels_whose_class_the_other_parts_do_not_hold_prove_nothing(folds: list[int], possible: bool) -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(4, 8)))
    found = judged(vectors, np.array([0, 0, 1, 1]), np.array(folds))
    assert Proving([found], vectors, GateConfig()).possible is possible


def test_what_is_in_a_held_out_rows_words_teaches_nothing_of_that_row() -> None:
    """Else a text that is next to a labeled row would seem to help, as it cannot help any row that has none."""
    gains = {}
    for beside in (False, True):
        found = []
        for seed in range(6):
            rng = np.random.default_rng(seed)
            codes, folds = np.arange(80) % 4, (np.arange(80) // 4) % 5
            rows = unit(np.eye(24)[codes] * 1.2 + rng.normal(size=(80, 24)))
            told = judged(rows, codes, folds)
            parents = (np.arange(80) + 4) % 80  # same class, next fold
            made = offered(parents, rows, told, 60)
            made.candidates.beside[:] = np.arange(80) if beside else -1
            proved = prove(Proving([told], rows, CONFIG.gate), made, CONFIG.weights, seed)
            found.append(proved.with_them - proved.without)
        gains[beside] = float(np.mean(found))
    assert gains[False] > 0.02
    assert gains[True] < gains[False] / 2
