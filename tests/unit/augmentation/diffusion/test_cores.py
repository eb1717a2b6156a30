from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from tilth.augmentation.diffusion.cores import each_on_a_core

ENTERED = threading.local()


@contextmanager
def entered() -> Iterator[None]:
    ENTERED.here = True
    yield
    ENTERED.here = False


def test_parts_are_done_at_the_same_time_each_with_one_thread() -> None:
    both, before = threading.Barrier(2, timeout=20), torch.get_num_threads()

    def double(part: int) -> tuple[int, bool, int]:
        both.wait()  # which nobody leaves before the other has come
        return 2 * part, ENTERED.here, torch.get_num_threads()

    assert sorted(each_on_a_core(double, [1, 2, 3, 4], entered, threads=2)) == [(n, True, 1) for n in (2, 4, 6, 8)]
    assert torch.get_num_threads() == before


def test_one_thread_works_in_order_and_in_this_one() -> None:
    found = list(each_on_a_core(lambda part: (part, threading.get_ident()), [3, 1, 2], entered, threads=1))
    assert found == [(part, threading.get_ident()) for part in (3, 1, 2)]


def test_an_error_of_a_part_is_raised_and_ends_the_others() -> None:
    before, seen = torch.get_num_threads(), list[int]()

    def fail(part: int) -> int:
        seen.append(part)
        raise ValueError("of a part")

    with pytest.raises(ValueError, match="of a part"):
        list(each_on_a_core(fail, range(100), entered, threads=2))
    assert len(seen) <= 2
    assert torch.get_num_threads() == before
