from __future__ import annotations

import numpy as np

from tilth.learn.neighbors import nearest
from tilth.learn.neighbors.label_spreading import graph, spread


def ring(rows: int, seed: int) -> np.ndarray:
    """Unit vectors on two arcs of a circle, which are nearer along each than across: float32, shape (2 * rows, 2)."""
    rng = np.random.default_rng(seed)
    angles = np.concatenate([rng.uniform(0, 1, rows), rng.uniform(2, 3, rows)])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_one_label_reaches_its_whole_arc_however_far_it_is() -> None:
    vectors = ring(60, 0)
    codes = np.full(120, -1)
    codes[[np.argmax(vectors[:60, 0]), 60 + np.argmin(vectors[60:, 0])]] = 0, 1  # each at one end of its arc
    belief = spread(graph(nearest(vectors, 5)), codes, 3)
    assert belief.shape == (120, 3)
    assert np.allclose(belief.sum(axis=1), 1, atol=1e-5)
    assert (belief[:, 2] == 0).all()  # nobody is told of the third class
    assert (belief.argmax(axis=1) == np.repeat([0, 1], 60)).all()


def test_a_class_keeps_its_share_of_the_labels() -> None:
    """One cloud, so that the graph says nothing: three labels of four are of one class, and so is its share."""
    vectors = np.random.default_rng(0).normal(size=(400, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    codes = np.full(400, -1)
    codes[:40] = np.repeat([0, 0, 0, 1], 10)
    share = spread(graph(nearest(vectors, 20)), codes, 2).mean(axis=0)
    assert abs(share[0] - 0.75) < 0.1


def test_rows_that_no_label_reaches_are_believed_nothing() -> None:
    vectors = np.eye(4, dtype=np.float32)[[0, 0, 1, 1]]
    belief = spread(graph(nearest(vectors, 1)), np.array([0, -1, -1, -1]), 2)
    assert belief[1].tolist() == [1, 0]
    assert belief[2:].sum() == 0
