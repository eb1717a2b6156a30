from __future__ import annotations

import sys

import numpy as np
import pytest
import threadpoolctl
from sklearn.cluster import KMeans

from tilth import threads


def pools() -> list[int]:
    return [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]


def test_within_the_block_each_pool_has_one_thread_and_then_as_many_as_before() -> None:
    KMeans(2, n_init=1).fit(np.eye(4))  # so that there are pools
    with threadpoolctl.threadpool_limits(limits=2):
        assert set(pools()) == {2}
        with threads.one_thread():
            assert set(pools()) == {1}
        assert set(pools()) == {2}


def test_pools_are_looked_for_again_where_a_module_came_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    first = threads.thread_pools()
    assert threads.thread_pools() is first
    monkeypatch.setitem(sys.modules, "a_module_that_came", threads)
    assert threads.thread_pools() is not first
