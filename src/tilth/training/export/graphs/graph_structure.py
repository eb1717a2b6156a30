"""A trunk's graph without its weights: traced once an architecture, and filled with the weights of each trunk.

A trace takes seconds and rests on the architecture alone. Which weight stands where, as it is or transposed, is seen by
tracing a copy whose weights are random, so that no two are equal. A filled graph is used only where it answers as the
trunk does. The structures of the default encoder, and of what stands for no encoder, are part of the package
(`tools/trace_structures.py` wrote them).
"""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx
import onnxruntime
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from torch import nn

from tilth.store import atomic, digest, digest_json, digest_made_by, used

log = logging.getLogger(__name__)

PACKAGED = Path(__file__).with_name("traced")
"""Structures that come with the package, by architecture."""

Trace: TypeAlias = Callable[[nn.Module, Path], None]

_WEIGHTS = "weights"
"""The structure's property that says which initializer is which of the trunk's weights, and whether transposed."""
_CLOSE = 1e-4
"""How far a value of a vector of length 1 may lie from the trunk's: float sums in another order differ by 1e-6."""
_SIZES = frozenset(("training", "in_features", "out_features", "num_embeddings", "embedding_dim", "padding_idx"))
_VOLATILE = frozenset(
    (
        "_name_or_path",
        "name_or_path",
        "architectures",
        "transformers_version",
        "dtype",
        "torch_dtype",
        "vocab_size",
        "pad_token_id",
    )
)

_structures: dict[str, onnx.ModelProto] = {}
"""Of this process, by architecture."""


def architecture(trunk: nn.Module) -> str:
    """What a trunk's graph rests on beside its weights: the modules, their settings and shapes, and the model's config.

    How many pieces the vocabulary has is no part of it: the graph of another vocabulary has another table.
    """
    modules = [[name, type(module).__name__, _settings(module)] for name, module in trunk.named_modules()]
    config = getattr(getattr(trunk, "model", None), "config", None)
    values = {} if config is None else {k: v for k, v in config.to_diff_dict().items() if k not in _VOLATILE}
    tables = {f"{name}.weight" for name, module in trunk.named_modules() if isinstance(module, nn.Embedding)}
    shapes = {k: list(v.shape)[1 if k in tables else 0 :] for k, v in trunk.state_dict().items() if torch.is_tensor(v)}
    return digest_json([modules, shapes, json.loads(json.dumps(values, default=str))])


def _settings(module: nn.Module) -> dict[str, Any]:
    """Plain values that a module was built with."""
    values = {name: value for name, value in vars(module).items() if isinstance(value, bool | int | float | str)}
    return {
        name: value
        for name, value in sorted(values.items())
        if not name.startswith("_") and name not in {*_SIZES, *_VOLATILE}
    }


def write_trunk(trunk: nn.Module, path: Path, trace: Trace, cache: Callable[[str], Path] | None) -> None:
    """Write a trunk's float graph.

    Args:
        trunk: in evaluation mode.
        path: the file.
        trace: writes a trunk's graph by tracing it.
        cache: gives the folder of a key in which the structure of another architecture is kept.
    """
    kind = architecture(trunk)
    structure = _known(kind, cache)
    if structure is None:
        structure = _structures[kind] = trace_structure(trunk, path, trace)
        if cache is not None:
            with atomic(_cached(kind, cache)) as temporary:
                onnx.save(structure, temporary)
    if (filled := fill(structure, trunk)) is not None:
        onnx.save(filled, path)
        del filled  # ONNX Runtime holds the weights once more
        if _answers_alike(path, trunk):
            return
    log.info("the graph of %s does not take weights by their names: it is traced", type(trunk).__name__)
    trace(trunk, path)


def _known(kind: str, cache: Callable[[str], Path] | None) -> onnx.ModelProto | None:
    if kind in _structures:
        return _structures[kind]
    places = [PACKAGED / f"{kind}.onnx", *([_cached(kind, cache)] if cache is not None else [])]
    for place in places:
        try:
            model = onnx.load(place)
            _weights(model)
        except FileNotFoundError:
            continue
        except (DecodeError, LookupError, ValueError) as error:
            log.warning("cache file %s is damaged (%s): it is made again", place.name, error)
            continue
        if place.parent != PACKAGED:
            used(place.parent)
        _structures[kind] = model
        return model
    return None


