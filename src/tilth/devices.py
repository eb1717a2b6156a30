"""Where networks run, and in which precision: on an accelerator that PyTorch finds, or on the processor."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import platform
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import TYPE_CHECKING

from tilth.errors import ConfigError

if TYPE_CHECKING:
    import torch

_NAMES = r"cpu|mps|(cuda|xpu|hpu)(:\d+)?"
NAMED = rf"^({_NAMES})$"
"""A device in a config, by PyTorch's name: `cuda` is NVIDIA's and AMD's (ROCm), `xpu` Intel's, `hpu` Intel Gaudi's."""
DEVICE = rf"^(auto|{_NAMES})$"
"""The same, or left to PyTorch."""


def resolve_device(device: str, setting: str, alternative: str = '"cpu" or "auto"') -> str:
    """The device that a config names, by PyTorch's name.

    Args:
        device: As `DEVICE` describes it; `auto` is the first CUDA device, else the processor.
        setting: The config key it comes from, for the message.
        alternative: What to set where there is no such device, for the message.

    Raises:
        ConfigError: PyTorch finds no such device.
    """
    if device == "cpu" or (device == "auto" and importlib.metadata.version("torch").endswith("+cpu")):
        return "cpu"  # known without the seconds that torch takes to load
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind = torch.device(device)
    available = _devices_of(kind.type)
    if (kind.index or 0) >= available:
        raise ConfigError(
            f'{setting} = "{device}", and PyTorch {torch.__version__} finds {available} device(s) of that kind; '
            f"run where there is one (and a PyTorch built for it), or set {alternative}"
        )
    return device


def _devices_of(kind: str) -> int:
    """How many devices of a type PyTorch finds; the processor is one."""
    import torch

    if kind == "cpu":
        return 1
    if kind == "mps":
        return int(torch.backends.mps.is_available())
    if kind == "hpu" and importlib.util.find_spec("habana_frameworks") is not None:
        importlib.import_module("habana_frameworks.torch")  # which adds `torch.hpu`
    module = getattr(torch, kind, None)
    return int(module.device_count()) if module is not None else 0


def on_device(device: str) -> AbstractContextManager[object]:
    """A context in which a device that is named by its number is the current one of its type, and others are as before.

    Args:
        device: by PyTorch's name, e.g. `"cuda:1"`.
    """
    import torch

    kind = torch.device(device)
    if kind.index is None or kind.type == "cpu":
        return nullcontext()
    context: AbstractContextManager[object] = torch.get_device_module(kind).device(kind.index)
    return context


def autocast(device: str = "cpu", weights: torch.dtype | None = None) -> torch.autocast:
    """A context in which products with float32 weights are computed in bfloat16, if that is faster.

    Args:
        device: the type of a torch device, e.g. `"cpu"` or `"cuda"`.
        weights: those of the model, float32 by default; of any other precision they were cast on purpose, and stay so.
    """
    import torch

    enabled = weights in (None, torch.float32) and computes_in_bfloat16(device)
    return torch.autocast(device, torch.bfloat16, enabled=enabled)


@cache
def computes_in_bfloat16(device: str = "cpu") -> bool:
    """Whether a device has instructions for products of bfloat16.

    Without them torch computes the same in software: with AVX2 alone at 1.2 GFLOP/s a core, where float32 has 42.

    Args:
        device: the type of a torch device.
    """
    import torch

    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device == "xpu":
        return bool(torch.xpu.is_bf16_supported())
    if device == "hpu":
        return True  # every Gaudi has them
    if device != "cpu":
        return False
    if platform.machine().lower() in ("x86_64", "amd64"):
        # What oneDNN says counts AVX-512 alone, with which bfloat16 is converted to and fro.
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
