"""The encoder as a torch module that reads a long text in one pass, by windows, in training as when it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import normalize
from torch.utils.checkpoint import checkpoint

from tilth.learn.encoder.attention import LongReader
from tilth.learn.encoder.tokenizer import Tokens
from tilth.learn.encoder.trunk import Trunk

if TYPE_CHECKING:
    from tilth.config import EncoderConfig


@dataclass(frozen=True, kw_only=True)
class LongTexts:
    """How texts are read that are longer than what a trunk reads at once.

    Attributes:
        window: tokens that a block sees on average.
        span: tokens, special ones included, up to which attention is full.
        around: special tokens before and after a text.
    """

    window: int
    span: int
    around: tuple[int, int]

    @classmethod
    def of(cls, config: EncoderConfig, folder: Path) -> LongTexts | None:
        """As the encoder of these settings reads them; None where it cuts them into chunks."""
        if config.attention == "full":
            return None
        tokens = Tokens.load(folder)
        around = len(tokens.prefix), len(tokens.suffix)
        return cls(window=config.window, span=config.max_tokens, around=around)


class WindowedTrunk(Trunk):
    """A trunk whose vectors of long texts are those of an `Encoder` with dynamic attention.

    Each long row is read alone, so that it depends on no neighbor; where it is trained, its states are computed again
    for the gradient, so that memory holds those of one long text at a time.

    Args:
        folder: the model's files.
        long_texts: how texts beyond its span are read.

    Raises:
        ConfigError: the model's attention cannot be replaced.
    """

    def __init__(self, folder: Path, long_texts: LongTexts) -> None:
        super().__init__(folder)
        self.long_texts, self.span = long_texts, long_texts.span
        self._reader = LongReader(self.model, window=long_texts.window, span=long_texts.span)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Vectors of length 1, shape (rows, dimensions)."""
        return self.apart(self.read, input_ids, attention_mask)

    def apart(
        self, read: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], values: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        """Rows up to the span together, each longer one alone.

        Args:
            read: values and a mask, both cut to the longest of their rows, to vectors.
            values: of the rows' tokens, shape (rows, longest, …).
            mask: int64, shape (rows, longest).
        """
        lengths = mask.sum(dim=1)
        long = (lengths > self.span).nonzero()[:, 0]
        short = (lengths <= self.span).nonzero()[:, 0]
        found = []
        if len(short):
            longest = int(lengths[short].max())
            found.append(read(values[short, :longest], mask[short, :longest]))
        for row, length in zip(long.tolist(), lengths[long].tolist(), strict=True):
            one = values[row : row + 1, :length], mask[row : row + 1, :length]
            again = self.training and torch.is_grad_enabled()
            found.append(checkpoint(read, *one, use_reentrant=False) if again else read(*one))
        return torch.cat(found)[torch.cat([short, long]).argsort()]

    def read(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Vectors of rows up to the span, or of one longer row."""
        if input_ids.shape[1] <= self.span:
            return super().forward(input_ids, attention_mask)
        states = self._reader.states(input_ids[0].tolist(), self.long_texts.around).float()
        return normalize(states[:1] if self.first_token else states.mean(dim=0, keepdim=True), dim=1)


def new_trunk(folder: Path, long_texts: LongTexts | None) -> Trunk:
    """A trunk of a model's files, which reads long texts by windows where it is said how."""
    return Trunk(folder) if long_texts is None else WindowedTrunk(folder, long_texts)
