from __future__ import annotations

import numpy as np
import pytest
from modAL.batch import uncertainty_batch_sampling

from tilth.active_learning import query_strategies
from tilth.active_learning.learner import Learner
from tilth.errors import ConfigError
from tilth.learn import new_probe


class Fixed:
    """A classifier whose probabilities are the rows themselves."""

    def __init__(self, labeled: np.ndarray | None = None) -> None:
        self.X_training, self.estimator, self.classes_ = labeled, self, np.array(["a", "b", "c"])
        self.wording: np.ndarray | None = None

    def predict_proba(self, pool: np.ndarray) -> np.ndarray:
        return pool


POOL = np.array([[0.9, 0.1, 0.0], [0.4, 0.3, 0.3], [0.5, 0.5, 0.0]])


@pytest.mark.parametrize(
    ("name", "order", "scores"),
    [
        ("uncertainty", [1, 2, 0], [0.1, 0.6, 0.5]),
        ("margin", [2, 1, 0], [0.2, 0.9, 1.0]),
        ("entropy", [1, 2, 0], [0.2959, 0.9912, 0.6309]),  # in nats 0.3251, 1.0889, 0.6931, over ln 3
    ],
)
def test_scores_and_order_by_hand(name: str, order: list[int], scores: list[float]) -> None:
    picks, found = query_strategies.get(name)(Fixed(), POOL, n_instances=3)
    assert picks.tolist() == order
    assert found == pytest.approx(scores, abs=1e-4)


def test_the_batch_scores_by_hand() -> None:
    labeled = np.array([[0.9, 0.1, 0.0]])  # the first of the pool is known already: distance 0, so only 1 - max p
    picks, scores = query_strategies.get("batch")(Fixed(labeled), POOL, n_instances=1)
    away = np.sqrt(0.25 + 0.04 + 0.09)
    expected = 0.75 * (1 - 1 / (1 + away)) + 0.25 * 0.6
    assert picks.tolist() == [1]
    assert scores[1] == pytest.approx(expected)
    assert scores[0] == pytest.approx(0.25 * 0.1, abs=1e-6)


def test_the_batch_picks_what_modal_picks() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(80, 8))
    labels = np.where(vectors[:, 0] > 0, "x", "y")
    learner = Learner(estimator=new_probe(), query_strategy=query_strategies.get("batch"))
    learner.teach(vectors[:20], labels[:20])
    picks, _ = query_strategies.get("batch")(learner, vectors[20:], n_instances=15)
    of_modal = uncertainty_batch_sampling(learner, vectors[20:], n_instances=15)
    of_modal = of_modal[0] if isinstance(of_modal, tuple) else of_modal
    assert picks.tolist() == np.asarray(of_modal).tolist()


def test_names_are_taken_once_and_unknown_ones_named() -> None:
    with pytest.raises(ValueError, match='"margin" is registered already'):
        query_strategies.strategy("margin")(lambda *_, **__: (np.array([]), np.array([])))
    with pytest.raises(ConfigError, match='did you mean "margin"'):
        query_strategies.get("margni")


def test_density_favors_rows_in_the_midst_of_others() -> None:
    picks, scores = query_strategies.get("density")(Fixed(), POOL, n_instances=3)
    mean = np.array([0.6, 0.3, 0.1])
    likeness = POOL @ mean
    assert scores == pytest.approx(likeness * np.array([0.2959, 0.9912, 0.6309]), abs=1e-4)
    assert picks.tolist() == [1, 2, 0]


def test_the_committee_asks_where_its_members_differ_most() -> None:
    learner = Fixed()
    with pytest.raises(ConfigError, match="second member"):
        query_strategies.get("committee")(learner, POOL, n_instances=1)
    learner.wording = np.array([[0.1, 0.9, 0.0], [0.4, 0.3, 0.3], [0.5, 0.4, 0.1]])
    picks, scores = query_strategies.get("committee")(learner, POOL, n_instances=2)
    assert picks.tolist() == [0, 2]
    assert scores[0] == pytest.approx(0.9 * np.log(0.9 / 0.5) + 0.1 * np.log(0.1 / 0.5))
    assert scores[1] == 0


def test_the_core_set_goes_to_the_farthest_row_and_then_to_the_farthest_from_that() -> None:
    pool = np.array([[1.0, 0.0], [5.0, 0.0], [5.1, 0.0], [0.0, 3.0]])
    learner = Fixed(np.array([[0.0, 0.0]]))
    picks, _ = query_strategies.get("core_set")(learner, pool, n_instances=4)
    assert picks.tolist() == [2, 3, 0, 1]  # 5.1; then 3.0 from the first; then 1.0; then 0.1 from the pick beside it


def test_cluster_margin_takes_one_of_each_cluster_of_unsure_rows() -> None:
    """Twenty copies of the least sure row would fill a batch by margin alone."""
    copies, others = np.tile([0.34, 0.33, 0.33], (20, 1)), np.array([[0.5, 0.1, 0.4], [0.1, 0.5, 0.4]])
    pool = np.vstack([copies, others])
    picks, _ = query_strategies.get("cluster_margin")(Fixed(), pool, n_instances=3)
    assert sorted(picks) == [0, 20, 21]
    assert query_strategies.get("margin")(Fixed(), pool, n_instances=3)[0].tolist() == [0, 1, 2]
    assert query_strategies.get("cluster_margin")(Fixed(), pool, n_instances=99)[0].shape == (22,)


def test_uncertain_mass_asks_once_in_a_crowd_and_leaves_what_is_labeled(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unsure(Fixed):
        def predict_proba(self, pool: np.ndarray) -> np.ndarray:
            return np.tile([0.5, 0.5, 0.0], (len(pool), 1))

    directions = np.eye(4, dtype=np.float32)
    pool = np.vstack([np.tile(directions[0], (3, 1)), np.tile(directions[1], (5, 1)), directions[2:3]])
    learner = Unsure(directions[:1])  # the first crowd is labeled
    picks, scores = query_strategies.get("uncertain_mass")(learner, pool, n_instances=2)
    assert picks.tolist() == [3, 8]
    assert scores.tolist() == [0, 0, 0, 5, 5, 5, 5, 5, 1]
    monkeypatch.setattr(query_strategies, "COVERAGE_ROWS", 4)
    few, _ = query_strategies.get("uncertain_mass")(learner, pool, n_instances=4)
    assert len(set(few)) == 4


@pytest.mark.parametrize("name", ["uncertainty", "margin", "entropy", "density", "batch", "core_set", "cluster_margin"])
def test_more_than_there_are_is_all_there_is(name: str) -> None:
    picks, scores = query_strategies.get(name)(Fixed(np.array([[0.9, 0.1, 0.0]])), POOL, n_instances=9)
    assert sorted(picks) == [0, 1, 2]
    assert scores.shape == (3,)
