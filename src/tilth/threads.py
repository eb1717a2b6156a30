"""The pools of threads of the numeric libraries (BLAS, OpenMP), which get into one another's way.

They are looked for anew only once more modules are loaded, with which a library may have come: to look takes longer
than to fit a model to a few rows.
"""

from __future__ import annotations

import functools
import os
import sys
from contextlib import AbstractContextManager
from typing import Any


def thread_pools() -> Any:
    """The libraries' pools, threadpoolctl's controller of them, where there may be any; else None."""
    return _pools(len(sys.modules)) if "threadpoolctl" in sys.modules else None


def thread_count() -> int:
    """How many threads may compute at once: `OMP_NUM_THREADS`, or one a core."""
    return int(os.environ.get("OMP_NUM_THREADS") or 0) or os.cpu_count() or 1


def one_thread() -> AbstractContextManager[Any]:
    """Let each library compute with one thread within the block."""
    import threadpoolctl  # noqa: F401 - from now on there may be pools

    limiter: AbstractContextManager[Any] = thread_pools().limit(limits=1)
    return limiter


@functools.lru_cache(maxsize=1)
def _pools(_modules: int) -> Any:
    return sys.modules["threadpoolctl"].ThreadpoolController()
