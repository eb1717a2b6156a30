"""A model cut below its top layers: what these read is caught on one pass, and given to them on all others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from tilth.errors import ConfigError

Kept = Callable[[Callable[[], Mapping[str, np.ndarray]]], Mapping[str, np.ndarray]]
"""Gives what the function computes, from a cache where it is there."""


class Reached(Exception):  # noqa: N818 - no error: it ends a forward pass where the trained layers begin
    """The trained layers are reached."""


def caught(found: list[torch.Tensor]) -> Callable[..., None]:
    """A hook that keeps what a layer is about to read, and ends the forward pass."""

    def hook(layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        found.append(args[0] if args else kwargs["hidden_states"])
        raise Reached

    return hook


def given(states: torch.Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """A layer's arguments, with these states in the place of those that it was to read."""
    if args:
        return (states, *args[1:]), kwargs
    return args, {**kwargs, "hidden_states": states}


def stacked_layers(model: nn.Module, source: str) -> tuple[nn.Module, str, nn.ModuleList]:
    """The module that holds a model's layers, the name that it has for them, and the layers.

    Args:
        model: of texts or of pictures.
        source: where it came from, for the error.

    Raises:
        ConfigError: there is no list of layers of one kind.
    """
    lists = [
        (owner, name, child)
        for owner in model.modules()
        for name, child in owner.named_children()
        if isinstance(child, nn.ModuleList) and len({type(layer) for layer in child}) == 1
    ]
    if not lists:
        raise ConfigError(
            f"the top layers are to be trained, and {type(model).__name__} of {source} has no list of layers; set "
            'training.mode = "full" or "probe", of a model of pictures training.picture_mode = "probe"'
        )
    return max(lists, key=lambda found: sum(p.numel() for p in found[2].parameters()))
