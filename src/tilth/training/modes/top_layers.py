"""Training of the top layers alone: what the layers below make of each text is computed once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tilth.devices import autocast
from tilth.learn.encoder import LongTexts, Tokens, Trunk, WindowedTrunk, new_trunk
from tilth.training.modes.cut_layers import Kept, Reached, caught, given, stacked_layers

_BATCH = 32


class TopLayers:
    """The top layers of an encoder; those below and the embeddings stay as they are, and are read from their output.

    What the layers below say of a token is kept in float16, 768 bytes a token of 384 dimensions. `chunked` are the
    places of the texts that are longer than the limit.

    Args:
        folder: the encoder's model folder.
        texts: what is trained on; of one that is longer than the limit, its beginning.
        max_tokens: the limit.
        count: layers that are trained; of an encoder that has fewer, all.
        kept: the cache for the activations of these texts.
        long_texts: how the encoder reads texts beyond its span, where the limit lets any through.

    Raises:
        ConfigError: the encoder has no list of layers.
    """

    def __init__(
        self,
        folder: Path,
        texts: Sequence[str],
        max_tokens: int,
        count: int,
        kept: Kept,
        long_texts: LongTexts | None = None,
    ) -> None:
        self._trunk = new_trunk(folder, long_texts)
        self._owner, self._name, self._layers = stacked_layers(self._trunk.model, str(folder))
        self._below = max(len(self._layers) - count, 0)
        tokens = Tokens.load(folder)
        owner, chunks = tokens.chunks(texts, max_tokens, 2)
        first = np.unique(owner, return_index=True)[1].tolist()
        encoded = [chunks[place] for place in first]
        self.chunked = [text for text, count in enumerate(np.bincount(owner).tolist()) if count > 1]
        self.lengths: Sequence[int] = [len(ids) for ids in encoded]
        self._starts = np.cumsum([0, *self.lengths])
        self._states = kept(lambda: {"states": self._activations(tokens, encoded)})["states"]
        self._trunk.requires_grad_(False)
        self._layers[self._below :].requires_grad_(True)
        self.module: nn.Module = self._cut()

    def batch(self, rows: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """What the lowest trained layer reads, float32, shape (rows, longest, dimensions), and its mask."""
        longest = max(self.lengths[row] for row in rows)
        states = np.zeros((len(rows), longest, self._states.shape[1]), dtype=np.float32)
        mask = np.zeros((len(rows), longest), dtype=np.int64)
        for place, row in enumerate(rows):
            states[place, : self.lengths[row]] = self._states[self._starts[row] : self._starts[row + 1]]
            mask[place, : self.lengths[row]] = 1
        return torch.from_numpy(states), torch.from_numpy(mask)

    def trunk(self, module: nn.Module) -> Trunk:
        """The whole encoder: its lower layers, and the trained ones above them."""
        self._mend(module)
        return self._trunk.requires_grad_(True)

    def vectors(self) -> np.ndarray:
        """The texts' vectors by the layers as they are trained, float32, shape (texts, dimensions)."""
        cut = self._cut().eval()
        found: np.ndarray | None = None
        for batch in self._batches():
            with torch.inference_mode(), autocast():
                values = cut(*self.batch(batch)).float().numpy()
            found = np.zeros((len(self.lengths), values.shape[1]), dtype=np.float32) if found is None else found
            found[batch] = values
        self._mend(cut)
        assert found is not None  # there is a text to train on
        return found

    def _batches(self) -> Iterator[list[int]]:
        """Texts of like length; one that is read by windows is alone."""
        span, order = getattr(self._trunk, "span", None), np.argsort(self.lengths, kind="stable").tolist()
        together = len(order) if span is None else int((np.array(self.lengths) <= span).sum())
        for start in range(0, together, _BATCH):
            yield order[start : min(start + _BATCH, together)]
        yield from ([place] for place in order[together:])

    def _cut(self) -> nn.Module:
        setattr(self._owner, self._name, self._layers[self._below :])
        return _Cut(self._trunk, self._layers[self._below])

    def _mend(self, module: nn.Module) -> None:
        assert isinstance(module, _Cut)
        module.hook.remove()
        setattr(self._owner, self._name, self._layers)

    def _activations(self, tokens: Tokens, encoded: Sequence[list[int]]) -> np.ndarray:
        """The states of all texts' tokens, one text after the other, float16, shape (tokens, dimensions)."""
        found: list[torch.Tensor] = []
        hook = self._layers[self._below].register_forward_pre_hook(caught(found), with_kwargs=True)
        states: np.ndarray | None = None
        for batch in self._batches():
            try:
                with torch.inference_mode(), autocast():
                    self._trunk.eval()(*tokens.batch([encoded[row] for row in batch]))
            except Reached:
                values = found.pop().float().numpy().astype(np.float16)
            if states is None:
                states = np.zeros((self._starts[-1], values.shape[-1]), dtype=np.float16)
            for row, value in zip(batch, values, strict=True):
                states[self._starts[row] : self._starts[row + 1]] = value[: self.lengths[row]]
        hook.remove()
        assert states is not None  # there is a text to train on
        return states


class _Cut(nn.Module):
    """An encoder whose first remaining layer reads given states in place of the embeddings."""

    def __init__(self, trunk: Trunk, first: nn.Module) -> None:
        super().__init__()
        self.whole, self._states = trunk, torch.zeros(0)
        self.hook = first.register_forward_pre_hook(self._given, with_kwargs=True)

    @property
    def model(self) -> nn.Module:
        """The transformer."""
        return self.whole.model

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Vectors of length 1, shape (rows, dimensions)."""
        if isinstance(self.whole, WindowedTrunk):
            return self.whole.apart(self._read, states, mask)
        return self._read(states, mask)

    def _read(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        self._states = states
        # Positions, masks and pooling are the model's own; the embeddings of any token pass unread.
        read = self.whole.read if isinstance(self.whole, WindowedTrunk) else self.whole
        vectors: torch.Tensor = read(torch.zeros_like(mask), mask)
        return vectors

    def _given(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return given(self._states, args, kwargs)
