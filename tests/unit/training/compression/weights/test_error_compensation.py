from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tilth.training.compression.weights.error_compensation import compensated_codes, input_products, inverse_factor
from tilth.training.compression.weights.graph_packing import pack_graph, share_products
from tilth.training.export import SharedWeights, load_weights, open_session, save_weights

IN, OUT = 32, 160


def test_an_input_makes_good_what_the_rounding_of_another_cost() -> None:
    """Two inputs that are always equal, of weight 0.4 each, and the values 0 and 1: together 0.8, which is nearly 1."""
    values, books = np.array([[0.4], [0.4]], dtype=np.float32), np.array([[0.0, 1.0]], dtype=np.float32)
    equal, apart = np.ones((2, 2)), np.eye(2)
    assert sorted(compensated_codes(values, books, equal).ravel().tolist()) == [0, 1]
    assert compensated_codes(values, books, apart).ravel().tolist() == [0, 0]  # alone, each is nearest to 0
    assert compensated_codes(values, books, np.zeros((2, 2))).ravel().tolist() == [0, 0]  # no text has either


def test_the_factor_is_of_the_inverse_and_upper() -> None:
    """Of diag(4, 1) with a hundredth of the mean, 0.025, on each: one over the roots of 4.025 and 1.025."""
    assert np.allclose(inverse_factor(np.diag([4.0, 1.0])), np.diag([1 / 4.025**0.5, 1 / 1.025**0.5]))
    products = np.array([[4.0, 2.0, 0.0], [2.0, 3.0, 1.0], [0.0, 1.0, 2.0]])
    upper = inverse_factor(products)
    assert np.array_equal(upper, np.triu(upper))
    assert np.allclose(upper.T @ upper @ (products + 0.03 * np.eye(3)), np.eye(3), atol=1e-5)


def test_inputs_are_counted_where_there_are_tokens(tmp_path: Path) -> None:
    """Rows (1, 2) and (3, 0) and one of padding: 1 + 9, 2 and 4."""
    nodes = [
        helper.make_node("Identity", ["tokens"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "weight"], ["product"]),
        helper.make_node("MatMul", ["product", "turned"], ["y"]),
    ]
    of = helper.make_tensor_value_info
    inputs = [of("tokens", TensorProto.FLOAT, ["n", "t", 2]), of("attention_mask", TensorProto.INT64, ["n", "t"])]
    weights = {"weight": np.array([[1.0], [1.0]]), "turned": np.array([[2.0]])}
    initializers = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "two products", inputs, [of("y", TensorProto.FLOAT, ["n", "t", 1])], initializers)
    path = tmp_path / "float.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    tokens = np.array([[[1, 2], [3, 0], [9, 9]]], dtype=np.float32)
    found = input_products(path, [{"tokens": tokens, "attention_mask": np.array([[1, 1, 0]])}])
    assert found["weight"].tolist() == [[10, 2], [2, 4]]
    assert found["turned"].tolist() == [[18]]  # 3 squared twice


def test_products_lose_less_where_it_is_known_what_they_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path, weight = tmp_path / "float.onnx", rng.normal(size=(IN, OUT)).astype(np.float32)
    of = helper.make_tensor_value_info
    inputs = [of("x", TensorProto.FLOAT, ["rows", IN]), of("attention_mask", TensorProto.INT64, ["rows"])]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weight"], ["y"])], "a product", inputs,
        [of("y", TensorProto.FLOAT, ["rows", OUT])], [numpy_helper.from_array(weight, "weight")],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    some = (rng.normal(size=(400, 6)) @ rng.normal(size=(6, IN))).astype(np.float32)
    read, further, rounded = some[:200], some[200:], tmp_path / "int8.onnx"
    batch: dict[str, np.ndarray] = {"x": read, "attention_mask": np.ones(len(read), dtype=np.int64)}
    shared = share_products(path, rounded, [batch])
    lost = {}
    for name, known in (("nearest", None), ("compensated", shared)):
        weights = pack_graph(path, tmp_path / f"{name}.onnx", 4, rounded, known)
        assert isinstance(weights["weight_quantized"], SharedWeights)
        save_weights(tmp_path / "weights.npz", weights)
        packed = open_session(tmp_path / f"{name}.onnx", initializers=load_weights(tmp_path / "weights.npz"))
        mask = np.ones(len(further), dtype=np.int64)
        lost[name] = np.square(packed.run(None, {"x": further, "attention_mask": mask})[0] - further @ weight).mean()
    assert lost["compensated"] < lost["nearest"] / 3
    eight = pack_graph(path, tmp_path / "8.onnx", 8, rounded, shared)
    assert not isinstance(eight["weight_quantized"], SharedWeights)


def test_a_static_models_graph_has_no_product_to_round(tmp_path: Path) -> None:
    of, table = helper.make_tensor_value_info, np.random.default_rng(0).normal(size=(OUT, IN)).astype(np.float32)
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["vectors"], axis=0),
        helper.make_node("ReduceMean", ["vectors"], ["y"], axes=[1], keepdims=0),
    ]
    inputs = [of(name, TensorProto.INT64, ["rows", "tokens"]) for name in ("input_ids", "attention_mask")]
    outputs = [of("y", TensorProto.FLOAT, ["rows", IN])]
    graph = helper.make_graph(nodes, "static", inputs, outputs, [numpy_helper.from_array(table, "table")])
    path, rounded = tmp_path / "float.onnx", tmp_path / "int8.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=10), path)
    batch = {name: np.array([[1, 2]]) for name in ("input_ids", "attention_mask")}
    assert share_products(path, rounded, [batch]) == {}
    weights = pack_graph(path, tmp_path / "packed.onnx", 4, rounded, {})
    assert isinstance(weights["table"], SharedWeights)
    save_weights(tmp_path / "weights.npz", weights)
    packed = open_session(tmp_path / "packed.onnx", initializers=load_weights(tmp_path / "weights.npz"))
    assert np.abs(packed.run(None, batch)[0] - table[1:3].mean(axis=0)).max() < 0.5
