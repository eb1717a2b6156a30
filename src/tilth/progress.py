"""How far a long piece of work is: whoever does it reports, and whoever shows it listens, if anybody does."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

Listener = Callable[[str, int, int], None]

_listeners: list[Listener] = []


def report(what: str, done: int, of: int) -> None:
    """Tell the listeners that so many of so many are done: `report("encoding texts", 1200, 5000)`."""
    for listener in _listeners:
        listener(what, done, of)


@contextlib.contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Hear what is reported within the block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
