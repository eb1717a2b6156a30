"""The label model that sees the text, which model is chosen and why, and drift from night to night."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tilth.learn.neighbors import Neighbors
from tilth.weak_supervision import figures
from tilth.weak_supervision.functions.history import (
    NIGHTS_KEPT,
    FunctionRecord,
    describe_drift,
    read_history,
    write_history,
)
from tilth.weak_supervision.models import joint_model, label_model, model_selection
from tilth.weak_supervision.models.joint_model import TextFeatures, joint_probabilities, prepare_texts
from tilth.weak_supervision.models.model_selection import (
    JOINTS,
    MAJORITY,
    SNORKEL,
    TEXT_MODEL,
    LabelModelInputs,
    choose_label_model,
    held_out_probabilities,
    label_probabilities,
)


def clouds(count: int = 300, *, apart: float = 3.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two clouds of points, and which of them each row is of: a third of the rows are of the second."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(count) < 1 / 3).astype(np.int64)
    vectors = rng.normal(size=(count, 8)) + apart * truth[:, None] * np.eye(8)[0]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), truth


def text_of(vectors: np.ndarray) -> TextFeatures:
    cosine = vectors @ vectors.T - 3 * np.eye(len(vectors))
    near = np.argsort(-cosine, axis=1)[:, :10]
    return prepare_texts(vectors, Neighbors(rows=near, similarities=np.take_along_axis(cosine, near, axis=1)))


def noisy(truth: np.ndarray, *, coverage: float, right: float, functions: int = 3, seed: int = 1) -> np.ndarray:
    """Votes of functions that speak of some rows and are right on a share of those."""
    rng = np.random.default_rng(seed)
    shape = (len(truth), functions)
    votes = np.where(rng.random(shape) < right, truth[:, None], 1 - truth[:, None])
    return np.where(rng.random(shape) < coverage, votes, -1)


def seen(
    truth: np.ndarray, vectors: np.ndarray, votes: np.ndarray, known: np.ndarray | None = None, **other: Any
) -> LabelModelInputs:
    none = np.full(len(truth), -1)
    labels = none if known is None else known
    folds = np.arange(len(truth)) % 5
    return LabelModelInputs(
        votes=votes,
        known=labels,
        given=other.get("given", labels),
        text=text_of(vectors),
        folds=folds,
        classes=2,
        epochs=50,
        text_probabilities=other.get("text_probabilities"),
    )


def test_rows_without_a_vote_are_labeled_by_what_they_look_like() -> None:
    vectors, truth = clouds(apart=5.0)
    votes = noisy(truth, coverage=0.1, right=0.9)
    silent = (votes < 0).all(axis=1)
    assert silent.mean() > 0.6
    found = joint_probabilities(votes, text_of(vectors), np.full(len(truth), -1), 2)
    assert found.sum(axis=1) == pytest.approx(np.ones(len(truth)))
    assert (found.argmax(axis=1) == truth)[silent].mean() > 0.88  # two thirds are of one class


def test_without_a_vote_or_a_label_nothing_is_said() -> None:
    vectors, _ = clouds(30)
    found = joint_probabilities(np.full((30, 2), -1), text_of(vectors), np.full(30, -1), 2)
    assert found == pytest.approx(np.full((30, 2), 0.5))


def test_a_row_is_not_its_own_witness() -> None:
    vectors, truth = clouds()
    votes = noisy(truth, coverage=0.2, right=0.95)
    known = np.where(np.arange(len(truth)) % 3 == 0, truth, -1)
    wrong = int(np.flatnonzero(known >= 0)[0])
    known[wrong] = 1 - truth[wrong]
    votes[wrong] = -1
    found = joint_probabilities(votes, text_of(vectors), known, 2)
    assert found[wrong].argmax() == truth[wrong]


def test_votes_are_weighed_by_what_their_rows_turn_out_to_be() -> None:
    # Ten rows got a vote for class 1, of which the posterior holds nine to be of class 0.
    posterior = np.array([[1.0, 0.0]] * 9 + [[0.0, 1.0]] + [[0.5, 0.5]] * 10)
    votes = np.array([[1]] * 10 + [[-1]] * 10)
    spoken = joint_model._vote_evidence(votes, joint_model._vote_tables(votes, posterior))
    meant = np.array([(9 + 5 * 0.2) / 15, (1 + 5 * 0.8) / 15])
    base = np.array([(14 + 1) / 22, (6 + 1) / 22])
    assert spoken[0] == pytest.approx(np.log(meant / base))
    assert spoken[10:].tolist() == [[0.0, 0.0]] * 10


@pytest.mark.parametrize("labels", [0, 60])
def test_where_the_text_tells_the_joint_model_is_chosen(labels: int) -> None:
    vectors, truth = clouds(600)
    known = np.where(np.arange(600) < labels, truth, -1)
    choice = choose_label_model(seen(truth, vectors, noisy(truth, coverage=0.15, right=0.85), known))
    assert choice.name in JOINTS
    assert choice.by == ("held-out labels" if labels else "held-out votes")
    assert set(choice.scores) == {"joint-2", "joint-4", "joint-8", "snorkel", "majority"}
    assert choice.scores[choice.name] == max(choice.scores.values())


def test_functions_that_know_less_than_the_text_are_not_heard() -> None:
    vectors, truth = clouds(300, apart=0.0)
    sure = np.where(np.arange(2) == truth[:, None], 0.9, 0.1).astype(np.float32)
    known = np.where(np.arange(300) < 100, truth, -1)
    poor = noisy(truth, coverage=0.5, right=0.55)
    assert choose_label_model(seen(truth, vectors, poor, known, text_probabilities=sure)).name == TEXT_MODEL
    assert choose_label_model(seen(truth, vectors, poor, known, text_probabilities=sure), "majority").name == "majority"
    good = noisy(truth, coverage=1.0, right=1.0)
    assert choose_label_model(seen(truth, vectors, good, known, text_probabilities=1 - sure)).name != TEXT_MODEL
    unknown = seen(
        truth, vectors, poor, text_probabilities=sure
    )  # without labels nothing tells whether a text model knows them
    assert TEXT_MODEL not in choose_label_model(unknown).scores


def test_snorkels_model_is_not_waited_for_where_functions_and_labels_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, truth = clouds(200)
    witnesses = seen(truth, vectors, noisy(truth, coverage=0.3, right=0.85), np.where(np.arange(200) < 50, truth, -1))
    monkeypatch.setattr(label_model, "LARGEST", 5)  # three functions for two labels are six
    choice = choose_label_model(witnesses)
    assert set(choice.scores) == {"joint-2", "joint-4", "joint-8", "majority"}
    assert choice.by == "held-out labels, without Snorkel's model, which 3 functions for 2 labels would hold up"
    assert choose_label_model(witnesses, "snorkel").name == "snorkel"  # asked for by name it is
    two = noisy(truth, coverage=0.3, right=0.85, functions=2)  # too few for it, whatever its size would be
    monkeypatch.setattr(label_model, "LARGEST", 1)
    assert choose_label_model(seen(truth, vectors, two, witnesses.known)).by == "held-out labels"


def test_where_the_text_tells_nothing_votes_are_counted() -> None:
    truth = clouds(600)[1]
    vectors = clouds(600, apart=0.0, seed=9)[0]
    votes = noisy(truth, coverage=1.0, right=0.9)
    choice = choose_label_model(seen(truth, vectors, votes, np.where(np.arange(600) < 300, truth, -1)))
    assert choice.scores["majority"] > choice.scores["joint-8"] - 0.05
    found = label_probabilities(choice.name, seen(truth, vectors, votes, truth))
    assert (found.argmax(axis=1) == truth).mean() > 0.95


def test_labels_that_cleaning_set_aside_are_measured_on_and_not_learned_from() -> None:
    vectors, truth = clouds(300)
    votes = noisy(truth, coverage=0.2, right=0.9)
    known = np.where(np.arange(300) < 100, truth, -1)
    given = np.where(np.arange(300) < 200, truth, -1)
    given[100:200] = 1 - truth[100:200]  # all wrong, and rightly set aside
    kept, all_given = (
        choose_label_model(seen(truth, vectors, votes, known, given=labels), "joint") for labels in (known, given)
    )
    assert all_given.scores["joint-4"] < kept.scores["joint-4"]
    assert all_given.temperatures["joint-4"] > kept.temperatures["joint-4"]
    first, second = (
        label_probabilities("joint-4", seen(truth, vectors, votes, known, given=labels)) for labels in (known, given)
    )
    assert np.array_equal(first, second)


def test_with_too_little_to_compare_snorkel_speaks_and_the_config_is_obeyed() -> None:
    vectors, truth = clouds(20)
    votes = noisy(truth, coverage=1.0, right=0.9)
    assert choose_label_model(seen(truth, vectors, votes)).name == "snorkel"
    assert choose_label_model(seen(truth, vectors, votes[:, :2])).name == "majority"
    assert choose_label_model(seen(truth, vectors, votes), "joint").name == "joint-4"


def test_the_likelihood_of_votes_by_hand() -> None:
    found = model_selection._likelihood(np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]]), np.array([0, 1, -1]))
    assert found == pytest.approx(np.log([0.99 * 0.9 + 0.01 * 0.1, 0.99 * 0.8 + 0.01 * 0.2]))


def night(voted: int, rows: int = 1000, labeled: int = 0, right: int = 0, key: str = "k") -> FunctionRecord:
    return FunctionRecord(key=key, rows=rows, voted=voted, labeled=labeled, right=right)


@pytest.mark.parametrize(
    ("now", "before", "why"),
    [
        (night(100), [], ""),
        (night(100), [night(90), night(110)], ""),
        (night(350), [night(100), night(100)], "votes on 35.0% of the rows, on the last nights 10.0%"),
        (night(0), [night(100)], "votes on 0.0% of the rows"),
        (night(3), [night(1)], ""),  # a factor of three by chance
        (night(350), [night(100, key="before the edit")], ""),
        (
            night(100, labeled=100, right=60),
            [night(100, labeled=100, right=95)],
            "right on 60 of 100 labeled rows (60%), on the last nights on 95%",
        ),
        (night(100, labeled=5, right=3), [night(100, labeled=5, right=5)], ""),
    ],
)
def test_drift_is_more_than_chance(now: FunctionRecord, before: list[FunctionRecord], why: str) -> None:
    found = describe_drift(now, before, 3.0)
    assert found.startswith(why) if why else found == ""


def test_history_forgets_functions_that_are_gone_and_nights_that_drifted(tmp_path: Path) -> None:
    assert read_history(None) == {}
    before = {"a": [night(1)] * 20, "b": [night(2)], "gone": [night(3)], "edited": [night(4, key="old")]}
    tonight = {"a": night(9), "b": night(500), "edited": night(5)}
    found = read_history(write_history(tmp_path / "next", before, tonight, {"b"}))
    assert found["a"] == [night(1)] * (NIGHTS_KEPT - 1) + [night(9)]
    assert found["b"] == [night(2)]
    assert found["edited"] == [night(5)]
    assert "gone" not in found


def test_the_carried_history_keeps_its_keys(tmp_path: Path) -> None:
    (tmp_path / "history.json").write_text('{"a": [{"key": "k", "rows": 9, "voted": 4, "told": 3, "right": 2}]}')
    record = FunctionRecord(key="k", rows=9, voted=4, labeled=3, right=2)
    assert read_history(tmp_path) == {"a": [record]}
    folder = write_history(tmp_path / "next", {}, {"a": record}, set())
    assert json.loads((folder / "history.json").read_text()) == json.loads((tmp_path / "history.json").read_text())


def test_pairs_that_speak_of_the_same_rows() -> None:
    matrix = np.full((20, 3), -1)
    matrix[:10, 0], matrix[:8, 1], matrix[15:, 2] = 0, 0, 1
    matrix[0, 1] = 1
    figure = figures.correlated("intent", ["one", "two", "three"], matrix)
    assert figure is not None
    assert figure.data["rows"] == [["one", "two", 8, 0.8, 0.875]]
    assert figures.correlated("intent", ["one", "three"], matrix[:, [0, 2]]) is None


@pytest.mark.parametrize("name", [JOINTS[0], MAJORITY, SNORKEL])
def test_a_known_label_says_nothing_of_its_own_row(name: str) -> None:
    """Turned round, with all of its fold, it changes nothing of what is believed of these rows."""
    vectors, truth = clouds()
    votes = noisy(truth, coverage=0.3, right=0.8)
    known = np.where(np.arange(len(truth)) % 3 == 0, truth, -1)
    turned = np.where((known >= 0) & (np.arange(len(truth)) % 5 == 0), 1 - known, known)
    one, two = (held_out_probabilities(name, seen(truth, vectors, votes, labels)) for labels in (known, turned))
    changed = (known != turned) & np.isfinite(one[:, 0])
    assert changed.any()
    np.testing.assert_array_equal(one[changed], two[changed])
