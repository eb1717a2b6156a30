"""`tilth report`: the page of a run."""

from __future__ import annotations

import webbrowser
from typing import Annotated

from cyclopts import Parameter

from tilth.cli import options, terminal
from tilth.cli.terminal import say
from tilth.cli.workspace import find_run


def report(
    run: Annotated[str, Parameter(help="its id or its folder")] = "latest",
    /,
    *,
    open: bool = False,
    fail_on: Annotated[tuple[str, ...], Parameter(metavar="CONDITION")] = (),
    as_json: options.Json = False,
) -> int:
    """Write a run's report again and say where it is; with --fail-on, fail where a figure is not as it should be.

    For example:

        tilth report
        tilth report --open
        tilth report 20260101-020000 --json | jq .run
        tilth report --fail-on 'gold.intent.macro_f1<0.9'

    Args:
        open: open it in the browser
        fail_on: exit with 3 where this holds of run.json or report.json: a key, a comparison, a value; may be repeated
        as_json: print what it shows as JSON, and nothing else, on standard output
    """
    from tilth import reports, store

    gates = [reports.parse_gate(text) for text in fail_on]
    chosen = find_run(run)
    page = reports.write(chosen.path)
    say(page.with_suffix(".json").read_text(encoding="utf-8").rstrip() if as_json else str(page))
    if open and not webbrowser.open(page.resolve().as_uri()):
        terminal.note(f"no browser answers here; open it yourself: {page.resolve().as_uri()}")
    failed = reports.failed_gates(gates, chosen.record, store.read_json(page.with_suffix(".json"))) if gates else []
    for failure in failed:
        terminal.note(f"gate not met: {failure}")
    return 3 if failed else 0
