"""Whether workers are to be had, before a night begins, and whether they would compute the same."""

from __future__ import annotations

import importlib.util
import platform
import re
import socket
from pathlib import Path

from tilth.config import EngineConfig
from tilth.errors import ConfigError
from tilth.store import digest_code, library_versions

PATIENCE = 5.0
"""Seconds that a scheduler may take to take a connection, and to greet."""

INSTALL = 'pip install "tilth[engine]"'


def check_engine(config: EngineConfig) -> None:
    """See that the night's workers can be asked for; it takes some seconds at most.

    A scheduler speaks first, but for TLS; whoever else listens there waits to be spoken to, and so would Dask's client,
    for ever.

    Raises:
        ConfigError: the extra is not installed, or nothing listens at the address.
    """
    if config.runner is None:
        return
    if importlib.util.find_spec("prefect_dask") is None:
        raise ConfigError(f'engine.runner = "{config.runner}" needs prefect-dask, which is not installed: {INSTALL}')
    if (place := config.host_and_port) is None:
        return
    try:
        with socket.create_connection(place, timeout=PATIENCE) as connection:
            if not re.match("tls|ws", str(config.address)) and not connection.recv(1):
                raise ConnectionError("who listens there closes the connection")
    except OSError as error:
        raise ConfigError(
            f'engine.address = "{config.address}": no scheduler answers there ({error}); start one (dask scheduler), '
            "correct the address, or leave it out: workers are then processes of this machine"
        ) from None


def code_and_libraries() -> dict[str, str]:
    """What a block's result depends on beside its input, by name; equal on each worker that computes the same."""
    package = Path(__file__).parents[1]
    code = digest_code(*sorted(package.rglob("*.py")))
    return {"tilth's code": code, "python": platform.python_version(), **library_versions()}
