"""In which precision fine-tuning computes: what the config names, where the device has it."""

from __future__ import annotations

from typing import Literal, TypeAlias

from tilth.devices import computes_in_bfloat16
from tilth.errors import ConfigError

Precision: TypeAlias = Literal["auto", "float32", "bfloat16", "float16"]

_ACCELERATE = {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}


def resolve_precision(precision: Precision, device: str) -> str:
    """The precision of a device's products, by PyTorch's name; weights, sums and the loss stay in float32.

    `auto` is bfloat16 where the device has instructions for it, else float32; float16 needs a loss that is scaled, and
    is taken where it is named.

    Args:
        precision: `training.precision`.
        device: the type of a torch device.

    Raises:
        ConfigError: the device does not compute in float16.
    """
    if precision == "auto":
        return "bfloat16" if computes_in_bfloat16(device) else "float32"
    if precision == "float16" and device == "cpu":
        raise ConfigError(
            'training.precision = "float16", and fine-tuning runs on the processor, which scales no loss; set '
            '"bfloat16", "float32" or "auto", or training.device where there is an accelerator'
        )
    return precision


def accelerate_name(precision: str) -> str:
    """What accelerate calls it; with `fp16` it scales the loss dynamically (Micikevicius et al. 2018)."""
    return _ACCELERATE[precision]
