"""Training of the top layers of a model of pictures: what the layers below make of each picture is computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from tilth.progress import report
from tilth.training.modes.cut_layers import Kept, Reached, caught, given, stacked_layers

_BATCH = 16


class PictureLayers:
    """The top layers of a model of pictures; those below stay as they are, and are read from their output.

    Statistics of batch normalizations stay as they came, for a batch of a few pictures is no measure of a workspace's.

    Args:
        model: from pixels to vectors that are not normalized, in evaluation mode; it is changed in place.
        pixels: gives one picture by its place as the model reads it, float32, shape (3, side, side).
        pictures: how many there are.
        count: layers that are trained; of a model that has fewer, all.
        kept: the cache for what the lower layers make of these pictures.

    Raises:
        ConfigError: the model has no list of layers.
    """

    def __init__(
        self, model: nn.Module, pixels: Callable[[int], np.ndarray], pictures: int, count: int, kept: Kept
    ) -> None:
        self._model, self._pixels = model, pixels
        self._owner, self._name, self._layers = stacked_layers(model, "image.model")
        self._below = max(len(self._layers) - count, 0)
        self.lengths: Sequence[int] = [1] * pictures
        self._states = kept(lambda: {"states": self._activations(pictures)})["states"]
        lowest, trained = next(self._layers[self._below].parameters()), False
        for parameter in model.parameters():  # what is defined after the layers is read after them
            trained = trained or parameter is lowest
            parameter.requires_grad_(trained)
        self.module: nn.Module = self._cut()

    def batch(self, rows: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """What the lowest trained layer reads, float32, and a mask of nothing but ones, shape (rows, 1)."""
        states = torch.from_numpy(self._states[list(rows)].astype(np.float32))
        return states, torch.ones((len(rows), 1), dtype=torch.int64)

    def trunk(self, module: nn.Module) -> nn.Module:
        """The whole model: its lower layers, and the trained ones above them."""
        self._mend(module)
        return self._model.eval()

    def vectors(self) -> np.ndarray:
        """The pictures' vectors by the layers as they are trained, L2-normalized, shape (pictures, dimensions)."""
        cut, parts = self._cut().eval(), []
        for start in range(0, len(self.lengths), _BATCH):
            with torch.inference_mode():
                parts.append(cut(*self.batch(range(start, min(start + _BATCH, len(self.lengths))))).numpy())
        self._mend(cut)
        return np.concatenate(parts)

    def _cut(self) -> nn.Module:
        setattr(self._owner, self._name, self._layers[self._below :])
        return _Cut(self._model, self._layers[self._below], torch.from_numpy(self._pixels(0)[None]))

    def _mend(self, module: nn.Module) -> None:
        assert isinstance(module, _Cut)
        module.hook.remove()
        setattr(self._owner, self._name, self._layers)

    def _activations(self, pictures: int) -> np.ndarray:
        """What the lowest trained layer reads of each picture, float16, shape (pictures, ...)."""
        found: list[torch.Tensor] = []
        hook = self._layers[self._below].register_forward_pre_hook(caught(found), with_kwargs=True)
        parts = []
        for start in range(0, pictures, _BATCH):
            batch = np.stack([self._pixels(place) for place in range(start, min(start + _BATCH, pictures))])
            try:
                with torch.inference_mode():
                    self._model(torch.from_numpy(batch))
            except Reached:
                parts.append(found.pop().float().numpy().astype(np.float16))
            report("reading pictures to train on", start + len(batch), pictures)
        hook.remove()
        return np.concatenate(parts)


def read_pictures(model: nn.Module, pixels: Callable[[int], np.ndarray], pictures: int) -> np.ndarray:
    """L2-normalized vectors of so many pictures by a whole model, float32, shape (pictures, dimensions)."""
    parts = []
    for start in range(0, pictures, _BATCH):
        batch = np.stack([pixels(place) for place in range(start, min(start + _BATCH, pictures))])
        with torch.inference_mode():
            parts.append(nn.functional.normalize(model(torch.from_numpy(batch)).float(), dim=1).numpy())
        report("encoding pictures", start + len(batch), pictures)
    return np.concatenate(parts)


class _Cut(nn.Module):
    """A model of pictures whose first remaining layer reads given states in place of what the lower ones make.

    Args:
        model: without its lower layers.
        first: the layer that reads the states.
        any_picture: pixels that pass unread, shape (1, 3, side, side).
    """

    def __init__(self, model: nn.Module, first: nn.Module, any_picture: torch.Tensor) -> None:
        super().__init__()
        self.whole, self._states = model, torch.zeros(0)
        self.register_buffer("any_picture", any_picture, persistent=False)
        self.hook = first.register_forward_pre_hook(self._given, with_kwargs=True)

    @property
    def model(self) -> nn.Module:
        """What computes layers again, where memory is short."""
        inner = getattr(self.whole, "model", self.whole)
        assert isinstance(inner, nn.Module)
        return inner

    def train(self, mode: bool = True) -> _Cut:
        """Batch normalizations keep the statistics that they came with."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Vectors of length 1, shape (pictures, dimensions)."""
        del mask
        if states.ndim == 4:
            states = states.contiguous(memory_format=torch.channels_last)
        self._states = states
        return nn.functional.normalize(self.whole(self.any_picture).float(), dim=1)

    def _given(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return given(self._states, args, kwargs)
