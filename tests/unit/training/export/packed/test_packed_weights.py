from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tilth.errors import RequestError
from tilth.training.export import ScaledWeights, SharedWeights, load_weights, save_weights


def shared() -> SharedWeights:
    """Three rows of three weights; the first two share a codebook, the third has its own."""
    books = np.zeros((2, 16), dtype=np.int8)
    books[0, :3], books[1, 15] = [-5, 0, 7], 100
    codes = np.array([[0, 1, 2], [2, 2, 2], [15, 15, 0]])
    return SharedWeights.of(codes, books, group=2, axis=0, shape=(3, 3))


def test_two_weights_share_a_byte_and_come_back() -> None:
    found = shared()
    assert found.packed.tolist() == [[0 | 1 << 4, 2], [2 | 2 << 4, 2], [15 | 15 << 4, 0]]
    assert found.expand().tolist() == [[-5, 0, 7], [7, 7, 7], [100, 100, 0]]
    assert found.expand().dtype == np.int8


def test_slices_of_the_last_axis_come_back_where_they_were() -> None:
    found = shared()
    turned = SharedWeights(packed=found.packed, codebooks=found.codebooks, group=2, axis=1, shape=(3, 3))
    assert turned.expand().tolist() == [[-5, 7, 100], [0, 7, 100], [7, 7, 0]]


def test_a_file_holds_every_kind_and_four_bits_a_weight(tmp_path: Path) -> None:
    values = np.array([[127, -64], [1, 2]], dtype=np.int8)
    scaled = ScaledWeights(values=values, scales=np.array([0.5, 2], dtype=np.float16), axis=0, shape=(2, 2))
    plain, codes = np.array([0.5, 1e6], dtype=np.float32), np.zeros((8, 4000), dtype=np.uint8)
    large = SharedWeights.of(codes, np.ones((1, 16), dtype=np.float16), group=8, axis=0, shape=(8, 4000))
    small = np.array([0.5], dtype=np.float32)
    save_weights(tmp_path / "w", {"a": shared(), "b": scaled, "c": plain, "d": large, "e": small})
    found = load_weights(tmp_path / "w")
    assert found["a"].tolist() == shared().expand().tolist()
    assert found["b"].tolist() == [[63.5, -32], [2, 4]]
    assert found["c"].tolist() == [0.5, 1e6]  # too large for float16
    assert found["d"].shape == (8, 4000)
    assert found["e"].dtype == np.float32
    assert (tmp_path / "w").stat().st_size < 8 * 4000 / 2 + 3000


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_file_is_said_with_the_fix(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "weights.npz"
    save_weights(path, {"a": shared()})
    path.write_bytes(path.read_bytes()[:100] if damage == "cut" else b"")
    with pytest.raises(RequestError, match="copy the whole folder of the model again"):
        load_weights(path)


def test_what_is_not_equally_frequent_takes_less_than_its_bits(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(scale=16, size=(40, 1000)).round().astype(np.int8)
    save_weights(tmp_path / "w", {"a": values})
    assert (tmp_path / "w").stat().st_size < 0.85 * values.size  # by its entropy of 6 bits of 8: 0.76
    assert (load_weights(tmp_path / "w")["a"] == values).all()
