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


DIRECTIONS = np.eye(4, dtype=np.float32)
CROWDS = np.vstack([np.tile(DIRECTIONS[0], (3, 1)), np.tile(DIRECTIONS[1], (5, 1)), DIRECTIONS[2:3]])
"""A crowd of three rows, one of five, and a row by itself."""


class Saying(Fixed):
    """A classifier that says the same of every row."""

    def __init__(self, labeled: np.ndarray, said: list[float]) -> None:
        super().__init__(labeled)
        self.said = said

    def predict_proba(self, pool: np.ndarray) -> np.ndarray:
        return np.tile(self.said, (len(pool), 1))


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
    learner.fit(vectors[:20], labels[:20])
    picks, _ = query_strategies.get("batch")(learner, vectors[20:], n_instances=15)
    of_modal = uncertainty_batch_sampling(learner, vectors[20:], n_instances=15)
    of_modal = of_modal[0] if isinstance(of_modal, tuple) else of_modal
    assert picks.tolist() == np.asarray(of_modal).tolist()


def test_names_are_taken_once_and_unknown_ones_named() -> None:
    with pytest.raises(ValueError, match='"margin" is registered already'):
        query_strategies.strategy("margin")(lambda *_, **__: (np.array([]), np.array([])))
    with pytest.raises(ConfigError, match='did you mean "margin"'):
        query_strategies.get("margni")


def test_density_favors_rows_in_the_midst_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """As unsure as each other, rows of a crowd come before one that is alone; cosines by hand, 0.8 and 0.6."""
    pool = np.array([[1, 0, 0], [0.8, 0.6, 0], [0, 0, 1]], dtype=np.float32)
    learner = Saying(DIRECTIONS, [0.5, 0.5, 0.0])
    picks, scores = query_strategies.get("density")(learner, pool, n_instances=3)
    assert scores == pytest.approx([0.6309 * 0.4, 0.6309 * 0.4, 0], abs=1e-4)  # (0.8 + 0) / 2; ln 2 over ln 3
    assert picks.tolist() == [0, 1, 2]
    monkeypatch.setattr(query_strategies, "COVERAGE_ROWS", 2)  # one row takes no part: it counts as the loneliest
    few = query_strategies.get("density")(learner, pool, n_instances=1)[1]
    assert len(set(few.round(4))) == 1
    assert query_strategies.get("density")(learner, pool[:1], n_instances=1)[0].tolist() == [0]


def test_density_does_not_spend_a_batch_on_one_crowd() -> None:
    """Twenty copies of the row of the highest score, and two others that are as unsure and further from the rest."""
    crowd, others = np.tile([0.4, 0.3, 0.3], (20, 1)), np.array([[0.1, 0.45, 0.45], [0.45, 0.1, 0.45]])
    pool = np.vstack([crowd, others])
    picks, scores = query_strategies.get("density")(Fixed(), pool, n_instances=3)
    assert scores[:20].min() > scores[20:].max()
    assert sorted(picks) == [0, 20, 21]


def test_the_committee_asks_where_its_members_differ_and_others_are_like_it() -> None:
    """The members differ as much on the crowd of five as on the row by itself, and agree on the crowd of three."""
    learner = Saying(DIRECTIONS[3:], [0.9, 0.1, 0.0])
    with pytest.raises(ConfigError, match="second member"):
        query_strategies.get("committee")(learner, CROWDS, n_instances=1)
    learner.wording = np.array([[0.9, 0.1, 0.0]] * 3 + [[0.1, 0.9, 0.0]] * 6)
    picks, scores = query_strategies.get("committee")(learner, CROWDS, n_instances=2)
    assert picks.tolist() == [3, 8]
    each = 0.9 * np.log2(0.9 / 0.5) + 0.1 * np.log2(0.1 / 0.5)  # the same for both members
    assert scores == pytest.approx([0, 0, 0, *[5 * each] * 5, each], abs=1e-4)


def test_no_member_of_the_committee_counts_more_for_being_surer() -> None:
    """The wording says of every row what the meaning says, but as sure as 0.99: of nothing do they differ."""
    sharp = np.array([[0.99, 0.01], [0.01, 0.99]])
    calm = np.array([[0.7, 0.3], [0.3, 0.7]])
    assert query_strategies.as_sure_as(sharp, calm) == pytest.approx(calm, abs=1e-3)
    assert query_strategies.as_sure_as(calm, sharp) == pytest.approx(sharp, abs=1e-3)
    flat = np.full((2, 2), 0.5)
    assert query_strategies.as_sure_as(flat, sharp) is flat  # nothing makes it surer
    assert query_strategies.as_sure_as(flat[:0], sharp[:0]).shape == (0, 2)


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
    pool, learner = CROWDS, Saying(DIRECTIONS[:1], [0.5, 0.5, 0.0])  # the first crowd is labeled
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
