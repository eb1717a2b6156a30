"""The model folder: ONNX with int8 weights where they answer as float does, the tokenizer, and the settings."""

from __future__ import annotations

import json
import logging
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer
from torch import nn

from tilth.training.heads import Head
from tilth.training.predictor import VERSION, Predictor
from tilth.training.trunk import Trunk

log = logging.getLogger(__name__)


class Heads(nn.Module):
    """All heads as one graph: an embedding to each task's calibrated probabilities, and the scope score."""

    def __init__(self, heads: Sequence[Head], centers: np.ndarray) -> None:
        super().__init__()
        self.heads = list(heads)
        for position, head in enumerate(heads):
            self.register_buffer(f"weight_{position}", torch.from_numpy(head.weight / head.temperature).float())
            self.register_buffer(f"bias_{position}", torch.from_numpy(head.bias / head.temperature).float())
        self.register_buffer("centers", torch.from_numpy(centers))

    def forward(self, embedding: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Probabilities of each task, then the largest cosine to a class's center, clipped to 0..1."""
        found: dict[str, torch.Tensor] = {}
        for position, head in enumerate(self.heads):
            features = torch.cat([embedding, found[str(head.task.parent)]], 1) if head.hears_parent else embedding
            logits = features @ getattr(self, f"weight_{position}").T + getattr(self, f"bias_{position}")
            found[head.task.name] = logits.softmax(1)
        scope = (embedding @ self.get_buffer("centers").T).amax(1).clamp(0, 1)
        return (*found.values(), scope)


def export(
    folder: Path,
    *,
    trunk: Trunk,
    source: Path,
    heads: Sequence[Head],
    centers: np.ndarray,
    max_tokens: int,
    max_chunks: int,
    probe: Sequence[str],
    agreement: float,
    quantize: bool,
) -> dict[str, Any]:
    """Write a model folder that `Predictor.load` reads.

    Args:
        folder: a new folder.
        trunk: the encoder, frozen or tuned.
        source: the encoder's own folder, for its tokenizer.
        heads: parents first.
        centers: of the classes, shape (classes, dimensions).
        max_tokens: longer texts are read in chunks of this.
        max_chunks: chunks of a text at most; of a longer one, evenly spaced ones are read.
        probe: train rows on which int8 and float are compared.
        agreement: the share of them on which int8 must give float's labels for every task.
        quantize: whether int8 is tried at all.

    Returns:
        `weights` (what was exported), `bytes_float`, `bytes`, `agreement` of each kind tried.
    """
    folder.mkdir(parents=True)
    dimensions = len(centers[0])
    _graph(trunk.eval(), folder / "model.onnx", ("input_ids", "attention_mask"), ["sentence_vector"], _example())
    # Names of our own: a task may be called as some inner node is.
    names = [f"probabilities_{position}" for position in range(len(heads))]
    graph = Heads(heads, centers).eval()
    _graph(graph, folder / "heads.onnx", ("vector",), [*names, "scope_score"], (torch.eye(dimensions)[:2],))
    shutil.copyfile(source / "tokenizer.json", folder / "tokenizer.json")
    (folder / "tilth.json").write_text(
        json.dumps(_settings(heads, source, dimensions, max_tokens, max_chunks), indent=1, ensure_ascii=False),
        encoding="utf-8",
    )
    size = (folder / "model.onnx").stat().st_size
    kept, tried = _quantize(folder, probe, agreement) if quantize else ("float32", {})
    return {
        "weights": kept,
        "bytes_float": size,
        "bytes": (folder / "model.onnx").stat().st_size,
        "agreement": tried,
        "probed_rows": len(probe),
    }


def _settings(heads: Sequence[Head], source: Path, dimensions: int, max_tokens: int, max_chunks: int) -> dict[str, Any]:
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    tokenizer.no_padding()
    whole, plain = tokenizer.encode("a").ids, tokenizer.encode("a", add_special_tokens=False).ids
    start = next((i for i in range(len(whole)) if whole[i : i + len(plain)] == plain), 0)
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    most = int(config.get("max_position_embeddings") or max_tokens)
    return {
        "version": VERSION,
        "tasks": [{**head.task.to_json(), "temperature": head.temperature} for head in heads],
        "max_tokens": min(max_tokens, most),
        "max_chunks": max_chunks,
        "dimensions": dimensions,
        "prefix": whole[:start],
        "suffix": whole[start + len(plain) :],
    }


def _example() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.ones((2, 7), dtype=torch.long), torch.ones((2, 7), dtype=torch.long)


def _graph(module: nn.Module, path: Path, inputs: Sequence[str], outputs: list[str], example: tuple[Any, ...]) -> None:
    rows, length = torch.export.Dim("rows"), torch.export.Dim("length")
    shapes = tuple({0: rows, 1: length} if len(inputs) == 2 else {0: rows} for _ in inputs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            example,
            str(path),
            input_names=list(inputs),
            output_names=outputs,
            dynamic_shapes=shapes,
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def _quantize(folder: Path, probe: Sequence[str], agreement: float) -> tuple[str, dict[str, float]]:
    """Replace `model.onnx` by the smallest kind that agrees with float; what is left beside it is removed."""
    model, tried = folder / "model.onnx", {}
    truth = Predictor(folder).answers(probe).codes
    full = folder / "float.onnx"
    model.replace(full)
    kept = "float32"
    for kind, operators in (("int8", None), ("int8 products, float embeddings", ["MatMul", "Gemm"])):
        quantize_dynamic(full, model, op_types_to_quantize=operators, per_channel=True, weight_type=QuantType.QInt8)
        codes = Predictor(folder).answers(probe).codes
        same = np.all([codes[task] == truth[task] for task in truth], axis=0)
        tried[kind] = round(float(same.mean()), 4)
        if tried[kind] >= agreement:
            kept = kind
            break
    if kept == "float32":
        log.warning("int8 weights agree with float on %s of the probed rows, below %s: float is kept", tried, agreement)
        full.replace(model)
    else:
        full.unlink()
    return kept, tried
