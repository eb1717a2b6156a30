"""A night in a few lines of Markdown, for the page of whoever scheduled it."""

from __future__ import annotations

from pathlib import Path

from tilth import store
from tilth.reports.cards.writing import markdown


def night_summary(run_folder: Path) -> str:
    """The verdict in plain sentences, what to do now, and where the report is.

    Args:
        run_folder: of a night whose report is written.
    """
    report = store.read_json(run_folder / "report.json")
    verdict, page = report["verdict"], (run_folder / "report.html").resolve()
    lines = [f"## {markdown(verdict['headline'])}", "", *(markdown(one) for one in verdict["sentences"])]
    if verdict["decision"]:
        lines += ["", markdown(verdict["decision"])]
    tasks = [f"- {one['count']:,} {markdown(one['what'])}: `{one['command']}`" for one in report["to_do"]]
    lines += ["", "To do now:", "", *tasks] if tasks else []
    return "\n".join([*lines, "", f"[The report]({page.as_uri()}): `{page}`", ""])
