"""From a float graph to one that computes in int8 and stands without its weights, which are packed beside it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from tilth.errors import StageError
from tilth.training.compression.student import Bits, Vocabulary
from tilth.training.compression.weights.error_compensation import input_products
from tilth.training.compression.weights.weight_sharing import scale_weights, share_weights
from tilth.training.export import WEIGHTS, ScaledWeights, SharedWeights, Weights, quantize, strip_notes

SMALL = 4_096
"""Weights that a tensor must have to be rounded: biases and norms are few, and rounding them costs much."""
_PLAIN = 256
"""Weights that a tensor must have to stand beside the graph, where float takes 16 bits and zeros next to nothing."""
CHANNELS, PIECES = 8, 16
"""Slices a codebook: output channels of a product (1 to 16 lose alike), and rows of an embedding."""


_OF_INT8 = "_quantized"
"""What ONNX Runtime puts after the name of weights that it rounds."""


def pack_graph(
    source: Path,
    target: Path,
    bits: Bits,
    rounded: Path | None = None,
    shared: Mapping[str, SharedWeights] | None = None,
) -> Weights:
    """Write a graph whose weights are to be handed to it, and give them, packed.

    Products are computed in int8, with a scale for each output channel and each token; of four bits,
    their int8 weights are shared by codebooks of int8 values, so that expanding them gives what the kernel takes.
    Embeddings are expanded to float.

    Args:
        source: a float graph with its weights inside.
        target: the new graph.
        bits: of a weight on disk: 32 leaves all as it is, 8 rounds, 4 shares.
        rounded: where the graph with products in int8, the same of 8 and of 4 bits, is kept and looked for.
        shared: for 4 bits the products' weights, as of `share_products`; those that are missing take the nearest value
            of their codebook.
    """
    known = (shared or {}) if bits == 4 else {}
    model = onnx.load(source) if bits == 32 else _in_int8(source, target.parent, rounded)
    strip_notes(model)
    del model.graph.value_info[:]
    weights: dict[str, np.ndarray | SharedWeights | ScaledWeights] = {}
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.size < _PLAIN or values.dtype not in (np.int8, np.float32):
            continue
        weights[tensor.name] = known.get(tensor.name) or _packed(values, bits)
        _empty(tensor)
    onnx.save(model, target)
    return weights


def share_products(
    source: Path, rounded: Path, batches: Iterable[Mapping[str, np.ndarray]]
) -> dict[str, SharedWeights]:
    """The products' weights in four bits, rounded by what the products read of some texts.

    Args:
        source: a float graph with its weights inside.
        rounded: where the same graph with products in int8 is kept and looked for.
        batches: the texts, as inputs of the graph.
    """
    products = input_products(source, batches)
    shared = {}
    for tensor in _in_int8(source, rounded.parent, rounded).graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.int8 or values.ndim != 2 or values.size < SMALL:
            continue
        of_inputs = products.get(tensor.name.removesuffix(_OF_INT8))
        shared[tensor.name] = share_weights(values, axis=1, group=CHANNELS, products=of_inputs)
    return shared


def _in_int8(source: Path, scratch: Path, kept: Path | None) -> onnx.ModelProto:
    """The graph whose products are computed in int8, from the file that keeps it or into it."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        target = kept or Path(folder) / "int8.onnx"
        if not target.exists():
            quantize(source, target, ["MatMul", "Gemm"])
        return onnx.load(target)


def _packed(values: np.ndarray, bits: Bits) -> np.ndarray | SharedWeights | ScaledWeights:
    if values.ndim < 2 or values.size < SMALL or bits == 32 or (bits == 8 and values.dtype == np.int8):
        return values
    if bits == 8:
        return scale_weights(values, axis=0)
    if values.dtype == np.int8:
        return share_weights(values, axis=values.ndim - 1, group=CHANNELS)
    return share_weights(values, axis=0, group=PIECES)


def _empty(tensor: TensorProto) -> None:
    """Leave a tensor's name, type and shape, and say that its values stand elsewhere."""
    for part in ("raw_data", "float_data", "int32_data"):
        tensor.ClearField(part)
    tensor.data_location = TensorProto.EXTERNAL
    del tensor.external_data[:]
    tensor.external_data.add(key="location", value=WEIGHTS)


def cut_embeddings(source: Path, target: Path, vocabulary: Vocabulary) -> None:
    """Write a graph with the kept pieces' embeddings alone.

    Raises:
        StageError: the graph has not exactly one table of the vocabulary's size.
    """
    model = onnx.load(source)
    tables = [
        tensor for tensor in model.graph.initializer if len(tensor.dims) == 2 and tensor.dims[0] == vocabulary.size
    ]
    if len(tables) != 1:
        raise StageError(
            f"the encoder's graph has {len(tables)} tables of {vocabulary.size} rows, expected one, so that its "
            "vocabulary cannot be cut; set training.contract = false"
        )
    values = numpy_helper.to_array(tables[0])[vocabulary.kept]
    tables[0].CopyFrom(numpy_helper.from_array(values, tables[0].name))
    del model.graph.value_info[:]  # which says how large the whole table was
    onnx.save(model, target)
