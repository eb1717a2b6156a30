"""A night from its opening to its end, in this process."""

from __future__ import annotations

from tilth import night
from tilth.store import Run


def completed(request: night.Request) -> Run:
    """The run after all the stages that were asked for."""
    run = night.begin(request)
    for name in request.stages:
        night.perform(run, name)
    run.finish("completed")
    return run
