"""What reads an encoder's token states: each kind of head by its name in `[training] head`.

A head gives one vector of length 1 a text, on which the linear layer of each task stands. Another kind is a function
under `@register_head`, here or in a module that is imported: it takes the encoder and returns one that reads otherwise.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias

from tilth.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from torch import nn

    from tilth.learn.encoder import Trunk

AttachHead: TypeAlias = "Callable[[Trunk], Trunk]"

HEADS: dict[str, AttachHead] = {}


def register_head(name: str) -> Callable[[AttachHead], AttachHead]:
    """Make a kind of head known by a name, which must be free."""
    if name in HEADS:
        raise ValueError(f'there is a head "{name}" already; choose another name')

    def register(attach: AttachHead) -> AttachHead:
        HEADS[name] = attach
        return attach

    return register


def check_head(name: str) -> str:
    """The name of a head that is known.

    Raises:
        ValueError: there is none.
    """
    if name not in HEADS:
        raise ValueError(f'there is no head "{name}"; {did_you_mean(name, HEADS)}')
    return name


def require_head(name: str) -> None:
    """Refuse a head whose package is not there.

    Raises:
        ConfigError: with the command that installs it.
    """
    if name == "liquid" and importlib.util.find_spec("ncps") is None:
        raise ConfigError("training.head = \"liquid\" needs ncps, which is not installed: pip install 'tilth[liquid]'")


def fresh_parameters(module: nn.Module) -> Iterable[nn.Parameter]:
    """Those that a head added to an encoder: they start from chance, and learn in larger steps."""
    head = getattr(module, "head", None)
    return head.parameters() if head is not None else ()


@register_head("linear")
def linear(trunk: Trunk) -> Trunk:
    """The encoder's own pooling, as it was pretrained."""
    return trunk


@register_head("liquid")
def liquid(trunk: Trunk) -> Trunk:
    """A closed-form continuous-time network (Hasani et al. 2022) over the token states; experimental."""
    from tilth.training.heads.liquid import LiquidTrunk

    return LiquidTrunk(trunk)
