from __future__ import annotations

import numpy as np
import pytest

from tilth.cleaning.label_errors.models import discriminant
from tilth.cleaning.label_errors.models.discriminant import FoldMoments, Moments


def rows(count: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    codes = rng.integers(3, size=count)
    vectors = (rng.normal(size=(count, 4)) + codes[:, None]).astype(np.float32)
    return vectors, codes, rng.integers(4, size=count), rng.random(count)


def by_hand(vectors: np.ndarray, codes: np.ndarray, weights: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Gaussians of one covariance, a fifth of which is a sphere."""
    x = vectors.astype(np.float64)
    size = np.array([weights[codes == one].sum() for one in range(3)])
    means = np.stack([np.average(x[codes == one], axis=0, weights=weights[codes == one]) for one in range(3)])
    away = x - means[codes]
    covariance = (away * weights[:, None]).T @ away / weights.sum()
    covariance = 0.8 * covariance + 0.2 * np.trace(covariance) / 4 * np.eye(4)
    directions = np.linalg.inv(covariance) @ means.T
    return np.asarray(test @ directions + np.log(size / size.sum()) - 0.5 * (means.T * directions).sum(axis=0))


@pytest.mark.parametrize("block", [7, 1000])
def test_each_row_is_scored_by_the_rows_of_the_other_folds(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discriminant, "_BLOCK", block)
    vectors, codes, folds, weights = rows()
    scores = FoldMoments.of(vectors, codes, folds, weights, 3).scores(vectors)
    for fold in range(4):
        others = folds != fold
        expected = by_hand(vectors[others], codes[others], weights[others], vectors[~others])
        assert scores[~others] == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_of_half_the_rows_the_folds_that_follow_are_learned_from() -> None:
    vectors, codes, folds, weights = rows(120)
    scores = FoldMoments.of(vectors, codes, folds, weights, 3).scores(vectors, part=0.5)
    learned, held_out = np.isin(folds, [3, 0]), folds == 2  # round(0.5 * 3) folds after the third
    expected = by_hand(vectors[learned], codes[learned], weights[learned], vectors[held_out])
    assert scores[held_out] == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_moments_of_two_parts_are_those_of_all() -> None:
    vectors, codes, _, weights = rows()
    both = [Moments.of(vectors, codes, weights, part, 3) for part in (np.arange(20), np.arange(20, 60))]
    whole = Moments.of(vectors, codes, weights, np.arange(60), 3)
    for name, value in vars(both[0] + both[1]).items():
        assert value == pytest.approx(getattr(whole, name))


def test_where_all_rows_are_of_one_fold_nothing_is_learned() -> None:
    vectors, codes, _, weights = rows(10)
    assert not FoldMoments.of(vectors, codes, np.zeros(10, dtype=int), weights, 3).scores(vectors).any()
