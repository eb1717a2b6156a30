"""Independent parts of a network's work, each on a core of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

import torch

Part = TypeVar("Part")
Result = TypeVar("Result")


def each_on_a_core(
    function: Callable[[Part], Result],
    parts: Sequence[Part],
    context: Callable[[], AbstractContextManager[Any]],
    *,
    threads: int,
) -> Iterator[Result]:
    """What a function gives for each part, in the order in which they are done.

    The products of one short text are too small for PyTorch to share: of 36 of the demo's requests, three candidates
    each, two threads for each product took 41 processor seconds on a busy machine, and two texts at a time 3.5. What
    comes out is the same to the bit.

    Args:
        function: Called with each part, from one of the threads.
        parts: What is to be done.
        context: Entered once by each thread, so that weights are cast once, with no gradients within.
        threads: That work at the same time; 1 works in this one, with as many threads a product as PyTorch likes.
    """
    if threads == 1 or len(parts) < 2:
        with torch.inference_mode(), context():
            yield from map(function, parts)
        return
    waiting, done = SimpleQueue[Part](), SimpleQueue[Result | BaseException]()
    for part in parts:
        waiting.put(part)

    def work() -> None:
        try:
            with torch.inference_mode(), context():
                for part in iter(_taken(waiting), None):
                    done.put(function(part[0]))
        except BaseException as error:  # which is raised where the results are waited for
            done.put(error)

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    workers = [Thread(target=work, daemon=True) for _ in range(min(threads, len(parts)))]
    try:
        for worker in workers:
            worker.start()
        for _ in parts:
            result = done.get()
            if isinstance(result, BaseException):
                raise result
            yield result
    finally:
        for _ in iter(_taken(waiting), None):  # whoever gave up wants no more
            pass
        for worker in workers:
            worker.join()
        torch.set_num_threads(before)


def _taken(waiting: SimpleQueue[Part]) -> Callable[[], tuple[Part] | None]:
    """Takes the next part; None where there is none left."""

    def take() -> tuple[Part] | None:
        try:
            return (waiting.get_nowait(),)
        except Empty:
            return None

    return take
