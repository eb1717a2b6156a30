"""Query strategies that work from given vectors: tilth's own, and those of modAL, small-text and scikit-activeml.

The last two are no part of the development install: pip install small-text scikit-activeml. Left out, as they cannot
work from given vectors and one label a row: small-text's BALD (dropout inside the classifier) and its
CategoryVectorInconsistencyAndRanking (several labels a row), and what scikit-activeml has for regression.
"""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from tilth.active_learning import query_strategies
from tilth.active_learning.learner import Learner
from tilth.learn import new_probe


@dataclass(frozen=True)
class Step:
    """What a strategy may know when it is asked for a batch.

    Attributes:
        vectors: of all rows that can be asked, shape (rows, dimensions).
        labeled: places of the rows whose labels are known, in the order in which they were asked.
        labels: their labels, shape (labeled,).
        learner: the linear probe, taught on them.
        wording: what a model of the words says of all rows; called only by who needs it.
        seed: of the cell.
    """

    vectors: np.ndarray
    labeled: np.ndarray
    labels: np.ndarray
    learner: Learner
    wording: Callable[[], np.ndarray]
    seed: int

    @functools.cached_property
    def pool(self) -> np.ndarray:
        """Places of the rows that are not labeled."""
        return np.setdiff1d(np.arange(len(self.vectors)), self.labeled)

    @property
    def partial(self) -> np.ndarray:
        """A label a row, NaN where it is not known: as scikit-activeml has it."""
        found = np.full(len(self.vectors), np.nan)
        found[self.labeled] = self.labels
        return found


Ask: TypeAlias = Callable[[Step, int], np.ndarray]
"""A strategy: places of the rows of the next batch."""


def at_random(step: Step, count: int) -> np.ndarray:
    """Rows by lot."""
    return np.random.default_rng([step.seed, len(step.labeled)]).choice(step.pool, count, replace=False)


def of_tilth(name: str) -> Ask:
    """A registered strategy."""

    def ask(step: Step, count: int) -> np.ndarray:
        step.learner.wording = step.wording()[step.pool] if name == "committee" else None
        picks, _ = query_strategies.get(name)(step.learner, step.vectors[step.pool], n_instances=count)
        return step.pool[picks]

    return ask


def of_modal(path: str) -> Ask:
    """A function of modAL, by its dotted name."""

    def ask(step: Step, count: int) -> np.ndarray:
        module, _, name = path.rpartition(".")
        found = getattr(importlib.import_module(module), name)(step.learner, step.vectors[step.pool], n_instances=count)
        return step.pool[np.asarray(found[0] if isinstance(found, tuple) else found)]

    return ask


def of_modal_committee(name: str) -> Ask:
    """A measure of disagreement of modAL's, over the members that `_committee` names."""

    def ask(step: Step, count: int) -> np.ndarray:
        models = importlib.import_module("modAL.models")
        learners = [step.learner]
        for other in _committee():
            member = Learner(estimator=other)
            member.fit(step.vectors[step.labeled], step.labels)
            learners.append(member)
        committee = models.Committee(learner_list=learners)
        query = getattr(importlib.import_module("modAL.disagreement"), name)
        found = query(committee, step.vectors[step.pool], n_instances=count)
        return step.pool[np.asarray(found[0] if isinstance(found, tuple) else found)]

    return ask


class _SmallTextRows:
    """Vectors and codes as small-text's data set, for the strategy that trains a classifier on it."""

    is_multi_label = False

    def __init__(self, vectors: np.ndarray, y: np.ndarray) -> None:
        self.x, self.y = vectors, y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: np.ndarray) -> _SmallTextRows:
        return _SmallTextRows(self.x[rows], self.y[rows])

    def clone(self) -> _SmallTextRows:
        return _SmallTextRows(self.x.copy(), self.y.copy())


class _SmallTextProbe:
    """The probe as small-text's classifier of such a data set, and as the factory of one."""

    def new(self) -> _SmallTextProbe:
        return _SmallTextProbe()

    def fit(self, rows: _SmallTextRows) -> _SmallTextProbe:
        self.probe = new_probe().fit(rows.x, rows.y)
        return self

    def predict_proba(self, rows: _SmallTextRows) -> np.ndarray:
        return np.asarray(self.probe.predict_proba(rows.x))


def discriminative(step: Step, count: int) -> np.ndarray:
    """small-text's DiscriminativeActiveLearning, in ten rounds a batch as its paper has it."""
    found_in = importlib.import_module("small_text.query_strategies")
    strategy = found_in.DiscriminativeActiveLearning(_SmallTextProbe(), 10, pbar=None)
    np.random.seed(step.seed)  # noqa: NPY002 - small-text draws from the global state
    rows = _SmallTextRows(step.vectors, np.zeros(len(step.vectors), dtype=np.int64))
    return np.asarray(strategy.query(None, rows, step.pool, step.labeled, step.labels, n=count))


class _SmallTextModel:
    """The probe, as small-text asks a classifier: of a data set, which here is an array of vectors."""

    def __init__(self, learner: Learner, classes: int) -> None:
        self.learner, self.num_classes = learner, classes

    def predict_proba(self, vectors: np.ndarray) -> np.ndarray:
        return self.learner.predict_proba(vectors)

    def embed(self, vectors: np.ndarray, return_proba: bool = False, **_: Any) -> Any:
        return (vectors, self.predict_proba(vectors)) if return_proba else vectors