def _cached(kind: str, cache: Callable[[str], Path]) -> Path:
    code = digest_made_by((Path(__file__), Path(__file__).with_name("onnx_graphs.py")), ("torch", "onnxscript"))
    return cache(digest(kind, code)) / "structure.onnx"


def trace_structure(trunk: nn.Module, path: Path, trace: Trace) -> onnx.ModelProto:
    """The graph of an architecture, with the names of the weights in place of their values.

    Args:
        trunk: one of the architecture; its weights do not count.
        path: a file that may be written.
        trace: writes a trunk's graph by tracing it.
    """
    other = copy.deepcopy(trunk).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in other.state_dict().values():
            if value.is_floating_point():
                value.copy_(torch.randn(value.shape, generator=generator) * 0.05)
    trace(other, path)
    model = onnx.load(path)
    strip_notes(model)
    places: dict[tuple[tuple[int, ...], bytes], tuple[str, bool]] = {}
    for name, value in _arrays(other).items():
        if value.ndim == 2:
            places.setdefault(_content(value.T), (name, True))
        places[_content(value)] = (name, False)
    weights = {}
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and (at := places.get(_content(numpy_helper.to_array(tensor)))):
            weights[tensor.name] = at
    for field in (model.graph.initializer, model.graph.value_info):  # shapes, too, but those of weights
        kept = [one for one in field if one.name not in weights]
        del field[:]
        field.extend(kept)
    model.metadata_props.add(key=_WEIGHTS, value=json.dumps(weights))
    return model


def strip_notes(model: onnx.ModelProto) -> None:
    """Leave out what the exporter notes of each node: the stack of Python calls it came from."""
    model.doc_string = ""
    del model.metadata_props[:], model.graph.metadata_props[:]
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    graph = model.graph
    for value in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
        value.doc_string = ""
        del value.metadata_props[:]


def fill(structure: onnx.ModelProto, trunk: nn.Module) -> onnx.ModelProto | None:
    """A structure with a trunk's weights; None where the trunk has no weight of a name."""
    model, values = onnx.ModelProto(), _arrays(trunk)
    model.CopyFrom(structure)
    del model.metadata_props[:]
    for name, (weight, transposed) in _weights(structure).items():
        if weight not in values or (transposed and values[weight].ndim != 2):
            return None
        value = values[weight].T if transposed else values[weight]
        model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
    return model


def _weights(structure: onnx.ModelProto) -> dict[str, tuple[str, bool]]:
    found = {one.key: one.value for one in structure.metadata_props}
    weights: dict[str, tuple[str, bool]] = json.loads(found[_WEIGHTS])
    return weights


def _arrays(trunk: nn.Module) -> dict[str, np.ndarray]:
    values = {name: value.detach() for name, value in trunk.state_dict().items() if torch.is_tensor(value)}
    return {name: value.float().cpu().numpy() for name, value in values.items() if value.is_floating_point()}


def _content(value: np.ndarray) -> tuple[tuple[int, ...], bytes]:
    return value.shape, digest(np.ascontiguousarray(value).tobytes()).encode()


def _answers_alike(path: Path, trunk: nn.Module) -> bool:
    """Whether a graph gives a trunk's vectors, of rows of several lengths."""
    table = next((module for module in trunk.modules() if isinstance(module, nn.Embedding)), None)
    pieces = table.num_embeddings if table is not None else 1
    ids = np.arange(3 * 5, dtype=np.int64).reshape(3, 5) % pieces
    mask = np.array([[1] * 5, [1] * 4 + [0], [1, 1, 0, 0, 0]], dtype=np.int64)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        (vectors,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
    except Exception as error:  # ONNX Runtime has an error class a reason; each of them means that it does not fit
        log.debug("a filled graph cannot be run: %s", error)
        return False
    with torch.inference_mode():
        expected = trunk(torch.from_numpy(ids), torch.from_numpy(mask)).float().cpu().numpy()
    return vectors.shape == expected.shape and bool(np.abs(vectors - expected).max() <= _CLOSE)
