"""A model for a board without a GPU: one fixed shape, int8 with scales measured beforehand, and plain operators.

Accelerators (a phone's, by QNN or NNAPI; Intel's, by OpenVINO) take graphs of fixed shapes, whose weights and
activations are quantized with scales that stand in the graph (QDQ), of operators that each of them lists. So the parts
of an encoder that are none of these are taken out or taken apart: the mask and the weights of the mean are inputs, a
normalization is its sums and products, and GELU is written with tanh (Hendrycks & Gimpel 2016).
"""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnxruntime.tools.onnx_model_utils import make_input_shape_fixed
from tokenizers import Tokenizer

from tilth.errors import RequestError
from tilth.training.export.edge.inputs import edge_inputs
from tilth.training.export.edge.plain_operators import plain_operators
from tilth.training.export.folder import write_digests
from tilth.training.export.graphs import attention_masks, needed, quantize_by_samples, read_by, rename_input
from tilth.training.export.packed import WEIGHTS

LISTED = frozenset(
    (
        *("Add", "Cast", "Clip", "Concat", "DequantizeLinear", "Div", "Exp", "Gather", "Gemm", "Identity", "MatMul"),
        *("Mul", "Pow", "QuantizeLinear", "ReduceMean", "Relu", "Reshape", "Sigmoid", "Slice", "Softmax", "Split"),
        *("Sqrt", "Squeeze", "Sub", "Tanh", "Transpose", "Unsqueeze"),
    )
)
"""Operators that ONNX Runtime's documents list for NNAPI, which lists the fewest, and for QNN and OpenVINO too."""


@dataclass(frozen=True, kw_only=True)
class EdgeFacts:
    """What became of a graph.

    Attributes:
        bytes: of the graph's file.
        operators: how many there are of each.
        unlisted: operators that not all three providers list.
    """

    bytes: int
    operators: dict[str, int]
    unlisted: tuple[str, ...]


def export_edge(folder: Path, target: Path, *, trunk: Path, texts: Sequence[str], length: int = 64) -> EdgeFacts:
    """Write a model's folder once more, its encoder for an accelerator.

    Args:
        folder: of the model.
        target: a new folder; `Predictor.load` reads it as any other.
        trunk: the encoder's float graph, as `TrunkGraphs` has it.
        texts: training texts, by which activations' scales are measured.
        length: tokens of the one shape; a longer text is read in pieces of it.

    Raises:
        RequestError: there is no text to measure by, or the graph is no encoder that can be taken apart so.
    """
    if not texts:
        raise RequestError("no text to measure the activations by; give some of the training rows")
    settings = json.loads((folder / "tilth.json").read_text(encoding="utf-8"))
    limit = min(length, int(settings["max_tokens"]))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    before, after = settings["prefix"], settings["suffix"]
    encoded = tokenizer.encode_batch(list(texts), add_special_tokens=False)
    pieces = [[*before, *one.ids[: limit - len(before) - len(after)], *after] for one in encoded]
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("model.onnx", WEIGHTS, "README.md"))
    changes = {"max_tokens": limit, "edge_length": length, "batched": False, "packed": False}
    text = json.dumps({**settings, **changes}, indent=1, ensure_ascii=False)
    (target / "tilth.json").write_text(text, encoding="utf-8")
    quantize_edge(trunk, target / "model.onnx", pieces, length)
    write_digests(target)
    return edge_facts(target / "model.onnx")


def quantize_edge(source: Path, target: Path, pieces: Sequence[Sequence[int]], length: int) -> None:
    """Write a float graph as one of fixed shape, plain operators and static int8; see `export_edge`."""
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fixed, plain = Path(scratch) / "fixed.onnx", Path(scratch) / "plain.onnx"
        _fix_shape(source, fixed, length)
        onnx.save(plain_operators(_without_mask_and_mean(onnx.load(fixed), length)), plain)
        quantize_by_samples(
            plain,
            target,
            (edge_inputs(piece, length) for piece in pieces),
            op_types_to_quantize=["MatMul", "Gemm", "Gather"],
            extra_options={"QDQOpTypePerChannelSupportToAxis": {"MatMul": 1}},
        )


def edge_facts(path: Path) -> EdgeFacts:
    """What a graph is made of."""
    operators: dict[str, int] = {}
    for node in onnx.load(path).graph.node:
        name = f"{node.domain}:{node.op_type}" if node.domain else node.op_type
        operators[name] = operators.get(name, 0) + 1
    unlisted = tuple(sorted(set(operators) - LISTED))
    return EdgeFacts(bytes=path.stat().st_size, operators=dict(sorted(operators.items())), unlisted=unlisted)


def _fix_shape(source: Path, target: Path, length: int) -> None:
    """One row of so many tokens, with all that follows from it computed beforehand."""
    model = onnx.load(source)
    for name in ("input_ids", "attention_mask"):
        make_input_shape_fixed(model.graph, name, [1, length])
    onnx.save(model, target)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _without_mask_and_mean(model: onnx.ModelProto, length: int) -> onnx.ModelProto:
    """The encoder alone, with the attention's mask and the tokens' weights in the mean as inputs."""
    graph = model.graph
    masks = attention_masks(graph)
    hidden = [node.output[0] for node in graph.node if node.op_type == "LayerNormalization"]
    if len(masks) != 1 or not hidden:
        raise RequestError(
            f"the encoder's graph has {len(masks)} masks and {len(hidden)} normalizations, expected one mask and some: "
            "it is no encoder of BERT's kind, and stays as it is"
        )
    (mask,) = masks
    rename_input(graph, mask, "mask")
    nodes = needed(graph, [hidden[-1]])
    nodes.append(helper.make_node("MatMul", ["mean", hidden[-1]], ["sentence_vector"]))
    used = {name for node in nodes for name in read_by(node)}
    inputs = [
        helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, length]),
        helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, 1, length, length]),
        helper.make_tensor_value_info("mean", TensorProto.FLOAT, [1, 1, length]),
    ]
    output = helper.make_tensor_value_info("sentence_vector", TensorProto.FLOAT, [1, 1, None])
    weights = [tensor for tensor in graph.initializer if tensor.name in used]
    encoder = helper.make_graph(nodes, "encoder", inputs, [output], weights)
    opsets = [one for one in model.opset_import if not one.domain]
    return helper.make_model(encoder, opset_imports=opsets, ir_version=min(model.ir_version, 10))
