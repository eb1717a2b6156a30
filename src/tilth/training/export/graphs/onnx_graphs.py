"""The two graphs of an exported model: the trunk, filled into its architecture's, and the heads, a few nodes a task."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from torch import nn

from tilth.learn.encoder import Trunk
from tilth.store import atomic, digest, digest_made_by, used
from tilth.training.export.graphs.channel_scaling import scale_channels
from tilth.training.export.graphs.graph_rewriting import rewrite
from tilth.training.export.graphs.graph_structure import PACKAGED, write_trunk
from tilth.training.export.graphs.row_scaling import scale_rows
from tilth.training.heads import Head

log = logging.getLogger(__name__)

QUANTIZED: dict[str, list[str] | None] = {"int8": None, "int8 products, float embeddings": ["MatMul", "Gemm"]}
"""Each kind of quantized trunk, the smallest first, and the operators whose weights are int8 (None = all that can)."""

_OPSET, _IR = 18, 10  # of the heads: old enough for every runtime that reads the trunk


def cache_key(encoder: str) -> str:
    """The key of a trunk's graphs in a cache, by the encoder's fingerprint: other code may trace otherwise."""
    here, package = Path(__file__), Path(__file__).parents[3]
    names = ("graph_structure.py", "graph_rewriting.py", "row_scaling.py", "channel_scaling.py")
    own = (here, *map(here.with_name, names))
    files = (*own, *sorted(PACKAGED.glob("*.onnx")), package / "learn" / "encoder" / "trunk.py", package / "devices.py")
    return digest(encoder, digest_made_by(files, ("torch", "onnxscript", "onnxruntime")))


class TrunkGraphs:
    """A trunk as ONNX, in float and quantized: files of one folder, each made when it is first asked for.

    Args:
        folder: where they are kept; of a trunk that is the same every night, a folder of the cache.
        trunk: gives the trunk where a file of it is not there yet.
        structures: gives the folder of a key in which the graphs of architectures are kept; None keeps none.
    """

    def __init__(
        self, folder: Path, trunk: Callable[[], Trunk], structures: Callable[[str], Path] | None = None
    ) -> None:
        self._folder, self._trunk, self.structures = folder, trunk, structures

    def get(self, kind: str) -> Path:
        """The file of a kind: "float32" or one of `QUANTIZED`."""
        path = self._folder / f"{kind.replace(', ', '_').replace(' ', '_')}.onnx"
        if _whole(path):
            used(self._folder)
            return path
        if kind == "float32":
            with atomic(path) as temporary:
                write_trunk(self._trunk().eval(), temporary, trace, self.structures)
        else:
            full = self.get("float32")
            with atomic(path) as temporary:
                quantize(full, temporary, QUANTIZED[kind])
        return path


def quantize(source: Path, target: Path, operators: list[str] | None = None) -> None:
    """Write a float graph as one whose products are of int8: a scale for each output channel, and for each token.

    Weights take seven of the eight bits, for processors without instructions for int8 add two products in 16 bits:
    with all eight their answers would be others.

    Args:
        source: the float graph.
        target: the new one.
        operators: whose weights are int8; None = all that can be.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=operators,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )
    model = onnx.load(target)
    scale_channels(model, onnx.load(source))
    rewrite(model)
    scale_rows(model)
    onnx.save(model, target)


