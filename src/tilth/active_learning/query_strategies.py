"""Query strategies, by name: each gives the picked rows in order and the score of every row of the pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from modAL.uncertainty import classifier_entropy, classifier_margin, classifier_uncertainty

from tilth.errors import ConfigError, did_you_mean

Picked: TypeAlias = tuple[np.ndarray, np.ndarray]
Strategy: TypeAlias = Callable[..., Picked]
_STRATEGIES: dict[str, Strategy] = {}


def strategy(name: str) -> Callable[[Strategy], Strategy]:
    """Register a strategy `(learner, pool, *, n_instances) -> (rows, scores)` under a name.

    Its `rows` are places in the pool, best first; its `scores` are one a row of the pool, high = ask.

    Raises:
        ValueError: the name is taken.
    """

    def register(function: Strategy) -> Strategy:
        if name in _STRATEGIES:
            raise ValueError(f'a strategy named "{name}" is registered already; choose another name')
        _STRATEGIES[name] = function
        return function

    return register


def get(name: str) -> Strategy:
    """The strategy of that name.

    Raises:
        ConfigError: naming the nearest one.
    """
    if name not in _STRATEGIES:
        raise ConfigError(f'active_learning.strategy = "{name}" is unknown; {did_you_mean(name, _STRATEGIES)}')
    return _STRATEGIES[name]


def _top(scores: np.ndarray, count: int) -> Picked:
    return np.argsort(-scores, kind="stable")[:count], scores


@strategy("uncertainty")
def uncertainty(learner: Any, pool: np.ndarray, *, n_instances: int) -> Picked:
    """Rows whose most probable class is least probable: 1 - max p."""
    return _top(classifier_uncertainty(learner, pool), n_instances)


@strategy("margin")
def margin(learner: Any, pool: np.ndarray, *, n_instances: int) -> Picked:
    """Rows whose two most probable classes are closest: 1 - (p1 - p2)."""
    return _top(1 - classifier_margin(learner, pool), n_instances)


@strategy("entropy")
def entropy(learner: Any, pool: np.ndarray, *, n_instances: int) -> Picked:
    """Rows with the largest entropy over the classes, as a share of the largest possible, 0 to 1."""
    scores = classifier_entropy(learner, pool) / np.log(max(len(learner.estimator.classes_), 2))
    return _top(scores, n_instances)


@strategy("batch")
def batch(learner: Any, pool: np.ndarray, *, n_instances: int) -> Picked:
    """Ranked batch: rows that are uncertain and unlike what is labeled or picked (Cardoso et al. 2017).

    It makes modAL's `uncertainty_batch_sampling` picks in time and memory linear in the pool: only the nearest
    distance of each row is kept, and each pick updates it. Score: a (1 - s) + (1 - a) u with a = pool left over
    pool left + labeled, s = 1 / (1 + distance to the nearest labeled or picked row), u = 1 - max p.
    """
    unsure = classifier_uncertainty(learner, pool)
    nearest = _nearest_distance(pool, learner.X_training)
    known, free = len(learner.X_training), np.ones(len(pool), dtype=bool)
    scores, picks = np.zeros(len(pool)), []
    for _ in range(min(n_instances, len(pool))):
        left = int(free.sum())
        share = left / (left + known)
        scores[free] = (share * (1 - 1 / (1 + nearest)) + (1 - share) * unsure)[free]
        pick = int(np.argmax(np.where(free, scores, -np.inf)))
        picks.append(pick)
        free[pick] = False
        known += 1
        nearest = np.minimum(nearest, np.linalg.norm(pool - pool[pick], axis=1))
    return np.array(picks, dtype=np.int64), scores


def _nearest_distance(pool: np.ndarray, labeled: np.ndarray, block: int = 1024) -> np.ndarray:
    """Euclidean distance of each row of the pool to its nearest labeled row, block by block."""
    result = np.zeros(len(pool))
    squares = (labeled**2).sum(axis=1)
    for start in range(0, len(pool), block):
        part = pool[start : start + block]
        squared = (part**2).sum(axis=1)[:, None] - 2 * part @ labeled.T + squares
        result[start : start + block] = np.sqrt(np.maximum(squared.min(axis=1), 0))
    return result
