"""Query strategies, by name: each gives the picked rows in order and the score of every row of the pool.

A strategy is what modAL's `ActiveLearner` takes as its `query_strategy`; the scores are modAL's own measures where it
has one. Those that need more than a measure have their algorithm in a module of its own beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
from modAL.disagreement import KL_max_disagreement
from modAL.uncertainty import classifier_entropy, classifier_margin, classifier_uncertainty

from tilth.active_learning.clustering import margin_clusters
from tilth.active_learning.facility_location import greedy_coverage
from tilth.active_learning.ranked_batch import ranked_batch
from tilth.errors import ConfigError, did_you_mean

Picked: TypeAlias = tuple[np.ndarray, np.ndarray]
Strategy: TypeAlias = Callable[..., Picked]
_STRATEGIES: dict[str, Strategy] = {}
_CHUNK = 65_536
"""Rows whose probabilities stand in memory at a time."""
NEED_WORDING = frozenset({"committee"})
"""Strategies that ask the learner for its `wording`."""
COVERAGE_ROWS = 10_000
"""Rows of the pool that `uncertain_mass` weighs against each other at a time: their similarities take 400 MB."""
COVERAGE_POWER = 6
"""Power of the cosine in `uncertain_mass`: of 3 to 8 the best on banking77 by five seeds, where 5 to 8 are alike;
clinc150 was not looked at for it."""


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


def _chunked(measure: Callable[[Any, np.ndarray], np.ndarray], learner: Any, pool: np.ndarray) -> np.ndarray:
    """A measure of each row by itself, shape (rows,), a chunk of the pool after the other."""
    parts = [measure(learner, pool[start : start + _CHUNK]) for start in range(0, len(pool), _CHUNK)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _top(scores: np.ndarray, count: int) -> Picked:
    return np.argsort(-scores, kind="stable")[:count], scores


@strategy("uncertainty")
def uncertainty(learner: Any, pool: np.ndarray, *, n_instances: int) -> Picked:
    """Rows whose most probable class is least probable: 1 - max p."""
    return _top(_chunked(classifier_uncertainty, learner, pool), n_instances)


@strategy("margin")
def margin(learner: Any, pool: np.ndarray, *, n_instances: int) -> Picked:
    """Rows whose two most probable classes are closest: 1 - (p1 - p2)."""
    return _top(_unsure_by_margin(learner, pool), n_instances)


@strategy("entropy")
def entropy(learner: Any, pool: np.ndarray, *, n_instances: int) -> Picked:
    """Rows with the largest entropy over the classes, as a share of the largest possible, 0 to 1."""
    return _top(_unsure_by_entropy(learner, pool), n_instances)


@strategy("density")
def density(learner: Any, pool: np.ndarray, *, n_instances: int) -> Picked:
    """Unsure rows in the midst of others: entropy, times the mean cosine to the pool (Settles and Craven 2008)."""
    likeness = np.maximum(pool @ pool.mean(axis=0), 0)
    return _top(_unsure_by_entropy(learner, pool) * likeness, n_instances)


@strategy("committee")
def committee(learner: Any, pool: np.ndarray, *, n_instances: int) -> Picked:
    """Rows on which a model of the meaning and one of the wording differ most (McCallum and Nigam 1998).

    Score: the largest Kullback-Leibler divergence of a member's probabilities from their mean.

    Raises:
        ConfigError: the learner has no member for the wording.
    """
    if learner.wording is None:
        raise ConfigError(
            'strategy "committee" needs a second member: set the learner\'s `wording` to the probabilities of a model '
            "of the words, one row of the pool a line"
        )
    return _top(KL_max_disagreement(_Votes([learner.predict_proba(pool), learner.wording]), pool), n_instances)


@strategy("batch")
def batch(learner: Any, pool: np.ndarray, *, n_instances: int) -> Picked:
    """modAL's ranked batch, the same picks in order: uncertain, and unlike what is labeled or picked."""
    unsure = _chunked(classifier_uncertainty, learner, pool)
    return ranked_batch(pool, unsure, learner.X_training, count=n_instances)


@strategy("core_set")
def core_set(learner: Any, pool: np.ndarray, *, n_instances: int) -> Picked:
    """Rows farthest from what is labeled or picked, whatever the model says (Sener and Savarese 2018)."""
    return ranked_batch(pool, np.zeros(len(pool)), learner.X_training, count=n_instances)


@strategy("cluster_margin")
def cluster_margin(learner: Any, pool: np.ndarray, *, n_instances: int) -> Picked:
    """Rows of small margin, in turn from clusters of such rows (Citovsky et al. 2021)."""
    unsure = _unsure_by_margin(learner, pool)
    return margin_clusters(pool, unsure, count=n_instances), unsure


@strategy("uncertain_mass")
def uncertain_mass(learner: Any, pool: np.ndarray, *, n_instances: int) -> Picked:
    """Rows that together tell of the most rows that the model is unsure of: see `facility_location`.

    A row's mass is (1 - margin)^2. Of a pool of more than `COVERAGE_ROWS`, as many take part as that, drawn with the
    mass as probability. Score: the mass that the row would cover by itself, or its own where it took no part.
    """
    scores = _unsure_by_margin(learner, pool) ** 2
    part = np.arange(len(pool))
    if len(pool) > COVERAGE_ROWS:
        part = _drawn(scores, max(COVERAGE_ROWS, n_instances), seed=len(learner.X_training))
    labeled = np.asarray(learner.X_training, dtype=np.float32)
    vectors = np.asarray(pool[part], dtype=np.float32)
    picks, gains = greedy_coverage(vectors, scores[part], labeled, count=n_instances, power=COVERAGE_POWER)
    scores[part] = gains
    return part[picks], scores


def _unsure_by_margin(learner: Any, pool: np.ndarray) -> np.ndarray:
    return 1 - _chunked(classifier_margin, learner, pool)


def _unsure_by_entropy(learner: Any, pool: np.ndarray) -> np.ndarray:
    return _chunked(classifier_entropy, learner, pool) / np.log(max(len(learner.estimator.classes_), 2))


def _drawn(weights: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Ascending places of rows drawn without replacement, the probability as their weight."""
    keys = np.random.default_rng(seed).exponential(size=len(weights)) / np.maximum(weights, 1e-12)
    return np.sort(np.argpartition(keys, count - 1)[:count])


class _Votes:
    """What the members of a committee said, as modAL's measures of disagreement ask for it."""

    def __init__(self, members: list[np.ndarray]) -> None:
        self._members = members

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self._members)

    def vote_proba(self, _pool: np.ndarray) -> np.ndarray:
        """Every member's probabilities, shape (rows, members, classes)."""
        return np.stack(self._members, axis=1)
