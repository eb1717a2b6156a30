"""The encoder as a torch module: tokens in, one vector a text out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn
from transformers import AutoModel

from tilth.devices import autocast
from tilth.learn.encoder.tokenizer import Tokens


class Trunk(nn.Module):
    """Tokens to one L2-normalized vector a row, pooled as the model was trained."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        # Eager attention is plain matrix products, which ONNX quantization knows.
        self.model = AutoModel.from_pretrained(folder, attn_implementation="eager")
        path = folder / "1_Pooling" / "config.json"
        pooling = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        self.first_token = bool(pooling.get("pooling_mode_cls_token"))

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Vectors of length 1, shape (rows, dimensions)."""
        hidden = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state.float()
        if self.first_token:
            return nn.functional.normalize(hidden[:, 0], dim=1)
        weights = attention_mask.unsqueeze(-1).float()
        return nn.functional.normalize((hidden * weights).sum(1) / weights.sum(1), dim=1)


def encode_with_trunk(trunk: Trunk, folder: Path, texts: Sequence[str], limit: int, most: int) -> np.ndarray:
    """Vectors of the texts under a tuned trunk, float32, shape (texts, dimensions).

    Longer texts are read in chunks of `limit` tokens, `most` of them at most, and weighed by their tokens, as the
    exported model does it; by a trunk that reads by windows, in one pass, as many chunks of its span at most.
    """
    if not texts:
        raise ValueError("no texts to encode")
    tokens = Tokens.load(folder)
    span: int | None = getattr(trunk, "span", None)
    owner, chunks = tokens.chunks(texts, limit, most) if span is None else tokens.pieces(texts, span, most)
    around = len(tokens.prefix) + len(tokens.suffix)
    order = np.argsort([len(ids) for ids in chunks], kind="stable")
    sums: np.ndarray | None = None
    for start in range(0, len(order), 32):
        batch = [int(place) for place in order[start : start + 32]]
        with torch.inference_mode(), autocast():
            vectors = trunk(*tokens.batch([chunks[place] for place in batch])).float().numpy()
        sums = np.zeros((len(texts), vectors.shape[1])) if sums is None else sums
        lengths = np.array([max(len(chunks[place]) - around, 1) for place in batch], dtype=np.float64)[:, None]
        np.add.at(sums, [owner[place] for place in batch], vectors * lengths)
    assert sums is not None  # there is a text, and each has a chunk
    return (sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)).astype(np.float32)
