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
