"""How far a long piece of work is: whoever does it reports, and whoever shows it listens, if anybody does."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

Listener = Callable[[str, int, int], None]
Finder = Callable[[str, int], None]

_listeners: list[Listener] = []
_finders: list[Finder] = []
_part: tuple[int, int, int] | None = None


def report(what: str, done: int, of: int) -> None:
    """Tell the listeners that so many of so many are done: `report("encoding texts", 1200, 5000)`."""
    before, size, whole = _part if _part is not None else (0, of, of)
    done = before + (round(done / of * size) if of else size)
    for listener in _listeners:
        listener(what, done, whole)


def found(what: str, count: int) -> None:
    """Tell the listeners what the work has shown so far: `found("junk", 12)`; nothing where there is none."""
    for finder in _finders if count else ():
        finder(what, count)


@contextlib.contextmanager
def part_of(before: int, size: int, whole: int) -> Iterator[None]:
    """What is reported within the block is of a part: of `size` pieces, which come after `before` of a `whole`."""
    global _part  # noqa: PLW0603 - of the process, as the listeners are
    outer, _part = _part, (before, size, whole)
    try:
        yield
    finally:
        _part = outer


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
