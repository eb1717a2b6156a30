from __future__ import annotations

import contextlib
import importlib.util
import socket
import threading
import time
from typing import Any

import pytest

from tilth import engine
from tilth.config import EngineConfig, load
from tilth.engine import checks
from tilth.errors import ConfigError


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def config(**values: Any) -> EngineConfig:
    return load(None, {f"engine.{key}": value for key, value in values.items()}, {}).engine


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"runner": "ray"}, 'runner = "dask"; docs/engine.md says why'),
        ({"runner": "spark"}, "Input should be 'dask'; found 'spark'"),
        ({"runner": "dask", "workers": 0}, "greater than or equal to 1; found 0"),
        ({"runner": "dask", "address": "10.0.0.5"}, "expected tcp://HOST:PORT"),
        ({"runner": "dask", "address": "http://10.0.0.5:8786"}, "expected tcp://HOST:PORT"),
        ({"runner": "dask", "address": "10.0.0.5:8786", "workers": 2}, "leave out workers or address"),
        ({"workers": 2}, 'add runner = "dask"'),
        ({"runer": "dask"}, 'did you mean "runner"?'),
    ],
)
def test_a_wrong_value_is_named_with_what_would_be_right(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=r".*") as raised:
        config(**values)
    assert sentence in str(raised.value)


def test_a_scheduler_is_found_by_any_form_of_its_address() -> None:
    forms = {"tcp://10.0.0.5:8786": "10.0.0.5", "head:8786": "head", "tls://[::1]:8786": "::1"}
    for address, host in forms.items():
        assert config(runner="dask", address=address).host_and_port == (host, 8786)
    assert config(runner="dask", workers=2).host_and_port is None


def test_without_the_extra_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        ConfigError, match=r"needs prefect-dask, which is not installed: pip install \"tilth\[engine\]\""
    ):
        engine.check_engine(config(runner="dask"))
    engine.check_engine(EngineConfig())  # which asks for none


def test_an_address_where_nobody_listens_is_said_within_seconds(free_port: int) -> None:
    begun = time.monotonic()
    with pytest.raises(ConfigError, match=f'127.0.0.1:{free_port}": no scheduler answers there .*dask scheduler'):
        engine.check_engine(config(runner="dask", address=f"tcp://127.0.0.1:{free_port}"))
    assert time.monotonic() - begun < checks.PATIENCE + 5


def test_a_scheduler_greets_and_whoever_else_listens_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(ConfigError, match=r"no scheduler answers there .*timed out"):
            engine.check_engine(config(runner="dask", address=address))
        engine.check_engine(config(runner="dask", address=f"tls://{address}"))  # whose client speaks first
        greeter = threading.Thread(target=greet, args=(listening,))
        greeter.start()
        engine.check_engine(config(runner="dask", address=address))
        greeter.join()


def greet(listening: socket.socket) -> None:
    """As Dask's scheduler does; the first two connections are those of the checks before."""
    for _ in range(3):
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"greeting")


def test_what_a_result_depends_on_names_the_code_and_the_libraries() -> None:
    named = engine.code_and_libraries()
    assert {"tilth's code", "python", "torch", "numpy"} <= set(named)
    assert named == engine.code_and_libraries()
