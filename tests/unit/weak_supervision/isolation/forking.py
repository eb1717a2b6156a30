"""A function that forks, in a module that loads nothing else: whole nights of tests import it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Body = Callable[[Any], Any]


def starts(mark: Path, *, session: bool = False, after: Body = lambda x: None) -> Body:
    """A body that forks a process which sleeps and holds the mark's file open."""

    def body(x: Any) -> Any:
        if os.fork() == 0:
            if session:
                os.setsid()
                if os.fork():  # twice, as a daemon does
                    os._exit(0)
            held = mark.open("a")
            time.sleep(90)
            held.close()
            os._exit(0)
        deadline = time.monotonic() + 5
        while not mark.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        return after(x)

    return body