class _Samples(CalibrationDataReader):
    """Inputs by which activations' scales are measured, one at a time."""

    def __init__(self, inputs: Iterator[dict[str, np.ndarray]]) -> None:
        self._inputs = inputs

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next one; None after the last."""
        return next(self._inputs, None)


def quantize_by_samples(source: Path, target: Path, samples: Iterator[dict[str, np.ndarray]], **options: Any) -> None:
    """Write a float graph as static int8: a scale for each output channel of a weight, one for each activation.

    Weights take seven of the eight bits, as in `quantize`.

    Args:
        source: the float graph.
        target: the new one.
        samples: inputs by which the scales of activations are measured.
        options: of `onnxruntime.quantization.quantize_static` beside these.
    """
    quantize_static(
        source,
        target,
        _Samples(samples),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        reduce_range=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        **options,
    )


def _whole(path: Path) -> bool:
    """Whether a file is there and can be read."""
    try:
        if not onnx.load(path).graph.output:  # no byte at all is a graph too, an empty one
            raise DecodeError("it holds no graph")
    except FileNotFoundError:
        return False
    except DecodeError as error:
        log.warning("cache file %s is damaged (%s): it is made again", path.name, error)
        return False
    return True


def trace(trunk: nn.Module, path: Path) -> None:
    """Write a trunk's float graph by torch's exporter, which runs it once: seconds, whatever its size."""
    rows, length = torch.export.Dim("rows"), torch.export.Dim("length")
    with warnings.catch_warnings(), quiet_exporter():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            trunk,
            (torch.ones((2, 7), dtype=torch.long), torch.ones((2, 7), dtype=torch.long)),
            str(path),
            input_names=["input_ids", "attention_mask"],
            output_names=["sentence_vector"],
            dynamic_shapes=({0: rows, 1: length}, {0: rows, 1: length}),
            dynamo=True,
            external_data=False,
            verbose=False,
        )


@contextmanager
def quiet_exporter() -> Iterator[None]:
    """Without the exporter's lines about packages that this model does not use."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def write_heads(heads: Sequence[Head], centers: np.ndarray, path: Path) -> None:
    """All heads as one graph: `vector` to `probabilities_<position>` of each task, calibrated, and `scope_score`.

    The scope score is the largest cosine to a prototype, of eight bits a dimension, clipped to 0..1; the heads' weights
    stand in 16 bits and compute in 32. Names are our own: a task may be called as some inner node is.

    Args:
        heads: parents first; a child may use its parent's probabilities.
        centers: prototypes of the classes, shape (prototypes, dimensions).
        path: the file.
    """
    position = {head.task.name: place for place, head in enumerate(heads)}
    steps = float(np.abs(centers).max()) / 127
    weights = {"step": np.array(steps), "zero": np.zeros(()), "one": np.ones(())}
    halves = {}
    nodes = []
    for place, head in enumerate(heads):
        halves[f"half_{place}"] = head.weight / head.temperature
        weights[f"bias_{place}"] = head.bias / head.temperature
        features = "vector"
        if head.uses_parent:
            features, parent = f"features_{place}", f"probabilities_{position[str(head.task.parent)]}"
            nodes.append(helper.make_node("Concat", ["vector", parent], [features], axis=1))
        nodes.append(helper.make_node("Cast", [f"half_{place}"], [f"weight_{place}"], to=TensorProto.FLOAT))
        inputs = [features, f"weight_{place}", f"bias_{place}"]
        nodes.append(helper.make_node("Gemm", inputs, [f"logits_{place}"], transB=1))
        nodes.append(helper.make_node("Softmax", [f"logits_{place}"], [f"probabilities_{place}"], axis=1))
    packed = numpy_helper.from_array(np.rint(centers.T / steps).astype(np.int8), "centers")
    axes = numpy_helper.from_array(np.array([1]), "axes")
    nodes += [
        helper.make_node("DequantizeLinear", ["centers", "step"], ["prototypes"]),
        helper.make_node("MatMul", ["vector", "prototypes"], ["cosines"]),
        helper.make_node("ReduceMax", ["cosines", "axes"], ["nearest"], keepdims=0),
        helper.make_node("Clip", ["nearest", "zero", "one"], ["scope_score"]),
    ]
    outputs = [_value(f"probabilities_{place}", len(head.bias)) for place, head in enumerate(heads)]
    graph = helper.make_graph(
        nodes,
        "heads",
        [_value("vector", centers.shape[1])],
        [*outputs, _value("scope_score")],
        [
            axes,
            packed,
            *(numpy_helper.from_array(np.asarray(w, dtype=np.float32), name) for name, w in weights.items()),
            *(numpy_helper.from_array(np.asarray(w, dtype=np.float16), name) for name, w in halves.items()),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def _value(name: str, *sizes: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", *sizes])
