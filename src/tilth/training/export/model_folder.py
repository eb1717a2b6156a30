"""The model folder: ONNX with int8 weights where they answer as float does, the tokenizer, and the settings."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tilth.learn.encoder import Tokens, WindowedTrunk
from tilth.training.export.folder import BY_PASSAGES, BY_TORCH, VERSION, write_digests
from tilth.training.export.graphs import QUANTIZED, TrunkGraphs, write_heads
from tilth.training.export.packed import (
    PASSAGES,
    WEIGHTS,
    WORDING,
    PackedGraph,
    PackedPassages,
    PackedWording,
    Scope,
    save_weights,
)
from tilth.training.export.predictor import Predictor
from tilth.training.export.torch_trunk import save_trunk
from tilth.training.heads import Head

log = logging.getLogger(__name__)


def export(
    folder: Path,
    *,
    trunk: TrunkGraphs | PackedGraph | WindowedTrunk,
    source: Path,
    heads: Sequence[Head],
    centers: np.ndarray,
    max_tokens: int,
    max_chunks: int,
    probe: Sequence[str],
    agreement: float,
    quantize: bool,
    wording: PackedWording | None = None,
    scope: Scope | None = None,
    passages: PackedPassages | None = None,
) -> dict[str, Any]:
    """Write a model folder that `Predictor.load` reads.

    Args:
        folder: a new folder.
        trunk: the encoder, frozen or tuned; a packed one is written as it is, and one that reads by windows as weights
            that torch runs.
        source: the encoder's own folder, for its tokenizer.
        heads: parents first.
        centers: prototypes of the classes, shape (prototypes, dimensions).
        max_tokens: longer texts are read in chunks of this.
        max_chunks: chunks of a text at most; of a longer one, evenly spaced ones are read.
        probe: train rows on which int8 and float are compared.
        agreement: the share of them on which int8 must give float's labels for every task.
        quantize: whether int8 is tried at all.
        wording: the heads that read a text's wording, where it has them.
        scope: how the out-of-scope score is scaled; None leaves it the largest cosine to a prototype.
        passages: how the passages of long texts are weighed; None reads these in chunks.

    Returns:
        `weights` (what was exported), `bytes_float`, `bytes`, `agreement` of each kind tried; `run_by`, where
        it is no ONNX graph.
    """
    folder.mkdir(parents=True)
    write_heads(heads, centers, folder / "heads.onnx")
    tokens = Tokens.load(source)
    tokens.tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    settings = _settings(heads, source, tokens, len(centers[0]), max_tokens, max_chunks)
    settings |= {"wording": wording is not None, "packed": isinstance(trunk, PackedGraph)}
    if isinstance(trunk, WindowedTrunk):
        settings |= {"version": BY_TORCH, "windows": save_trunk(trunk, folder)}
    _write_settings(folder, settings, wording, scope, passages)
    if isinstance(trunk, WindowedTrunk):
        write_digests(folder)
        return {"weights": "float32", "run_by": "torch", "bytes": sum(path.stat().st_size for path in folder.iterdir())}
    model = folder / "model.onnx"
    if isinstance(trunk, PackedGraph):
        shutil.copyfile(trunk.graph, model)
        save_weights(folder / WEIGHTS, trunk.weights)
        write_digests(folder)
        return {"weights": "packed", "bytes": sum(path.stat().st_size for path in folder.iterdir())}
    shutil.copyfile(trunk.get("float32"), model)
    size = model.stat().st_size
    kept, tried = _quantize(folder, trunk, probe, agreement) if quantize else ("float32", {})
    write_digests(folder)
    return {
        "weights": kept,
        "bytes_float": size,
        "bytes": model.stat().st_size,
        "agreement": tried,
        "probed_rows": len(probe),
    }


def _write_settings(
    folder: Path,
    settings: dict[str, Any],
    wording: PackedWording | None,
    scope: Scope | None,
    passages: PackedPassages | None,
) -> None:
    """`tilth.json`, and a file of each part beside the encoder that it names."""
    if scope is not None:
        settings["scope"] = scope.to_json()
    if passages is not None:
        settings |= {"version": BY_PASSAGES, "passages": True}
        passages.save(folder / PASSAGES)
    if wording is not None:
        wording.save(folder / WORDING)
    (folder / "tilth.json").write_text(json.dumps(settings, indent=1, ensure_ascii=False), encoding="utf-8")


def _settings(
    heads: Sequence[Head], source: Path, tokens: Tokens, dimensions: int, max_tokens: int, max_chunks: int
) -> dict[str, Any]:
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    most = int(config.get("max_position_embeddings") or max_tokens)
    return {
        "version": VERSION,
        "tasks": [{**head.task.to_json(), "temperature": head.temperature} for head in heads],
        "max_tokens": min(max_tokens, most),
        "max_chunks": max_chunks,
        "dimensions": dimensions,
        "batched": True,  # float products and those of `quantize` depend on no neighbor in a batch
        "prefix": tokens.prefix,
        "suffix": tokens.suffix,
    }


def _quantize(folder: Path, trunk: TrunkGraphs, probe: Sequence[str], agreement: float) -> tuple[str, dict[str, float]]:
    """Replace the float `model.onnx` by the smallest kind that agrees with it, if one does."""
    model, tried = folder / "model.onnx", {}
    truth = Predictor(folder).answers(probe).codes
    for kind in QUANTIZED:
        shutil.copyfile(trunk.get(kind), model)
        codes = Predictor(folder).answers(probe).codes
        same = np.all([codes[task] == truth[task] for task in truth], axis=0)
        tried[kind] = round(float(same.mean()), 4)
        if tried[kind] >= agreement:
            return kind, tried
    log.warning("int8 weights agree with float on %s of the probed rows, below %s: float is kept", tried, agreement)
    shutil.copyfile(trunk.get("float32"), model)
    return "float32", tried
