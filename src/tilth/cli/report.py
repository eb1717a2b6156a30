"""`tilth report`: the page of a run."""

from __future__ import annotations

import webbrowser
from typing import Annotated

from cyclopts import Parameter

from tilth.cli import options, terminal, workspace_data
from tilth.cli.terminal import say


def report(
    run: Annotated[str, Parameter(help="its id or its folder")] = "latest",
    /,
    *,
    open: bool = False,
    as_json: options.Json = False,
) -> int:
    """Write a run's report again and say where it is.

    For example:

        tilth report
        tilth report --open
        tilth report 20260101-020000 --json | jq .run

    Args:
        open: open it in the browser
        as_json: print what it shows as JSON, and nothing else, on standard output
    """
    from tilth import reports

    page = reports.write(workspace_data.run(run).path)
    say(page.with_suffix(".json").read_text(encoding="utf-8").rstrip() if as_json else str(page))
    if open and not webbrowser.open(page.resolve().as_uri()):
        terminal.note(f"no browser answers here; open it yourself: {page.resolve().as_uri()}")
    return 0
