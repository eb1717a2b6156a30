"""The two files of an audit: a page of at most three megabytes, and all findings as CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from tilth import store
from tilth.errors import RequestError
from tilth.io import write_csv
from tilth.reports.audit.findings import COLUMNS, KINDS, LEAK, WRONG, Rows
from tilth.reports.drawing import breakable, formatted, shorten
from tilth.templates import page_templates

ROOM = 2_200_000
"""Bytes that the findings may take of a page; what has no room stands in the CSV file, and the page says so."""
MOST = 3000
"""Findings that a page shows at most: a browser scrolls and filters so many at once."""
_LONGEST = 400
_NEAR = 3
_MARK = "tilth audit"


def refuse_others(page: Path, table: Path) -> None:
    """See that only an earlier audit's files are written over.

    Raises:
        RequestError: something else has that name.
    """
    ours = {page: f'content="{_MARK}"', table: ",".join(COLUMNS[:3])}
    for path, sign in ours.items():
        if path.is_dir():
            raise RequestError(f"{path} is a folder, and a file of that name would be written; name another --out")
        if path.exists() and not _begins_with(path, sign):
            raise RequestError(f"{path} is there already, and tilth audit did not write it; name another --out FOLDER")


def _begins_with(path: Path, sign: str) -> bool:
    with path.open("rb") as file:  # it may be of any size
        return sign.encode() in file.read(2000)


def write(page: Path, table: Path, rows: Rows, findings: pd.DataFrame, audit: Mapping[str, Any]) -> None:
    """Write the page and the table, both or none.

    Args:
        page: where the page goes.
        table: where the CSV file goes.
        rows: the audited rows.
        findings: as `find` gives them.
        audit: the summary, with `file`, `columns`, `remarks`, `notes`, `tilth`, `gold` and `table` beside.
    """
    shown = list(_shown(rows, findings))
    counts = {kind: sum(one["finding"] == kind for one in shown) for kind in KINDS}
    environment = page_templates("tilth.reports.audit")
    environment.filters.update(formatted=formatted, percent=_percent, breakable=breakable)
    rendered = environment.get_template("audit.html.j2").render(
        audit=audit, shown=shown, counts=counts, kinds=KINDS, mark=_MARK, table=table.name, total=len(findings)
    )
    with store.atomic(table) as beside_table, store.atomic(page) as beside_page:
        write_csv(findings[list(COLUMNS)], beside_table)
        beside_page.write_text(rendered, encoding="utf-8")


def _shown(rows: Rows, findings: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The findings that have room on the page: of each kind a share, so that no kind crowds the others out."""
    kinds = findings["finding"]
    weight = kinds.map({WRONG: 3, LEAK: 2}).fillna(1).astype(float)
    turn = (findings.groupby(kinds).cumcount() / weight).sort_values(kind="stable")  # of three wrong labels, one copy
    left, chosen = ROOM, []
    for place in turn.index[:MOST]:
        one = _line(rows, findings.loc[place])
        left -= 700 + sum(len(str(value).encode()) for value in one.values())
        if left < 0:
            break
        chosen.append((place, one))
    yield from (one for _, one in sorted(chosen, key=lambda item: item[0]))


def _line(rows: Rows, finding: pd.Series) -> dict[str, Any]:
    line = {name: None if pd.isna(finding[name]) else finding[name] for name in COLUMNS}
    line["text"] = shorten(str(finding["text"]), _LONGEST)
    line["reason"] = shorten(str(finding["reason"]), _LONGEST)
    line["near"] = _near(rows, finding) if finding["finding"] == WRONG else []
    return line


def _near(rows: Rows, finding: pd.Series) -> list[dict[str, Any]]:
    """The most similar labeled rows, for a person to hold the label against."""
    given, texts = rows.frame[f"{finding['task']}_given"], rows.frame["text"]
    near = rows.nearest[finding["task"]][finding["place"]]
    return [
        {"row": int(rows.numbers[one]), "label": given.iloc[one], "text": shorten(str(texts.iloc[one]), 160)}
        for one in near[near >= 0][:_NEAR]
    ]


def _percent(value: float | None) -> str:
    """A share as a reader says it; a small one is not rounded away."""
    return formatted(value, ".1%" if value is not None and 0 < value < 0.1 else ".0%")
