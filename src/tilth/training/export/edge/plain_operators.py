"""A graph in operators that every accelerator lists: normalizations and GELU taken apart."""

from __future__ import annotations

import math

import numpy as np
import onnx
from onnx import helper, numpy_helper

_CONSTANTS = {
    "plain_half": 0.5,
    "plain_one": 1.0,
    "plain_cubic": 0.044715,
    "plain_root": math.sqrt(2 / math.pi),
}


def plain_operators(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with `LayerNormalization` as sums and products, and `Gelu` by tanh."""
    graph = model.graph
    nodes: list[onnx.NodeProto] = []
    added = {name: np.array(value, dtype=np.float32) for name, value in _CONSTANTS.items()}
    for node in graph.node:
        if node.op_type == "LayerNormalization":
            nodes += _normalization(node, added)
        elif node.op_type == "Gelu":
            nodes += _gelu(node)
        else:
            nodes.append(node)
    used = {name for node in nodes for name in node.input}
    weights = [*graph.initializer, *(numpy_helper.from_array(value, name) for name, value in added.items())]
    kept = [tensor for tensor in weights if tensor.name in used]
    plain = helper.make_graph(nodes, graph.name, list(graph.input), list(graph.output), kept)
    return helper.make_model(plain, opset_imports=list(model.opset_import), ir_version=model.ir_version)


def _normalization(node: onnx.NodeProto, added: dict[str, np.ndarray]) -> list[onnx.NodeProto]:
    """(x - mean) / sqrt(variance + epsilon), times the weights, plus the bias where there is one."""
    attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    x, weight, *bias = node.input
    out, epsilon = node.output[0], f"{node.output[0]}_epsilon"
    added[epsilon] = np.array(attributes.get("epsilon", 1e-5), dtype=np.float32)
    added["plain_axis"] = np.array([-1], dtype=np.int64)
    part = {name: f"{out}_{name}" for name in ("mean", "away", "square", "variance", "safe", "root", "unit", "scaled")}
    nodes = [
        helper.make_node("ReduceMean", [x, "plain_axis"], [part["mean"]], keepdims=1),
        helper.make_node("Sub", [x, part["mean"]], [part["away"]]),
        helper.make_node("Mul", [part["away"], part["away"]], [part["square"]]),
        helper.make_node("ReduceMean", [part["square"], "plain_axis"], [part["variance"]], keepdims=1),
        helper.make_node("Add", [part["variance"], epsilon], [part["safe"]]),
        helper.make_node("Sqrt", [part["safe"]], [part["root"]]),
        helper.make_node("Div", [part["away"], part["root"]], [part["unit"]]),
        helper.make_node("Mul", [part["unit"], weight], [part["scaled"] if bias else out]),
    ]
    return [*nodes, helper.make_node("Add", [part["scaled"], bias[0]], [out])] if bias else nodes


def _gelu(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """x / 2 (1 + tanh(√(2/π) x (1 + 0.044715 x²)))."""
    x, out = node.input[0], node.output[0]
    part = {name: f"{out}_{name}" for name in ("square", "cubic", "more", "inner", "root", "tanh", "gate", "half")}
    return [
        helper.make_node("Mul", [x, x], [part["square"]]),
        helper.make_node("Mul", [part["square"], "plain_cubic"], [part["cubic"]]),
        helper.make_node("Add", [part["cubic"], "plain_one"], [part["more"]]),
        helper.make_node("Mul", [x, part["more"]], [part["inner"]]),
        helper.make_node("Mul", [part["inner"], "plain_root"], [part["root"]]),
        helper.make_node("Tanh", [part["root"]], [part["tanh"]]),
        helper.make_node("Add", [part["tanh"], "plain_one"], [part["gate"]]),
        helper.make_node("Mul", [x, "plain_half"], [part["half"]]),
        helper.make_node("Mul", [part["half"], part["gate"]], [out]),
    ]
