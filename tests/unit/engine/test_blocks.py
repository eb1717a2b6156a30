from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tilth import engine


class Recording:
    """Workers that compute here, and remember what they got."""

    def __init__(self) -> None:
        self.blocks: list[Any] = []

    def map_blocks(self, function: Callable[[Any, Any], Any], blocks: Iterable[Any], shared: Any) -> Iterator[Any]:
        for block in blocks:
            self.blocks.append(block)
            yield function(block, shared)


def scaled(block: list[int], factor: int) -> list[int]:
    return [one * factor for one in block]


def test_without_workers_a_block_is_taken_when_its_result_is_asked_for() -> None:
    taken: list[int] = []

    def blocks() -> Iterator[list[int]]:
        for number in range(3):
            taken.append(number)
            yield [number]

    results = engine.map_blocks(scaled, blocks(), 10)
    assert (next(results), taken) == ([0], [0])
    assert (list(results), taken) == ([[10], [20]], [0, 1, 2])


def test_blocks_go_to_the_runner_for_as_long_as_it_runs() -> None:
    runner = Recording()
    with engine.computed_by(runner):
        assert engine.has_workers()
        assert list(engine.map_blocks(scaled, [[1], [2, 3]], 2)) == [[2], [4, 6]]
    assert not engine.has_workers()
    assert list(engine.map_blocks(scaled, [[4]], 2)) == [[8]]
    assert runner.blocks == [[1], [2, 3]]


def test_a_runner_is_gone_after_an_error_too() -> None:
    def fail() -> None:
        with engine.computed_by(Recording()):
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        fail()
    assert not engine.has_workers()


class Once:
    """As a model whose files are gone once it is loaded."""

    def __init__(self, loaded: bool = False) -> None:
        self.loaded = loaded

    def __reduce__(self) -> tuple[Any, ...]:
        if self.loaded:
            raise FileNotFoundError("the files are gone")
        return Once, (True,)


def passed_on(content: Any) -> Any:
    """As a task's argument is by Dask's scheduler, or by a worker to the next one."""
    return pickle.loads(pickle.dumps(content))  # noqa: S301 - as Dask does


def test_what_can_be_pickled_once_goes_through_a_scheduler_and_on_to_a_second_worker() -> None:
    with pytest.raises(FileNotFoundError, match="the files are gone"):
        passed_on(passed_on(Once()))
    first = passed_on(passed_on(engine.Packed.of(Once())))
    assert engine.compute_block(lambda block, shared: (block, shared.loaded), 3, first) == (3, True)
    assert first.content is first.content  # loaded once
    assert passed_on(first).content.loaded  # by a worker that has loaded it
