from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from tilth.training.export.graphs.channel_scaling import rounded_by_channel, scale_channels

IN, OUT = 24, 40


def test_the_largest_weight_of_each_channel_is_64_steps() -> None:
    """Channels of largest weights 6.4 and 0.32 have steps of 0.1 and 0.005; one of zeros alone has any."""
    values, scales = rounded_by_channel(np.array([[6.4, 0.32, 0.0], [-0.1, -0.16, 0.0]], dtype=np.float32))
    assert values.tolist() == [[64, 64, 0], [-1, -32, 0]]
    assert np.allclose(scales, [0.1, 0.005, 1.0])


def test_weights_are_those_of_onnx_runtime_by_channel(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    weight = (rng.normal(size=(IN, OUT)) * rng.lognormal(size=OUT)).astype(np.float32)
    weight[:, 3] = 0.0
    turned = rng.normal(size=(IN, OUT)).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["x", "weight"], ["middle"], "first"),
        helper.make_node("Gemm", ["middle", "turned"], ["y"], "second", transB=1),
    ]
    of = helper.make_tensor_value_info
    values = [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(turned, "turned")]
    inputs, outputs = [of("x", TensorProto.FLOAT, ["rows", IN])], [of("y", TensorProto.FLOAT, ["rows", IN])]
    graph = helper.make_graph(nodes, "two products", inputs, outputs, values)
    path = tmp_path / "float.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    made = {}
    for by_channel in (False, True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            quantize_dynamic(
                path, tmp_path / "int8.onnx", per_channel=by_channel, reduce_range=True, weight_type=QuantType.QInt8
            )
        made[by_channel] = onnx.load(tmp_path / "int8.onnx")
    scale_channels(made[False], onnx.load(path))
    ours, theirs = (
        {tensor.name: numpy_helper.to_array(tensor) for tensor in made[by_channel].graph.initializer}
        for by_channel in (False, True)
    )
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert ours[name].dtype == value.dtype
        assert np.array_equal(ours[name], value)
    assert ours["weight_scale"].shape == (OUT,)
    assert list(made[False].graph.node) == list(made[True].graph.node)
