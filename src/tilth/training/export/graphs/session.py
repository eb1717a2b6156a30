"""ONNX Runtime at work on a model's graphs: its version, the execution providers, and one thread a session."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state

from tilth.errors import RequestError, did_you_mean

onnxruntime.disable_telemetry_events()  # of a process that loaded it before tilth could; see tilth/__init__.py

Provider: TypeAlias = str | tuple[str, Mapping[str, Any]]
"""The name of an execution provider, or the name with its options."""

CPU = ("CPUExecutionProvider",)
_OLDEST = (1, 22)
RUNTIME_ERRORS: tuple[type[Exception], ...] = tuple(
    one for one in vars(onnxruntime_pybind11_state).values() if isinstance(one, type) and issubclass(one, Exception)
)
"""What ONNX Runtime raises of a graph: each kind is an exception of its own, and they have no class in common."""


def open_session(
    path: Path, providers: Sequence[Provider] = CPU, initializers: Mapping[str, np.ndarray] | None = None
) -> onnxruntime.InferenceSession:
    """A graph, ready to run on one thread.

    A text is too short to share its products among threads: that took twice the processor time (two cores, the default
    encoder, int8: 3.3 ms a text for 1.5) and longer. Several texts at a time take all cores.

    Args:
        path: of the graph.
        providers: execution providers, the first that can run a node does.
        initializers: weights that stand beside the graph, by their names in it.

    Raises:
        RequestError: ONNX Runtime is too old or has no such provider, or it cannot read the graph.
    """
    _check_version(onnxruntime.__version__)
    _check_providers(providers)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    values = {name: onnxruntime.OrtValue.ortvalue_from_numpy(value) for name, value in (initializers or {}).items()}
    if values:
        options.add_external_initializers(list(values), list(values.values()))
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=list(providers))
    except Exception as error:  # ONNX Runtime raises a class of its own for each kind of trouble
        reason = " ".join(str(error).split())
        raise RequestError(
            f"ONNX Runtime {onnxruntime.__version__} cannot load {path} ({reason}); copy the whole folder of the model "
            "again, or install a newer one: pip install -U onnxruntime"
        ) from error


def _check_version(version: str) -> None:
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if numbers < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        raise RequestError(
            f"ONNX Runtime {version} is too old for this model, which takes {oldest} or newer: "
            f'pip install -U "onnxruntime>={oldest}"'
        )


def _check_providers(providers: Sequence[Provider]) -> None:
    if isinstance(providers, str):
        raise RequestError(f'providers="{providers}": expected a list of names, providers=["{providers}"]')
    available = onnxruntime.get_available_providers()
    for provider in providers:
        name = provider if isinstance(provider, str) else provider[0]
        if name not in available:
            raise RequestError(
                f'this ONNX Runtime has no execution provider "{name}"; {did_you_mean(name, available)}; others come '
                "with packages of their own, such as onnxruntime-gpu"
            )
