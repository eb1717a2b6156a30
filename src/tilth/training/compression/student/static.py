"""The far end of the frontier: a vector for each piece, and a weighted mean of them. No layer is left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tilth.learn.encoder import Tokens, Trunk
from tilth.samples import Task
from tilth.training.heads import Head

_BATCH = 256


class StaticTrunk(nn.Module):
    """Tokens to the L2-normalized weighted mean of their vectors, as model2vec does it.

    Args:
        vectors: of each piece, shape (pieces, dimensions).
    """

    def __init__(self, vectors: torch.Tensor) -> None:
        super().__init__()
        self.pieces = nn.Embedding.from_pretrained(vectors, freeze=False)
        self.weights = nn.Embedding.from_pretrained(torch.zeros(len(vectors), 1), freeze=False)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Vectors of length 1, shape (rows, dimensions)."""
        weights = torch.exp(self.weights(input_ids)) * attention_mask.unsqueeze(-1).float()
        return nn.functional.normalize((self.pieces(input_ids) * weights).sum(1) / weights.sum(1), dim=1)


def static_trunk(teacher: Trunk, folder: Path) -> StaticTrunk:
    """A static model to start distillation from: each piece is what the teacher makes of it alone.

    Args:
        teacher: the encoder, with the vocabulary that is kept.
        folder: of its tokenizer.
    """
    tokens = Tokens.load(folder)
    count, parts = teacher.model.get_input_embeddings().num_embeddings, []
    with torch.inference_mode():
        for start in range(0, count, _BATCH):
            ids = [[*tokens.prefix, piece, *tokens.suffix] for piece in range(start, min(start + _BATCH, count))]
            parts.append(teacher(*tokens.batch(ids)).float())
    found = StaticTrunk(torch.cat(parts).clone())
    with torch.no_grad():  # what stands around every text says nothing of it
        found.weights.weight[[*tokens.prefix, *tokens.suffix]] = -4.0
    return found


def no_encoder(tasks: Sequence[Task], tokenizer: Path) -> tuple[StaticTrunk, list[Head]]:
    """What stands in the place of an encoder: every text has one vector of one dimension, every class is as likely.

    Args:
        tasks: each gets a head.
        tokenizer: the folder of the tokenizer that the model keeps.
    """
    trunk = StaticTrunk(torch.ones((Tokens.load(tokenizer).tokenizer.get_vocab_size(), 1))).eval()
    heads = [
        Head(task=task, weight=np.zeros((len(task.labels), 1), np.float32), bias=np.zeros(len(task.labels), np.float32))
        for task in tasks
    ]
    return trunk, heads
