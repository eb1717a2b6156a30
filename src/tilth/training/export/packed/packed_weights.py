"""The weights of a compressed model in one file, four bits each where they are shared; read by numpy alone.

ONNX has no operator that multiplies by a learned codebook, so the graph stands without its weights, and they are
expanded when it is loaded: smaller on disk, as fast as the same graph with its weights inside.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from tilth.errors import RequestError

WEIGHTS = "weights.npz"
CODES = 16
"""Values that a codebook of four bits holds."""
_INDEX = "index"
_BYTE = np.arange(256)


@dataclass(frozen=True, kw_only=True)
class SharedWeights:
    """A tensor whose weights are few values, one codebook for each few of its slices (Han et al. 2016).

    Attributes:
        packed: two weights a byte, the first in the lower half, uint8, shape (slices, half of a slice's weights).
        codebooks: int8 or float16, shape (groups, 16).
        group: slices that share a codebook; the last group may have fewer.
        axis: of the tensor, along which it is cut into slices.
        shape: of the tensor.
    """

    packed: np.ndarray
    codebooks: np.ndarray
    group: int
    axis: int
    shape: tuple[int, ...]

    @classmethod
    def of(cls, codes: np.ndarray, codebooks: np.ndarray, group: int, axis: int, shape: Sequence[int]) -> SharedWeights:
        """From each slice's codes, 0 to 15, shape (slices, weights of a slice)."""
        codes = codes.astype(np.uint8)
        if codes.shape[1] % 2:
            codes = np.pad(codes, ((0, 0), (0, 1)))
        packed = codes[:, ::2] | (codes[:, 1::2] << 4)
        return cls(packed=packed, codebooks=codebooks, group=group, axis=axis, shape=tuple(shape))

    def expand(self) -> np.ndarray:
        """The tensor, int8 where the codebooks are, else float32."""
        books = self.codebooks if self.codebooks.dtype == np.int8 else self.codebooks.astype(np.float32)
        pairs = np.stack([books[:, _BYTE & 15], books[:, _BYTE >> 4]], axis=-1)  # what each byte of a group stands for
        groups = np.arange(len(self.packed)) // self.group
        slices = pairs[groups[:, None], self.packed].reshape(len(self.packed), -1)
        return _whole(slices[:, : int(np.prod(self.shape)) // len(slices)], self.axis, self.shape)


@dataclass(frozen=True, kw_only=True)
class ScaledWeights:
    """A tensor of eight bits a weight, by one scale a slice.

    Attributes:
        values: int8, shape (slices, weights of a slice).
        scales: float16, shape (slices,).
        axis: of the tensor, along which it is cut into slices.
        shape: of the tensor.
    """

    values: np.ndarray
    scales: np.ndarray
    axis: int
    shape: tuple[int, ...]

    def expand(self) -> np.ndarray:
        """The tensor, float32."""
        return _whole(self.values * self.scales.astype(np.float32)[:, None], self.axis, self.shape)


Weights = Mapping[str, "np.ndarray | SharedWeights | ScaledWeights"]


@dataclass(frozen=True, kw_only=True)
class PackedGraph:
    """A trunk whose weights stand beside its graph.

    Attributes:
        graph: the ONNX file; the tensors that `weights` names are declared in it without values.
        weights: packed.
    """

    graph: Path
    weights: Weights


def save_weights(path: Path, weights: Weights) -> None:
    """Write one file, without pickle; float32 is written as float16, which is expanded to float32 again.

    Codes are not equally frequent, nor are int8 weights: deflated, they take a tenth and a quarter less.
    """
    arrays: dict[str, np.ndarray] = {}
    index: list[dict[str, Any]] = []
    for place, (name, value) in enumerate(weights.items()):
        if isinstance(value, SharedWeights):
            arrays |= {f"codes/{place}": value.packed, f"books/{place}": value.codebooks}
            index.append({"name": name, "group": value.group, "axis": value.axis, "shape": list(value.shape)})
        elif isinstance(value, ScaledWeights):
            arrays |= {f"values/{place}": value.values, f"scales/{place}": value.scales}
            index.append({"name": name, "axis": value.axis, "shape": list(value.shape)})
        else:
            half = value.dtype == np.float32 and not (np.abs(value) > np.finfo(np.float16).max).any()
            arrays[f"plain/{place}"] = value.astype(np.float16) if half else value
            index.append({"name": name, "half": bool(half)})
    arrays[_INDEX] = np.frombuffer(json.dumps(index).encode(), dtype=np.uint8)
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def load_weights(path: Path) -> dict[str, np.ndarray]:
    """Each tensor of the graph by its name, expanded.

    Raises:
        RequestError: the file is no file of weights, or not all of it is there.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            index = json.loads(arrays[_INDEX].tobytes())
            return {entry["name"]: _expanded(arrays, place, entry) for place, entry in enumerate(index)}
    except (OSError, ValueError, KeyError, IndexError, EOFError, BadZipFile) as error:
        raise RequestError(
            f"{path} cannot be read ({type(error).__name__}: {error}); copy the whole folder of the model again, or "
            "run the night again"
        ) from error


def _expanded(arrays: Mapping[str, np.ndarray], place: int, entry: Mapping[str, Any]) -> np.ndarray:
    if "axis" not in entry:
        value = arrays[f"plain/{place}"]
        return value.astype(np.float32) if entry["half"] else value
    axis, shape = int(entry["axis"]), tuple(entry["shape"])
    if "group" in entry:
        packed, books = arrays[f"codes/{place}"], arrays[f"books/{place}"]
        shared = SharedWeights(packed=packed, codebooks=books, group=int(entry["group"]), axis=axis, shape=shape)
        return shared.expand()
    values, scales = arrays[f"values/{place}"], arrays[f"scales/{place}"]
    return ScaledWeights(values=values, scales=scales, axis=axis, shape=shape).expand()


def _whole(slices: np.ndarray, axis: int, shape: tuple[int, ...]) -> np.ndarray:
    """The tensor of a shape whose slices along an axis these are."""
    moved = slices.reshape(shape[axis], *(size for place, size in enumerate(shape) if place != axis))
    return np.ascontiguousarray(np.moveaxis(moved, 0, axis))
