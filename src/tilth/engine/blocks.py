"""A function on many blocks, in this process or by whatever runs blocks elsewhere."""

from __future__ import annotations

import contextlib
import pickle
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any, Protocol, TypeVar

Block = TypeVar("Block")
Shared = TypeVar("Shared")
Result = TypeVar("Result")


class BlockRunner(Protocol):
    """Calls a function on blocks, in processes of its own."""

    def map_blocks(self, function: Callable[[Any, Any], Any], blocks: Iterable[Any], shared: Any) -> Iterator[Any]:
        """As `map_blocks` below; what a block's call raises is raised here."""


_runners: list[BlockRunner] = []
"""Of the process, as progress's listeners are: what a block comes to does not depend on who computes it."""


def map_blocks(
    function: Callable[[Block, Shared], Result], blocks: Iterable[Block], shared: Shared
) -> Iterator[Result]:
    """Results of a function for each block, in the order of the blocks; a block is taken when there is room for it.

    Args:
        function: of a module's top, called as `function(block, shared)`; pure, for a block whose worker is lost is
            computed again.
        blocks: what differs from call to call.
        shared: what all calls need; it is pickled once, and loaded once by each worker.

    >>> list(map_blocks(lambda block, factor: [one * factor for one in block], [[1, 2], [3]], 10))
    [[10, 20], [30]]
    """
    if _runners:
        return _runners[-1].map_blocks(function, blocks, shared)
    return (function(block, shared) for block in blocks)


def has_workers() -> bool:
    """Whether blocks are computed elsewhere than in this process."""
    return bool(_runners)


class Packed:
    """What all blocks need, on its way to the workers: bytes, which are loaded where the first block asks for them.

    A task's argument is pickled more than once: Dask's scheduler loads it and pickles it again, and so does a worker
    that hands it on to the next one. The bytes can be; what they hold perhaps not, as a model whose files are gone once
    it is loaded, and a scheduler that fails to pickle a task drops the connection to every worker it was meant for.

    >>> Packed.of([1, 2]).content
    [1, 2]
    """

    _loading = threading.Lock()
    """Of the process: a worker of several threads loads what they share once."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    @classmethod
    def of(cls, content: Any) -> Packed:
        """What can be pickled once."""
        return cls(pickle.dumps(content, protocol=pickle.HIGHEST_PROTOCOL))

    @cached_property
    def _content(self) -> Any:
        return pickle.loads(self.data)  # noqa: S301 - of the night that the worker works for

    @property
    def content(self) -> Any:
        """What was packed; the same object each time."""
        with self._loading:
            return self._content

    def __reduce__(self) -> tuple[Any, ...]:
        """The bytes alone, whether they have been loaded or not."""
        return Packed, (self.data,)


def compute_block(function: Callable[[Any, Any], Any], block: Any, packed: Packed) -> Any:
    """What a worker calls for a block."""
    return function(block, packed.content)


@contextlib.contextmanager
def computed_by(runner: BlockRunner) -> Iterator[None]:
    """Within the block, `map_blocks` goes through this runner."""
    _runners.append(runner)
    try:
        yield
    finally:
        _runners.remove(runner)
