"""Query strategies, by name: each gives the picked rows in order and the score of every row of the pool.

A strategy is what modAL's `ActiveLearner` takes as its `query_strategy`; the scores are modAL's own measures where it
has one. Those that need more than a measure have their algorithm in a module of its own beside this one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from modAL.uncertainty import classifier_entropy, classifier_margin, classifier_uncertainty
from scipy.optimize import brentq
from scipy.spatial.distance import jensenshannon

from tilth.active_learning.clustering import margin_clusters
from tilth.active_learning.facility_location import greedy_coverage
from tilth.active_learning.ranked_batch import ranked_batch
from tilth.errors import ConfigError, did_you_mean
from tilth.learn import apply_temperature, nearest
from tilth.samples import evenly_spaced

Picked: TypeAlias = tuple[np.ndarray, np.ndarray]
Strategy: TypeAlias = Callable[..., Picked]
_STRATEGIES: dict[str, Strategy] = {}
_CHUNK = 65_536
"""Rows whose probabilities stand in memory at a time."""
NEED_WORDING = frozenset({"committee"})
"""Strategies that ask the learner for its `wording`."""
COVERAGE_ROWS = 10_000
"""Rows of the pool that a strategy weighs against each other at a time: their similarities take 400 MB."""
_NEAREST = 32
"""Rows by whose cosines `density` says how much others are like a row."""
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
    """Unsure rows in the midst of others, in turn from clusters of such rows.

    Score: entropy, times the mean cosine to the nearest rows of the pool (Zhu et al. 2008). By the cosine to the whole
    pool (Settles and Craven 2008) the rows come first that say least, and by the score alone a batch is of one crowd.
    """
    unsure = _unsure_by_entropy(learner, pool)
    part = _taking_part(unsure, n_instances, learner)
    near = nearest(np.asarray(pool[part], dtype=np.float32), _NEAREST).similarities
    likeness = np.clip(near, 0, 1).mean(axis=1) if near.size else np.ones(len(part))
    scores = unsure * likeness.min(initial=1)  # what took no part counts as the loneliest row that did
    scores[part] = unsure[part] * likeness
    return margin_clusters(pool, scores, count=n_instances), scores


@strategy("committee")
def committee(learner: Any, pool: np.ndarray, *, n_instances: int) -> Picked:
    """Rows that together tell of most disagreement between a model of the meaning and one of the wording.

    Disagreement is the mean Kullback-Leibler divergence of the members' probabilities from their mean (McCallum and
    Nigam 1998), in bits, once both are as sure as each other on average. It takes the place of the mass in
    `uncertain_mass`: the rows of most disagreement are outliers, which tell of no other (the paper weighs by density).

    Raises:
        ConfigError: the learner has no member for the wording.
    """
    if learner.wording is None:
        raise ConfigError(
            'strategy "committee" needs a second member: set the learner\'s `wording` to the probabilities of a model '
            "of the words, one row of the pool a line"
        )
    meaning = learner.predict_proba(pool)
    disagreement = _divergence(meaning, as_sure_as(learner.wording, meaning))
    return _covering(learner, pool, disagreement, n_instances)


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
    return _covering(learner, pool, _unsure_by_margin(learner, pool) ** 2, n_instances)


def _covering(learner: Any, pool: np.ndarray, mass: np.ndarray, count: int) -> Picked:
    """The rows that cover most of a mass of 0 or more a row, shape (rows,), and what each would cover by itself."""
    part, scores = _taking_part(mass, count, learner), mass.copy()
    labeled = np.asarray(learner.X_training, dtype=np.float32)
    vectors = np.asarray(pool[part], dtype=np.float32)
    picks, gains = greedy_coverage(vectors, mass[part], labeled, count=count, power=COVERAGE_POWER)
    scores[part] = gains
    return part[picks], scores


def as_sure_as(probabilities: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Probabilities by the temperature at which they are as sure as others are, in the mean of the largest a row.

    Two models' probabilities differ by how sure the models are before they differ by what they say.

    Args:
        probabilities: shape (rows, classes).
        others: the same shape.

    Returns:
        float32, the same shape; unchanged where no temperature of 0.01 to 100 would do.
    """
    sample = evenly_spaced(len(probabilities), COVERAGE_ROWS)
    aim = others[sample].max(axis=1).mean() if len(sample) else 0.0

    def excess(log_temperature: float) -> float:
        return float(apply_temperature(probabilities[sample], np.exp(log_temperature)).max(axis=1).mean() - aim)

    low, high = np.log(0.01), np.log(100)
    if not len(sample) or not excess(low) > 0 > excess(high):
        return probabilities
    return apply_temperature(probabilities, float(np.exp(brentq(excess, low, high, xtol=1e-3))))


def _divergence(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Jensen-Shannon divergence of each row's two distributions, 0 to 1 bit, shape (rows,)."""
    parts = [
        np.nan_to_num(jensenshannon(some[start : start + _CHUNK], others[start : start + _CHUNK], base=2, axis=1)) ** 2
        for start in range(0, len(some), _CHUNK)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


def _unsure_by_margin(learner: Any, pool: np.ndarray) -> np.ndarray:
    return 1 - _chunked(classifier_margin, learner, pool)


def _unsure_by_entropy(learner: Any, pool: np.ndarray) -> np.ndarray:
    return _chunked(classifier_entropy, learner, pool) / np.log(max(len(learner.estimator.classes_), 2))


def _taking_part(weights: np.ndarray, count: int, learner: Any) -> np.ndarray:
    """Ascending places of the rows that are weighed against each other: all, or `COVERAGE_ROWS` drawn by weight."""
    if len(weights) <= COVERAGE_ROWS:
        return np.arange(len(weights))
    return _drawn(weights, max(COVERAGE_ROWS, count), seed=len(learner.X_training))


def _drawn(weights: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Ascending places of rows drawn without replacement, the probability as their weight."""
    keys = np.random.default_rng(seed).exponential(size=len(weights)) / np.maximum(weights, 1e-12)
    return np.sort(np.argpartition(keys, count - 1)[:count])
