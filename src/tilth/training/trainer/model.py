"""What is trained: the encoder, or its top layers, and a linear layer for each task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import nn

from tilth.learn.encoder import LongTexts, Tokens, Trunk, new_trunk
from tilth.training.heads import HEADS, Head


class TrainedPart(Protocol):
    """The layers that are trained, and what they read of each text.

    Attributes:
        module: values and a mask to vectors of length 1.
        lengths: tokens of each text.
    """

    module: nn.Module
    lengths: Sequence[int]

    def batch(self, rows: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """What the module reads of these texts: values, and a mask, int64, shape (rows, longest)."""
        ...

    def trunk(self, module: nn.Module) -> nn.Module:
        """The whole encoder, of texts a `Trunk`, with the trained module in its place."""
        ...


class AllLayers:
    """The whole encoder, which reads token ids; of a text that is longer than the limit, its beginning."""

    def __init__(
        self,
        folder: Path,
        texts: Sequence[str],
        max_tokens: int,
        head: str = "linear",
        long_texts: LongTexts | None = None,
    ) -> None:
        self._tokens = Tokens.load(folder)
        self._encoded = self._tokens.chunks(texts, max_tokens, 1)[1]
        self.lengths: Sequence[int] = [len(ids) for ids in self._encoded]
        self.module: nn.Module = HEADS[head](new_trunk(folder, long_texts))

    def batch(self, rows: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Token ids and their mask."""
        return self._tokens.batch([self._encoded[row] for row in rows])

    def trunk(self, module: nn.Module) -> Trunk:
        """The module itself."""
        assert isinstance(module, Trunk)
        return module


class TrainedModel(nn.Module):
    """The trained part and a linear layer a task: values and a mask to vectors, and to logits by task."""

    def __init__(self, trunk: nn.Module, heads: Sequence[Head]) -> None:
        super().__init__()
        self.trunk, self.heads = trunk, nn.ModuleList(_linear(head) for head in heads)

    def forward(self, values: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Vectors, shape (rows, dimensions), and each task's logits, shape (rows, labels)."""
        vectors = self.trunk(values, mask).float()
        with torch.autocast(vectors.device.type, enabled=False):  # few products, and the loss rests on them
            return vectors, [head(vectors) for head in self.heads]


def _linear(head: Head) -> nn.Linear:
    layer = nn.Linear(head.weight.shape[1], len(head.task.labels))
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(head.weight))
        layer.bias.copy_(torch.from_numpy(np.maximum(head.bias, -10)))
    return layer
