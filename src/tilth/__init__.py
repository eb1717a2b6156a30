"""tilth: clean, weakly label, paraphrase, pick and train on a pile of half-labeled text, every night."""

from __future__ import annotations

import importlib
import os

# Idle OpenMP threads spin by default, and take the cores from those that work: with three processes on two cores a
# forward pass is eight times as fast without. It is read when the library loads, so it must stand before torch.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Nobody is told that a person works with tilth, or with what: ONNX Runtime reports each start and model to Microsoft,
# and keeps a number of the machine, unless this is set before it loads; the Hub's client counts its users.
os.environ["ORT_DISABLE_TELEMETRY"] = os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from tilth.io.python_api import read, runs
    from tilth.training.export.predictor import Predictor
    from tilth.weak_supervision import examples

__all__ = ["Predictor", "__version__", "examples", "read", "runs"]

_HOMES = {
    "Predictor": "tilth.training.export.predictor",
    "examples": "tilth.weak_supervision",
    "read": "tilth.io.python_api",
    "runs": "tilth.io.python_api",
}


def __getattr__(name: str) -> Any:
    """The public names, loaded only when asked for, so that `import tilth` stays fast."""
    if name == "__version__":
        from importlib.metadata import version

        return version("tilth")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'tilth' has no attribute '{name}'")


def __dir__() -> list[str]:
    """What there is for people, before it is loaded as after."""
    return sorted(__all__)
