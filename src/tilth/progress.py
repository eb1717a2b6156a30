"""How far a long piece of work is: whoever does it reports, and whoever shows it listens, if anybody does."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

Listener = Callable[[str, int, int], None]
Finder = Callable[[str, int], None]

_listeners: list[Listener] = []
_finders: list[Finder] = []


def report(what: str, done: int, of: int) -> None:
    """Tell the listeners that so many of so many are done: `report("encoding texts", 1200, 5000)`."""
    for listener in _listeners:
        listener(what, done, of)


def found(what: str, count: int) -> None:
    """Tell the listeners what the work has shown so far: `found("junk", 12)`; nothing where there is none."""
    for finder in _finders if count else ():
        finder(what, count)


@contextlib.contextmanager
def listening(listener: Listener, finder: Finder | None = None) -> Iterator[None]:
    """Hear what is reported within the block, and what is found."""
    finders = [finder] if finder is not None else []
    _listeners.append(listener)
    _finders.extend(finders)
    try:
        yield
    finally:
        _listeners.remove(listener)
        for one in finders:
            _finders.remove(one)
