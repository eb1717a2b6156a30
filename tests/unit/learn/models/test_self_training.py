from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tilth.learn.models import self_training
from tilth.learn.models.linear_probe import fit_predict, fit_probe
from tilth.learn.models.out_of_fold import OutOfFold, cross_validate, fit_probes, probes_from
from tilth.learn.models.self_training import _by_class_means, fit_self_trained, predict_self_trained
from tilth.learn.neighbors import Neighbors, nearest


def clouds(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors around four centers, shape (4 * rows, 16), and which center each is of."""
    rng = np.random.default_rng(0)
    truth = np.tile(np.arange(4), rows)
    vectors = rng.normal(size=(4, 16))[truth] + 0.9 * rng.normal(size=(4 * rows, 16))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), truth


def self_train(
    vectors: np.ndarray, codes: np.ndarray, folds: np.ndarray, unlabeled: np.ndarray, neighbors: Neighbors, **rest: Any
) -> OutOfFold:
    arrays = fit_self_trained(vectors, codes, folds, unlabeled, neighbors, **rest)
    return predict_self_trained(probes_from(arrays), vectors, codes, folds)


def test_rows_without_a_label_are_learned_from() -> None:
    """Two labels a class, one in each fold; the 60 rows around them show what a class is."""
    vectors, truth = clouds(60)
    codes, folds = np.where(np.arange(240) < 8, truth, -1), np.arange(240) // 4 % 2
    unlabeled = codes < 0
    alone = cross_validate(vectors, codes, folds, classes=4, fold_count=2, model=fit_predict)
    together = self_train(
        vectors, codes, folds, unlabeled, nearest(vectors, 32), classes=4, fold_count=2, temperature=alone.temperature
    )
    wrong = [int((found.predicted != truth)[unlabeled].sum()) for found in (alone, together)]
    assert wrong[1] < 0.5 * wrong[0]
    assert np.array_equal(together.labeled, codes >= 0)


def test_probes_of_the_folds_that_are_there_are_not_fitted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, truth = clouds(10)
    codes, folds = np.where(np.arange(40) % 2, truth, -1), np.arange(40) // 2 % 3
    near, unlabeled, fitted = nearest(vectors, 10), codes < 0, list[int]()

    def counted(train: np.ndarray, labels: np.ndarray, *rest: Any) -> Any:
        fitted.append(len(labels))
        return fit_probe(train, labels, *rest)

    monkeypatch.setattr(self_training, "fit_probe", counted)
    settings: dict[str, Any] = {"classes": 4, "fold_count": 3, "temperature": 1.0}
    alone = fit_self_trained(vectors, codes, folds, unlabeled, near, **settings)
    assert len(fitted) == 8  # two for each fold, and for all labels
    fitted.clear()
    probes = probes_from(fit_probes(vectors, codes, [folds != fold for fold in range(3)], 4))
    given = fit_self_trained(vectors, codes, folds, unlabeled, near, **settings, probes=probes)
    assert len(fitted) == 5
    assert all(np.array_equal(given[name], values) for name, values in alone.items())


def test_no_row_is_predicted_by_a_model_that_its_own_label_reached() -> None:
    vectors, truth = clouds(10)
    codes, folds = np.where(np.arange(40) % 2, truth, -1), np.arange(40) // 2 % 3
    near, unlabeled = nearest(vectors, 10), codes < 0

    def predict(labels: np.ndarray) -> np.ndarray:
        found = self_train(vectors, labels, folds, unlabeled, near, classes=4, fold_count=3, temperature=1.0)
        return found.probabilities / found.temperature

    row = 1
    changed = codes.copy()
    changed[row] = (codes[row] + 1) % 4
    before, after = predict(codes), predict(changed)
    assert before[row].argmax() == after[row].argmax()
    assert not np.allclose(before[(codes >= 0) & (folds != folds[row])], after[(codes >= 0) & (folds != folds[row])])


def test_means_of_the_classes_move_to_where_the_rows_are() -> None:
    """Two labels at the edges of their clouds: by the nearest label a fifth of the rows would be the other class's."""
    rng = np.random.default_rng(0)
    angles = np.concatenate([rng.normal(0.0, 0.15, 200), rng.normal(0.8, 0.15, 200)])
    vectors = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    truth = np.repeat([0, 3], 200)
    ends = np.array([-0.6, 0.7])
    labeled = np.column_stack([np.cos(ends), np.sin(ends)]).astype(np.float32)
    nearest_label = np.array([0, 3])[(vectors @ labeled.T).argmax(axis=1)]
    found = _by_class_means(vectors, labeled, np.array([0, 3]), 4)
    assert (nearest_label == truth).mean() < 0.85
    assert (found.argmax(axis=1) == truth).mean() > 0.95
    assert found[:, [1, 2]].max() == 0  # no label is of these classes
    assert found.sum(axis=1) == pytest.approx(np.ones(400), abs=1e-5)