def of_small_text(name: str, **options: str) -> Ask:
    """A strategy of small-text; its options name strategies that it rests on."""

    def ask(step: Step, count: int) -> np.ndarray:
        found_in = importlib.import_module("small_text.query_strategies")
        asked = {key: getattr(found_in, value)() for key, value in options.items()}
        strategy = getattr(found_in, name)(**asked)
        model = _SmallTextModel(step.learner, len(step.learner.estimator.classes_))
        np.random.seed(step.seed)  # noqa: NPY002 - small-text draws from the global state
        extra = {"pbar": None} if name not in {"LeastConfidence", "PredictionEntropy", "BreakingTies"} else {}
        codes = np.searchsorted(step.learner.estimator.classes_, step.labels)  # of the classes that the model knows
        found = strategy.query(model, step.vectors, step.pool, step.labeled, codes, n=count, **extra)
        return np.asarray(found)

    return ask


_REFITTED = frozenset({"MonteCarloEER", "ValueOfInformationEER"})
"""Strategies of scikit-activeml that fit the probe anew for each row that they weigh."""


def _committee() -> tuple[Any, ...]:
    """The members of every committee beside the probe."""
    return GaussianNB(), KNeighborsClassifier(5, metric="cosine")


def of_skactiveml(name: str, model: str | None = None, **options: Any) -> Ask:
    """A strategy of scikit-activeml, at its defaults.

    Args:
        name: of its class.
        model: the argument that takes the probe, if any.
        options: what its class asks for; `classes` is filled in.
    """

    def ask(step: Step, count: int) -> np.ndarray:
        pool, wrapper = importlib.import_module("skactiveml.pool"), importlib.import_module("skactiveml.classifier")
        classes = step.learner.estimator.classes_
        asked = {**options, **({"classes": classes} if "classes" in options else {})}
        strategy = getattr(pool, name)(random_state=step.seed, **asked)
        extra = {}
        if model:
            probe = wrapper.SklearnClassifier(new_probe(), classes=classes, random_state=step.seed)
            extra = {model: probe}
            if model == "ensemble":
                others = [wrapper.SklearnClassifier(other, classes=classes) for other in _committee()]
                extra = {model: [probe, *others]}
            elif name == "FourDs":
                extra = {model: wrapper.MixtureModelClassifier(classes=classes, random_state=step.seed)}
            elif model != "discriminator" and name not in _REFITTED:
                extra = {model: probe.fit(step.vectors[step.labeled], step.labels), f"fit_{model}": False}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = strategy.query(X=step.vectors, y=step.partial, batch_size=count, **extra)
        return np.asarray(found)

    return ask


OURS: Mapping[str, Ask] = {
    "random": at_random,
    **{
        f"tilth, {name}": of_tilth(name)
        for name in (
            "uncertain_mass",
            "cluster_margin",
            "margin",
            "entropy",
            "uncertainty",
            "density",
            "committee",
            "core_set",
            "batch",
        )
    },
}
PEERS: Mapping[str, Ask] = {
    **{
        f"modAL, {path.rpartition('.')[2]}": of_modal(f"modAL.{path}")
        for path in (
            "uncertainty.uncertainty_sampling",
            "uncertainty.margin_sampling",
            "uncertainty.entropy_sampling",
            "expected_error.expected_error_reduction",
        )
    },
    **{
        f"modAL, {name}": of_modal_committee(name)
        for name in ("vote_entropy_sampling", "consensus_entropy_sampling", "max_disagreement_sampling")
    },
    "small-text, DiscriminativeActiveLearning": discriminative,
    **{
        f"small-text, {name}": of_small_text(name)
        for name in (
            "LeastConfidence",
            "PredictionEntropy",
            "BreakingTies",
            "ContrastiveActiveLearning",
            "EmbeddingKMeans",
            "GreedyCoreset",
            "LightweightCoreset",
        )
    },
    "small-text, SEALS": of_small_text("SEALS", base_query_strategy="BreakingTies"),
    "small-text, AnchorSubsampling": of_small_text("AnchorSubsampling", base_query_strategy="BreakingTies"),
    **{
        f"scikit-activeml, UncertaintySampling ({method})": of_skactiveml("UncertaintySampling", "clf", method=method)
        for method in ("least_confident", "margin_sampling", "entropy")
    },
    **{
        f"scikit-activeml, {name}": of_skactiveml(name, model, **options)
        for name, model, options in (
            ("CoreSet", None, {}),
            ("TypiClust", None, {}),
            ("ProbCover", None, {}),
            ("MaxHerding", None, {}),
            ("Badge", "clf", {}),
            ("Clue", "estimator", {}),
            ("DropQuery", "clf", {}),
            ("ContrastiveAL", "clf", {}),
            ("Falcun", "clf", {}),
            ("ProbabilisticAL", "clf", {"metric": "rbf"}),
            ("DiscriminativeAL", "discriminator", {}),
            ("QueryByCommittee", "ensemble", {}),
            ("GreedyBALD", "ensemble", {}),
            ("BatchBALD", "ensemble", {}),
            ("EpistemicUncertaintySampling", "clf", {}),
            ("MonteCarloEER", "clf", {}),
            ("ValueOfInformationEER", "clf", {}),
            ("Quire", None, {"classes": None}),
            ("CostEmbeddingAL", None, {"classes": None}),
            ("FourDs", "clf", {}),
        )
    },
}
