"""From a run's folder to `report.html` and `report.json`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader

from tilth.reports import svg
from tilth.stage import Figure
from tilth.store import Run, atomic, read_json, write_json

EXAMPLES = 8


def write(run: Path) -> Path:
    """Write both files into a run's folder, and return the path of `report.html`.

    The page needs no network and no script; all texts in it are escaped.
    """
    record = read_json(run / "run.json")
    tables = sorted(run.glob("[0-9]-*.parquet"))
    frame = pd.read_parquet(tables[-1])
    report = {"run": record, "overview": _overview(frame, record), "examples": _examples(frame, record)}
    environment = Environment(loader=PackageLoader("tilth.reports", "."), autoescape=True)
    environment.filters.update(draw=svg.draw, short=svg.short)
    page = environment.get_template("report.html.j2").render(**report)
    write_json(run / "report.json", report)
    with atomic(run / "report.html") as beside:
        beside.write_text(page, encoding="utf-8")
    return Run(run).path / "report.html"


def _overview(frame: pd.DataFrame, record: dict[str, Any]) -> list[dict[str, Any]]:
    own = frame[frame["source"] == "input"]
    figures = [_bar("Rows by split", own["split"].value_counts())]
    if frame["reason"].notna().any():
        figures.append(_bar("Set aside, by reason", frame["reason"].value_counts()))
    for task in record["tasks"]:
        name = task["name"]
        learned = frame[frame["split"].ne("gold") & frame["status"].eq("active")]
        figures.append(_bar(f"Labels in force: {name}", learned[name].value_counts()))
        figures.append(_bar(f"Who gave them: {name}", learned[f"{name}_origin"].value_counts()))
    return figures


def _bar(title: str, counts: pd.Series) -> dict[str, Any]:
    data = {"labels": [str(name) for name in counts.index], "values": [int(value) for value in counts]}
    more = len(data["labels"]) - 40
    return Figure(kind="bar", title=title, data=data, note=f"and {more} more" if more > 0 else "").to_json()


def _examples(frame: pd.DataFrame, record: dict[str, Any]) -> list[dict[str, Any]]:
    out = []
    for title, rows in (
        ("Set aside", frame[frame["status"] == "quarantined"]),
        ("Sent to review", frame[frame["status"] == "review"]),
    ):
        out.append(_table(title, rows, ["id", "text", "reason"]))
    for task in record["tasks"]:
        name = task["name"]
        columns = ["id", "text", f"{name}_given", name, f"{name}_confidence"]
        changed = frame[frame[f"{name}_reason"].notna() & frame["split"].ne("gold")]
        out.append(_table(f"Labels changed or nulled: {name}", changed, [*columns, f"{name}_reason"]))
        out.append(_table(f"Weak labels: {name}", frame[frame[f"{name}_origin"] == "weak"], columns))
    return [figure for figure in out if figure["data"]["rows"]]


def _table(title: str, rows: pd.DataFrame, columns: list[str]) -> dict[str, Any]:
    shown = rows[columns].head(EXAMPLES).astype(object)
    cells = [[svg.short(cell) for cell in row] for row in shown.to_numpy().tolist()]
    note = f"{len(rows)} in all, the first {len(cells)} shown"
    return Figure(kind="table", title=title, data={"columns": columns, "rows": cells}, note=note).to_json()
