"""Where networks run: on an accelerator that PyTorch finds, or on the processor."""

from __future__ import annotations

from tilth.errors import ConfigError

_NAMES = r"cpu|mps|cuda(:\d+)?"
NAMED = rf"^({_NAMES})$"
"""A device in a config, by PyTorch's name."""
DEVICE = rf"^(auto|{_NAMES})$"
"""The same, or left to PyTorch."""


def placed(word: str, setting: str, instead: str) -> str:
    """The device of a config's word, by PyTorch's name.

    Args:
        word: One that `DEVICE` describes; `auto` is the first CUDA device, else the processor.
        setting: What it is called in the config.
        instead: What may be set where there is no such device.

    Raises:
        ConfigError: PyTorch finds no such device.
    """
    import torch

    if word == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind = torch.device(word)
    have = {"cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}.get(kind.type, 1)
    if (kind.index or 0) >= have:
        raise ConfigError(
            f'{setting} = "{word}", and PyTorch {torch.__version__} finds {have} device(s) of that kind; '
            f"run where there is one (and a PyTorch built for it), or set {instead}"
        )
    return word
