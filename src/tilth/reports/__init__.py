"""What a night did and why, for a person.

In: a run's folder. Out: `report.html`, one file that opens anywhere, and `report.json` with the same numbers. A new
section takes its numbers in `contents.py` and its place in `report.html.j2`; a new kind of figure is a function in
`charts.py`.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["write"]


def write(run_folder: Path) -> Path:
    """Write `report.html` and `report.json` into a run's folder from its `run.json` and its newest table.

    Args:
        run_folder: a folder below `data/runs`; a run that failed or is still going is reported as far as it got.

    Returns:
        The path of `report.html`.

    Raises:
        RequestError: the folder holds no `run.json` or no table.
    """
    from tilth import store
    from tilth.reports import contents, html

    report = contents.gather(run_folder)
    store.write_json(run_folder / "report.json", report)
    path = run_folder / "report.html"
    with store.atomic(path) as temporary:
        temporary.write_text(html.render(report), encoding="utf-8")
    return path
