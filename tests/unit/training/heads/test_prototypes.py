from __future__ import annotations

import numpy as np

from tilth.training.heads import class_prototypes


def test_a_class_of_two_groups_has_a_prototype_in_each() -> None:
    rng = np.random.default_rng(0)
    places = np.repeat(np.eye(3), 6, axis=0)  # two groups of the first class, one of the second
    rows = places + 0.01 * rng.normal(size=places.shape)
    found = class_prototypes(rows, {"intent": np.repeat([0, 0, 1], 6)})
    assert np.allclose(np.linalg.norm(found, axis=1), 1)
    assert np.allclose((places @ found.T).max(axis=1), 1, atol=1e-3)


def test_few_rows_have_their_mean() -> None:
    found = class_prototypes(np.array([[1.0, 0.0], [0.0, 1.0]]), {"intent": np.array([0, 0])})
    assert np.allclose(found, [[0.5**0.5, 0.5**0.5]])


def test_many_classes_share_the_room() -> None:
    rows = np.random.default_rng(0).normal(size=(8000, 4))
    found = class_prototypes(rows, {"intent": np.repeat(np.arange(800), 10)})
    assert len(found) == 800  # 1,500 in all leave one a class
