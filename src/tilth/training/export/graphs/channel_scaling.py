"""Int8 weights with a scale for each output channel, all channels of a product at once.

`quantize_dynamic(per_channel=True)` gives the same to the bit, one channel after another: of MiniLM's 20,736 it takes
three seconds, in which every other core waits.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

_MOST = 64
"""The largest weight of a channel: seven of the eight bits, as `reduce_range` has it."""
_LEAST = np.finfo(np.float32).tiny
"""A scale below which a channel holds nothing but zeros."""
_OF_INT8, _SCALE, _ZERO = "_quantized", "_scale", "_zero_point"
"""What ONNX Runtime puts after the name of weights that it rounds, and what it calls what goes with them."""
_TURNED = "_Transposed"
"""What it puts after the name of weights that it turns: a `Gemm` that reads them turned becomes a product."""


def scale_channels(model: onnx.ModelProto, source: onnx.ModelProto) -> None:
    """Give each output channel of a product's weights a scale of its own, in place.

    Args:
        model: as `quantize_dynamic` made it, with one scale for all of a product's weights.
        source: the float graph that it was made from.
    """
    rounded = {tensor.name: tensor for tensor in model.graph.initializer}
    floats = {tensor.name: tensor for tensor in source.graph.initializer}
    for name in {node.input[1] for node in model.graph.node if node.op_type == "MatMulInteger"}:
        plain = name.removesuffix(_OF_INT8)
        weights = numpy_helper.to_array(floats[plain if plain in floats else plain.partition(_TURNED)[0]])
        values, scales = rounded_by_channel(weights if plain in floats else weights.T)
        rounded[name].CopyFrom(numpy_helper.from_array(values, name))
        for kind, array in ((_SCALE, scales), (_ZERO, np.zeros(len(scales), np.int8))):
            rounded[plain + kind].CopyFrom(numpy_helper.from_array(array, plain + kind))


def rounded_by_channel(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights in int8, and a float32 scale for each place of their last axis, which are the output channels.

    Args:
        values: float32, shape (…, channels).
    """
    largest = np.abs(values).max(axis=tuple(range(values.ndim - 1)))
    scales = (2 * largest.astype(np.float64) / (2 * _MOST)).astype(np.float32)
    scales = np.where(scales < _LEAST, np.float32(1), scales)
    return np.rint(values / scales).astype(np.int8), scales
