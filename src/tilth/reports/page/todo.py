"""What a person should do now: at most five lines, each a count, a link into the page and a command to paste."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tilth.notes import UNREADABLE
from tilth.reports.page.run_files import RunFiles
from tilth.reports.page.touched_rows import TouchedRows

MOST = 5
THIN = 10
"""Labels a class below which cleaning calls none of them wrong (`docs/decisions.md`)."""
_SURE_SHARE = 0.7


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing to do.

    Attributes:
        count: how many.
        what: the sentence that goes on after the count.
        link: where in the page they stand.
        command: to paste into a terminal.
    """

    count: int
    what: str
    link: str
    command: str


def to_do(run: RunFiles, touched: TouchedRows, functions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The lines, the most pressing first."""
    lines = [line for line in _lines(run, touched, functions) if line.count]
    return [asdict(line) for line in lines[:MOST]]


def _lines(run: RunFiles, touched: TouchedRows, functions: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    record = run.record
    if record.get("status") == "failed":
        yield Line(
            count=1,
            what="night stopped before its end; what was finished is kept, and it goes on from there",
            link="#engineers",
            command="tilth run",
        )
    yield Line(
        count=touched.of("doubted", "disputed", "conflict"),
        what="labels are in doubt: say which one is right",
        link="#rows?verdict=doubted,disputed,conflict",
        command="tilth label",
    )
    yield Line(
        count=touched.of("queue"),
        what="rows without a sure label would teach the model most: label them",
        link="#rows?verdict=queue",
        command="tilth label",
    )
    notes = (record.get("ingest") or {}).get("notes") or []
    unread = [note for note in notes if isinstance(note, Mapping) and note.get("kind") == UNREADABLE]
    yield Line(
        count=sum(int(note.get("count") or 0) for note in unread),
        what="lines of the input could not be read: see which, and mend them",
        link="#engineers",
        command="tilth run --dry-run",
    )
    if not (record.get("gold") or {}).get("rows") and record.get("status") == "completed":
        yield Line(
            count=1,
            what="measure is missing: without gold rows the score is an estimate. Lock a tenth of the rows away",
            link="#verdict",
            command="tilth run --set data.gold_fraction=0.1",
        )
    left_out = [one for one in functions if not one["used"]]
    yield Line(
        count=len(left_out),
        what="labeling functions (rules) were left out: see why",
        link="#functions",
        command="tilth lf check",
    )
    yield from _thin(run)
    bad = [one for one in functions if one["used"] and one["accuracy"] is not None and one["accuracy"] < _SURE_SHARE]
    yield Line(
        count=len(bad),
        what=f"labeling functions (rules) are right less often than {_SURE_SHARE:.0%} of the time: mend or drop them",
        link="#functions",
        command="tilth lf check",
    )
    yield Line(
        count=touched.of("corrected", "removed"),
        what="labels were changed or taken out without asking anyone: read a dozen",
        link="#rows?verdict=corrected,removed",
        command="tilth run --set cleaning.policy=review",
    )


def _thin(run: RunFiles) -> Iterator[Line]:
    """Classes with so few labels that nothing can be said of them, of the finest task."""
    if not run.tasks or run.frame.empty:
        return
    task = run.tasks[-1]
    labels = run.rows[run.rows["split"].ne("gold")][task.name].dropna()
    counts = labels.value_counts().reindex(list(task.labels), fill_value=0)
    thin = [str(label) for label in counts.index[counts < THIN]]
    yield Line(
        count=len(thin),
        what=f"classes have fewer than {THIN} labels (the first: {thin[0] if thin else ''}): find them more",
        link="#balance",
        command="tilth lf suggest",
    )
