from __future__ import annotations

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


def test_rows_go_to_workers_in_blocks_and_few_rows_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tilth.engine.blocks._ROWS", 2)
    runner = Recording()
    with engine.computed_by(runner):
        assert engine.map_rows(scaled, [1, 2], 10) == [10, 20]
        assert runner.blocks == []
        assert engine.map_rows(scaled, [1, 2, 3], 10) == [10, 20, 30]
    assert runner.blocks == [[1, 2], [3]]
    assert engine.map_rows(scaled, [1, 2, 3], 10) == [10, 20, 30]
