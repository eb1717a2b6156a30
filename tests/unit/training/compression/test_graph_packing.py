"""What stands beside a graph, and what is left in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tilth.training.compression.student.shape import Bits
from tilth.training.compression.weights import graph_packing
from tilth.training.compression.weights.graph_packing import pack_graph
from tilth.training.export import ScaledWeights, SharedWeights, load_weights, open_session, quantize, save_weights

WIDE = 300


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """A product of 32 by 300 weights, its bias of 300, and a norm of 32 before it."""
    rng = np.random.default_rng(0)
    values = {"weight": rng.normal(size=(32, WIDE)), "bias": rng.normal(size=WIDE), "gamma": np.linspace(0.5, 1.5, 32)}
    nodes = [
        helper.make_node("Mul", ["x", "gamma"], ["scaled"]),
        helper.make_node("MatMul", ["scaled", "weight"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["y"]),
    ]
    made = helper.make_graph(
        nodes,
        "one product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", 32])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", WIDE])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in values.items()],
    )
    path = tmp_path / "float.onnx"
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return path


@pytest.mark.parametrize(("bits", "worst"), [(4, 0.2), (8, 0.03), (32, 1e-2)])
def test_a_packed_graph_answers_nearly_as_before(graph: Path, tmp_path: Path, bits: Bits, worst: float) -> None:
    weights = pack_graph(graph, tmp_path / "packed.onnx", bits)
    save_weights(tmp_path / "weights.npz", weights)
    packed = open_session(tmp_path / "packed.onnx", initializers=load_weights(tmp_path / "weights.npz"))
    x = np.random.default_rng(1).normal(size=(20, 32)).astype(np.float32)
    before, after = open_session(graph).run(None, {"x": x})[0], packed.run(None, {"x": x})[0]
    assert np.abs(after - before).mean() < worst * np.abs(before).mean()


def test_shapes_that_differ_in_their_bits_alone_are_rounded_to_int8_once(
    graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []

    def quantized(source: Path, target: Path, operators: list[str] | None = None) -> None:
        made.append(target)
        quantize(source, target, operators)

    monkeypatch.setattr(graph_packing, "quantize", quantized)
    kept = tmp_path / "int8.onnx"
    bits: tuple[Bits, ...] = (4, 8)
    for one in bits:
        weights = pack_graph(graph, tmp_path / f"{one}.onnx", one, kept)
        by_itself = pack_graph(graph, tmp_path / "alone.onnx", one)
        assert (tmp_path / f"{one}.onnx").read_bytes() == (tmp_path / "alone.onnx").read_bytes()
        assert {name: type(value) for name, value in weights.items()} == {
            name: type(value) for name, value in by_itself.items()
        }
    assert made.count(kept) == 1
    assert len(made) == 1 + len(bits)  # what is given no file keeps none


def test_long_biases_and_zero_points_stand_beside_the_graph_and_are_not_rounded(graph: Path, tmp_path: Path) -> None:
    weights = pack_graph(graph, tmp_path / "packed.onnx", 4)
    assert isinstance(weights["weight_quantized"], SharedWeights)
    plain = {name: value for name, value in weights.items() if not isinstance(value, SharedWeights | ScaledWeights)}
    assert {value.shape for value in plain.values()} == {(WIDE,)}  # the bias, and each channel's scale and zero
    assert {value.dtype for value in plain.values()} == {np.dtype(np.float32), np.dtype(np.int8)}
    left = onnx.load(tmp_path / "packed.onnx", load_external_data=False).graph.initializer
    assert [tensor.name for tensor in left if tensor.name == "gamma" and tensor.raw_data]  # of 32 weights
    assert (tmp_path / "packed.onnx").stat().st_size < 1400  # of which a bias in float alone took 1200
