"""The label model that sees the text, which model is chosen and why, and drift from night to night."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tilth.learn.neighbors import Neighbors
from tilth.weak_supervision import figures
from tilth.weak_supervision.functions import history
from tilth.weak_supervision.functions.history import Measured
from tilth.weak_supervision.models import joint_model, label_model, model_selection
from tilth.weak_supervision.models.model_selection import Witnesses


def clouds(count: int = 300, *, apart: float = 3.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two clouds of points, and which of them each row is of: a third of the rows are of the second."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(count) < 1 / 3).astype(np.int64)
    vectors = rng.normal(size=(count, 8)) + apart * truth[:, None] * np.eye(8)[0]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), truth


def text_of(vectors: np.ndarray) -> joint_model.Text:
    cosine = vectors @ vectors.T - 3 * np.eye(len(vectors))
    near = np.argsort(-cosine, axis=1)[:, :10]
    return joint_model.see(vectors, Neighbors(rows=near, similarities=np.take_along_axis(cosine, near, axis=1)))


def noisy(truth: np.ndarray, *, coverage: float, right: float, functions: int = 3, seed: int = 1) -> np.ndarray:
    """Votes of functions that speak of some rows and are right on a share of those."""
    rng = np.random.default_rng(seed)
    shape = (len(truth), functions)
    votes = np.where(rng.random(shape) < right, truth[:, None], 1 - truth[:, None])
    return np.where(rng.random(shape) < coverage, votes, -1)


def seen(
    truth: np.ndarray, vectors: np.ndarray, votes: np.ndarray, known: np.ndarray | None = None, **other: Any
) -> Witnesses:
    none = np.full(len(truth), -1)
    labels = none if known is None else known
    folds = np.arange(len(truth)) % 5
    return Witnesses(
        votes=votes,
        known=labels,
        given=other.get("given", labels),
        text=text_of(vectors),
        folds=folds,
        classes=2,
        epochs=50,
        judged=other.get("judged"),
    )


def test_rows_without_a_vote_are_labeled_by_what_they_look_like() -> None:
    vectors, truth = clouds(apart=5.0)
    votes = noisy(truth, coverage=0.1, right=0.9)
    silent = (votes < 0).all(axis=1)
    assert silent.mean() > 0.6
    found = joint_model.believe(votes, text_of(vectors), np.full(len(truth), -1), 2)
    assert found.sum(axis=1) == pytest.approx(np.ones(len(truth)))
    assert (found.argmax(axis=1) == truth)[silent].mean() > 0.88  # two thirds are of one class


def test_without_a_vote_or_a_label_nothing_is_said() -> None:
    vectors, _ = clouds(30)
    found = joint_model.believe(np.full((30, 2), -1), text_of(vectors), np.full(30, -1), 2)
    assert found == pytest.approx(np.full((30, 2), 0.5))


def test_a_row_is_not_its_own_witness() -> None:
    vectors, truth = clouds()
    votes = noisy(truth, coverage=0.2, right=0.95)
    known = np.where(np.arange(len(truth)) % 3 == 0, truth, -1)
    wrong = int(np.flatnonzero(known >= 0)[0])
    known[wrong] = 1 - truth[wrong]
    votes[wrong] = -1
    found = joint_model.believe(votes, text_of(vectors), known, 2)
    assert found[wrong].argmax() == truth[wrong]


def test_votes_are_weighed_by_what_their_rows_turn_out_to_be() -> None:
    # Ten rows got a vote for class 1, of which the belief holds nine to be of class 0.
    belief = np.array([[1.0, 0.0]] * 9 + [[0.0, 1.0]] + [[0.5, 0.5]] * 10)
    votes = np.array([[1]] * 10 + [[-1]] * 10)
    spoken = joint_model._votes(votes, belief)
    meant = np.array([(9 + 5 * 0.2) / 15, (1 + 5 * 0.8) / 15])
    base = np.array([(14 + 1) / 22, (6 + 1) / 22])
    assert spoken[0] == pytest.approx(np.log(meant / base))
    assert spoken[10:].tolist() == [[0.0, 0.0]] * 10


@pytest.mark.parametrize("labels", [0, 60])
def test_where_the_text_tells_the_joint_model_is_chosen(labels: int) -> None:
    vectors, truth = clouds(600)
    known = np.where(np.arange(600) < labels, truth, -1)
    choice = model_selection.choose(seen(truth, vectors, noisy(truth, coverage=0.15, right=0.85), known))
    assert choice.name in model_selection.JOINTS
    assert choice.by == ("held-out labels" if labels else "held-out votes")
    assert set(choice.scores) == {"joint-2", "joint-4", "joint-8", "snorkel", "majority"}
    assert choice.scores[choice.name] == max(choice.scores.values())


def test_functions_that_know_less_than_the_text_are_not_heard() -> None:
    vectors, truth = clouds(300, apart=0.0)
    sure = np.where(np.arange(2) == truth[:, None], 0.9, 0.1).astype(np.float32)
    known = np.where(np.arange(300) < 100, truth, -1)
    poor = noisy(truth, coverage=0.5, right=0.55)
    assert model_selection.choose(seen(truth, vectors, poor, known, judged=sure)).name == model_selection.TEXT
    assert model_selection.choose(seen(truth, vectors, poor, known, judged=sure), "majority").name == "majority"
    good = noisy(truth, coverage=1.0, right=1.0)
    assert model_selection.choose(seen(truth, vectors, good, known, judged=1 - sure)).name != model_selection.TEXT
    unknown = seen(truth, vectors, poor, judged=sure)  # without labels nothing tells whether judges know them
    assert model_selection.TEXT not in model_selection.choose(unknown).scores


def test_snorkels_model_is_not_waited_for_where_functions_and_labels_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, truth = clouds(200)
    witnesses = seen(truth, vectors, noisy(truth, coverage=0.3, right=0.85), np.where(np.arange(200) < 50, truth, -1))
    monkeypatch.setattr(label_model, "LARGEST", 5)  # three functions for two labels are six
    choice = model_selection.choose(witnesses)
    assert set(choice.scores) == {"joint-2", "joint-4", "joint-8", "majority"}
    assert choice.by == "held-out labels, without Snorkel's model, which 3 functions for 2 labels would hold up"
    assert model_selection.choose(witnesses, "snorkel").name == "snorkel"  # asked for by name it is
    two = noisy(truth, coverage=0.3, right=0.85, functions=2)  # too few for it, whatever its size would be
    monkeypatch.setattr(label_model, "LARGEST", 1)
    assert model_selection.choose(seen(truth, vectors, two, witnesses.known)).by == "held-out labels"


def test_where_the_text_tells_nothing_votes_are_counted() -> None:
    truth = clouds(600)[1]
    vectors = clouds(600, apart=0.0, seed=9)[0]
    votes = noisy(truth, coverage=1.0, right=0.9)
    choice = model_selection.choose(seen(truth, vectors, votes, np.where(np.arange(600) < 300, truth, -1)))
    assert choice.scores["majority"] > choice.scores["joint-8"] - 0.05
    found = model_selection.believe(choice.name, seen(truth, vectors, votes, truth))
    assert (found.argmax(axis=1) == truth).mean() > 0.95


def test_labels_that_cleaning_set_aside_are_measured_on_and_not_learned_from() -> None:
    vectors, truth = clouds(300)
    votes = noisy(truth, coverage=0.2, right=0.9)
    known = np.where(np.arange(300) < 100, truth, -1)
    given = np.where(np.arange(300) < 200, truth, -1)
    given[100:200] = 1 - truth[100:200]  # all wrong, and rightly set aside
    kept, all_given = (
        model_selection.choose(seen(truth, vectors, votes, known, given=labels), "joint") for labels in (known, given)
    )
    assert all_given.scores["joint-4"] < kept.scores["joint-4"]
    assert all_given.temperatures["joint-4"] > kept.temperatures["joint-4"]
    first, second = (
        model_selection.believe("joint-4", seen(truth, vectors, votes, known, given=labels))
        for labels in (known, given)
    )
    assert np.array_equal(first, second)


def test_with_too_little_to_compare_snorkel_speaks_and_the_config_is_obeyed() -> None:
    vectors, truth = clouds(20)
    votes = noisy(truth, coverage=1.0, right=0.9)
    assert model_selection.choose(seen(truth, vectors, votes)).name == "snorkel"
    assert model_selection.choose(seen(truth, vectors, votes[:, :2])).name == "majority"
    assert model_selection.choose(seen(truth, vectors, votes), "joint").name == "joint-4"


def test_the_likelihood_of_votes_by_hand() -> None:
    found = model_selection._likelihood(np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]]), np.array([0, 1, -1]))
    assert found == pytest.approx(np.log([0.99 * 0.9 + 0.01 * 0.1, 0.99 * 0.8 + 0.01 * 0.2]))


def night(voted: int, rows: int = 1000, told: int = 0, right: int = 0, key: str = "k") -> Measured:
    return Measured(key=key, rows=rows, voted=voted, told=told, right=right)


@pytest.mark.parametrize(
    ("now", "before", "why"),
    [
        (night(100), [], ""),
        (night(100), [night(90), night(110)], ""),
        (night(350), [night(100), night(100)], "votes on 35.0% of the rows, on the last nights 10.0%"),
        (night(0), [night(100)], "votes on 0.0% of the rows"),
        (night(3), [night(1)], ""),  # a factor of three by chance
        (night(350), [night(100, key="before the edit")], ""),
        (night(100, told=100, right=60), [night(100, told=100, right=95)], "right on 0.60 of 100 labeled rows"),
        (night(100, told=5, right=3), [night(100, told=5, right=5)], ""),
    ],
)
def test_drift_is_more_than_chance(now: Measured, before: list[Measured], why: str) -> None:
    found = history.drifted(now, before, 3.0)
    assert found.startswith(why) if why else found == ""


def test_history_forgets_functions_that_are_gone_and_nights_that_drifted(tmp_path: Path) -> None:
    assert history.read(None) == {}
    before = {"a": [night(1)] * 20, "b": [night(2)], "gone": [night(3)], "edited": [night(4, key="old")]}
    tonight = {"a": night(9), "b": night(500), "edited": night(5)}
    found = history.read(history.write(tmp_path / "next", before, tonight, {"b"}))
    assert found["a"] == [night(1)] * (history.KEPT - 1) + [night(9)]
    assert found["b"] == [night(2)]
    assert found["edited"] == [night(5)]
    assert "gone" not in found


def test_pairs_that_speak_of_the_same_rows() -> None:
    matrix = np.full((20, 3), -1)
    matrix[:10, 0], matrix[:8, 1], matrix[15:, 2] = 0, 0, 1
    matrix[0, 1] = 1
    figure = figures.correlated("intent", ["one", "two", "three"], matrix)
    assert figure is not None
    assert figure.data["rows"] == [["one", "two", 8, 0.8, 0.875]]
    assert figures.correlated("intent", ["one", "three"], matrix[:, [0, 2]]) is None


@pytest.mark.parametrize("name", [model_selection.JOINTS[0], model_selection.MAJORITY, model_selection.SNORKEL])
def test_a_known_label_says_nothing_of_its_own_row(name: str) -> None:
    """Turned round, with all of its fold, it changes nothing of what is believed of these rows."""
    vectors, truth = clouds()
    votes = noisy(truth, coverage=0.3, right=0.8)
    known = np.where(np.arange(len(truth)) % 3 == 0, truth, -1)
    turned = np.where((known >= 0) & (np.arange(len(truth)) % 5 == 0), 1 - known, known)
    one, two = (model_selection.believe_unseen(name, seen(truth, vectors, votes, labels)) for labels in (known, turned))
    changed = (known != turned) & np.isfinite(one[:, 0])
    assert changed.any()
    np.testing.assert_array_equal(one[changed], two[changed])
