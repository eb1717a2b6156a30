from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans

from tilth.training.compression.weights.weight_sharing import scale_weights, share_weights


def test_sixteen_values_a_group_come_back_exactly() -> None:
    values = np.arange(-64, 64, 8, dtype=np.int8)
    weights = np.stack([np.tile(values, 4), np.tile(values + 3, 4)]).astype(np.int8)
    assert (share_weights(weights, axis=0, group=1).expand() == weights).all()


def test_each_group_has_a_codebook_of_its_own() -> None:
    rng = np.random.default_rng(0)
    weights = np.concatenate([rng.normal(size=(4, 400)), rng.normal(size=(4, 400)) * 100]).astype(np.float32)

    def error(group: int) -> float:
        lost = share_weights(weights, axis=0, group=group).expand()[:4] - weights[:4]
        return float(np.sqrt((lost**2).mean()))

    assert error(4) < 0.1  # of a normal distribution to 16 values at the least: 0.0975 (Max 1960)
    assert error(8) > 0.3


def test_channels_are_the_slices_of_the_axis() -> None:
    weights = np.array([[1, 50], [2, 60], [3, 70]], dtype=np.int8)
    found = share_weights(weights, axis=1, group=1)
    assert found.codebooks.shape == (2, 16)
    assert found.expand().tolist() == weights.tolist()


def test_a_group_of_one_value_is_kept() -> None:
    assert (share_weights(np.zeros((2, 6), dtype=np.float32), axis=0, group=2).expand() == 0).all()


def test_eight_bits_scale_each_slice() -> None:
    weights = np.array([[127, 1], [0.5, 0.25]], dtype=np.float32)
    found = scale_weights(weights, axis=0)
    assert found.values.tolist() == [[127, 1], [127, 64]]
    assert np.abs(found.expand() - weights).max() < 0.002


def test_all_groups_at_once_lose_what_k_means_of_each_loses() -> None:
    weights = np.random.default_rng(0).standard_t(2, size=(3, 4000)).astype(np.float32)  # most small, a few far out
    found = share_weights(weights, axis=0, group=1).expand()
    for row, shared in zip(weights, found, strict=True):
        start = np.quantile(row, (np.arange(16) + 0.5) / 16)[:, None]
        loss = KMeans(16, init=start, n_init=1, max_iter=30).fit(row[:, None]).inertia_
        assert ((row - shared) ** 2).sum() < 1.2 * loss


def test_a_slice_of_small_weights_is_not_lost_beside_wide_ones() -> None:
    """Some codes are close where the small weights lie: by the sum of squares alone 0.8 of their power is lost."""
    rng = np.random.default_rng(0)
    weights = np.concatenate([rng.normal(size=(1, 400)), rng.normal(size=(7, 400)) * 20]).round().astype(np.int8)
    lost = share_weights(weights, axis=0, group=8).expand().astype(float) - weights
    by_slice = (lost**2).mean(axis=1) / (weights.astype(float) ** 2).mean(axis=1)
    assert by_slice[0] < 0.3
    assert by_slice[1:].mean() < 0.02


def test_a_slice_of_zeros_moves_no_code() -> None:
    row = np.random.default_rng(0).normal(size=(1, 400)).astype(np.float32)
    alone = share_weights(row, axis=0, group=1).expand()
    beside = share_weights(np.concatenate([row, np.zeros_like(row)]), axis=0, group=2).expand()
    assert np.allclose(alone, beside[:1])
