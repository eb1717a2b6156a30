"""Two views of each label, by models that err apart: what the text means, and how it is worded.

Discriminative models of one embedding bend around labels that are wrong on hard rows, and learn them. Beside them stand
class centroids of the embeddings and models of the text's n-grams, which are too stiff for that, or learn other errors.
How much each view is listened to follows from how often each agrees with the other and with the labels, without gold.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import softmax

from tilth.cleaning.label_errors.models.out_of_fold_models import ModelProbabilities
from tilth.learn import VIEWS, apply_temperature, calibrate, cross_validate, pool
from tilth.learn.lexical import NGrams

_MOST_CLASSES = 30
"""Classes up to which a regression over words is fitted: its time grows with their number, and of many classes it knows
less than naive Bayes of characters does (benchmarks/real_errors.py)."""
_TRUST = 0.7
"""Power of the odds of a view's accuracy that weighs it in the pool: 1 is what independent views would deserve."""
_LEAST, _MOST = 1e-3, 0.995


@dataclass(frozen=True, kw_only=True)
class TwoViews:
    """Out-of-fold probabilities of each class, float32, shape (rows, classes).

    Attributes:
        evidence: by the evidence models together.
        centroids: by the class centroids of the embeddings.
        meaning: by all models of the embeddings: these two and the linear probe.
        wording: by models of n-grams.
        pooled: by both views, each weighted by how accurate it seems to be; calibrated.
        of_texts: the same before pictures were pooled in; None where there are none. How hard a row is for texts
            decides how often their views err together.
        for_want_of_rows: share of rows on which models err that would not, had they more rows.
    """

    evidence: np.ndarray
    centroids: np.ndarray
    meaning: np.ndarray
    wording: np.ndarray
    pooled: np.ndarray
    of_texts: np.ndarray | None = None
    for_want_of_rows: float = 0.0

    @classmethod
    def of(
        cls, evidence: np.ndarray, centroids: np.ndarray, probe: np.ndarray, wording: np.ndarray, codes: np.ndarray
    ) -> TwoViews:
        """From the probabilities of each kind of models, and the labels as given, shape (rows,).

        How accurate the views are follows from how they agree with one another, not with the labels: a view that learns
        the labels' own errors, as words learn those of a rule or of an older model, would seem the best one.
        """
        meaning = pool(evidence, probe, centroids)
        three = [one.argmax(axis=1) for one in (evidence, wording, centroids)]
        odds = [odds_of(rate) for rate in three_accuracies(three, evidence.shape[1])[:2]]
        share = odds[0] / sum(odds)
        logits = share * _log(meaning)
        logits += (1 - share) * _log(wording)
        joint = softmax(logits, axis=1)
        del logits
        pooled = apply_temperature(joint, calibrate(joint, codes))
        return cls(evidence=evidence, centroids=centroids, meaning=meaning, wording=wording, pooled=pooled)


def fit_two_views(
    models: ModelProbabilities,
    vectors: np.ndarray,
    ngrams: NGrams,
    codes: np.ndarray,
    folds: np.ndarray,
    classes: int,
    rows: np.ndarray | None = None,
) -> TwoViews:
    """Fit the models of both views, and predict every labeled row by models that did not learn from its label.

    Args:
        models: the evidence models' probabilities of these rows.
        vectors: L2-normalized, shape (rows, dimensions).
        ngrams: of the same rows, weighted by rarity; or, with `rows`, of all rows of the table.
        codes: the labels as given, shape (rows,), each below `classes`.
        folds: cross-validation fold of each row, shape (rows,).
        classes: how many there are.
        rows: positions of these rows among those of `ngrams`, which are large; None takes all.
    """

    def predict(view: str) -> np.ndarray:
        model = VIEWS[view]
        of_vectors = model.reads == "vectors"
        features = vectors if of_vectors else getattr(ngrams, model.reads)
        result = cross_validate(
            features,
            codes,
            folds,
            classes=classes,
            fold_count=int(folds.max()) + 1,
            model=model.fit_predict,
            lowest=model.lowest,
            rows=None if of_vectors else rows,
            by_blocks=model.by_blocks,
        )
        return result.probabilities

    wording = pool(predict("words"), predict("wording" if classes <= _MOST_CLASSES else "characters"))
    views = TwoViews.of(models.joint, predict("centroids"), models.of_all_rows, wording, codes)
    return replace(views, for_want_of_rows=models.for_want_of_rows)


def three_accuracies(annotators: Iterable[np.ndarray], classes: int) -> tuple[float, ...]:
    """How often each of three annotators that err apart is right, by how often each two of them agree.

    Where errors are independent, two agree as often as the product of their accuracies says, beyond chance; three such
    equations have one solution (the method of triplets; Parisi et al. 2014, Fu et al. 2020).

    Args:
        annotators: three, two views and the labels for one; codes, each of shape (rows,).
        classes: how many there are.

    >>> [round(one, 2) for one in three_accuracies(np.array([[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 0]]), 2)]
    [1.0, 1.0, 0.75]
    """
    chance = 1 / classes
    first, second, third = annotators
    ab, ac, bc = (agreement(*pair, classes) for pair in ((first, second), (first, third), (second, third)))
    above_chance = np.sqrt([ab * ac / bc, ab * bc / ac, ac * bc / ab])
    return tuple(float(rate) * (1 - chance) + chance for rate in np.clip(above_chance, 0, 1))


def agreement(one: np.ndarray, other: np.ndarray, classes: int) -> float:
    """How often two annotators agree beyond chance: 1 always, next to 0 as often as two that guess.

    >>> round(agreement(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]), 2), 2)
    0.5
    """
    return max((float((one == other).mean()) - 1 / classes) / (1 - 1 / classes), _LEAST)


def odds_of(accuracy: float) -> float:
    """What weighs a view of this accuracy in the pool."""
    rate = min(max(accuracy, _LEAST), _MOST)
    return float((rate / (1 - rate)) ** _TRUST)


def _log(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(probabilities, 1e-6))
