"""`tilth report`: the page of a run."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from tilth.cli import desk
from tilth.cli.terminal import say


def report(run: Annotated[str, Parameter(help="its id or its folder")] = "latest", /) -> int:
    """Write a run's report again and say where it is.

    For example:

        tilth report
        tilth report 20260101-020000
    """
    from tilth import reports

    say(str(reports.write(desk.run(run).path)))
    return 0
