"""What a person should do now: at most five lines, each a count, a link into the page and a command to paste."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from scipy.stats import binomtest

from tilth.notes import UNREADABLE
from tilth.reports.page.files import RunFiles
from tilth.reports.page.rows.touched import TouchedRows
from tilth.samples import Split

MOST = 5
THIN = 10
"""Labels a class below which cleaning calls none of them wrong (`docs/decisions.md`)."""
OFTEN_ENOUGH = 0.7
"""Share of its labels on which a function should agree; below it, it makes more work than it saves."""
ALPHA = 0.05
"""Each function is looked at by itself: of twenty that are right just often enough one is named by chance."""
FEW = 3
"""Names that one line says; the picture that it leads to has the others."""


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
    if run.record.get("status") == "failed":
        yield Line(
            count=1,
            what="night stopped before its end; what was finished is kept, and it goes on from there",
            link="#engineers",
            command="tilth run",
        )
    yield from _rows(run, touched)
    yield from _input(run)
    yield from _functions(functions)
    yield from _thin(run)
    changed, likelier = touched.of("corrected", "removed"), touched.of("suggested")
    instead = f" ({likelier} with the likeliest other one in its place)" if likelier else ""
    yield Line(
        count=changed,
        what=f"{_many(changed, 'label was', 'labels were')} changed or taken out{instead} without asking anyone: "
        "read a dozen. The command runs a night that asks first",
        link="#rows?verdict=corrected,removed",
        command="tilth run --set cleaning.policy=review",
    )


def _rows(run: RunFiles, touched: TouchedRows) -> Iterator[Line]:
    """Rows that a person should look at."""
    queued, doubts = touched.of("queue"), ("doubted", "disputed", "conflict")
    of_run = f" --run {shlex.quote(run.folder.name)}"
    yield Line(
        count=queued,
        what=f"{_many(queued, 'row is', 'rows are')} worth a person’s time, the most useful first: answer them",
        link="#rows?verdict=queue",
        command="tilth label",
    )
    doubted = touched.of(*doubts)
    yield Line(
        count=doubted,
        what=f"{_many(doubted, 'label is', 'labels are')} in doubt: read some, the likeliest to be wrong first",
        link=f"#rows?verdict={','.join(doubts)}",
        command=f"tilth explain {shlex.quote(touched.first(run, *doubts))}{of_run}",
    )
    odd = touched.of("review")
    yield Line(
        count=odd,
        what=f"{_many(odd, 'text looks odd and is', 'texts look odd and are')} held back: see why",
        link="#rows?verdict=review",
        command=f"tilth explain {shlex.quote(touched.first(run, 'review'))}{of_run}",
    )


def _input(run: RunFiles) -> Iterator[Line]:
    """What is wrong with the files that the night read."""
    record = run.record
    notes = (record.get("ingest") or {}).get("notes") or []
    unread = [note for note in notes if isinstance(note, Mapping) and note.get("kind") == UNREADABLE]
    count = sum(int(note.get("count") or 0) for note in unread)
    yield Line(
        count=count,
        what=f"{_many(count, 'line', 'lines')} of the input could not be read: see which, and mend them",
        link="#engineers",
        command="tilth run --dry-run",
    )
    if record.get("status") == "completed" and len(run.rows) and not run.rows["split"].eq(Split.GOLD).any():
        yield Line(
            count=1,
            what="measure is missing: without gold rows the score is an estimate. Lock a tenth of the rows away",
            link="#verdict",
            command="tilth run --set data.gold_fraction=0.1",
        )


def seldom_right(one: Mapping[str, Any]) -> bool:
    """Whether a function agrees with its labels less often than it should, by more than chance explains.

    Right labels are counted against the binomial distribution of a function that is right just often enough.
    """
    rows, accuracy = int(one["rows"] or 0), one["accuracy"]
    if accuracy is None or not rows:
        return False
    return bool(binomtest(round(accuracy * rows), rows, OFTEN_ENOUGH, alternative="less").pvalue < ALPHA)


def _functions(functions: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    left_out = [one["function"] for one in functions if not one["used"]]
    yield Line(
        count=len(left_out),
        what=f"labeling {_many(len(left_out), 'function (rule) was', 'functions (rules) were')} left out "
        f"({_few(left_out)}): see why",
        link="#functions",
        command="tilth lf check",
    )
    bad = [one["function"] for one in functions if one["used"] and seldom_right(one)]
    yield Line(
        count=len(bad),
        what=f"labeling {_many(len(bad), 'function (rule) is', 'functions (rules) are')} right less often than "
        f"{OFTEN_ENOUGH:.0%} of the time ({_few(bad)}): read what {_many(len(bad), 'it gets', 'the first gets')} wrong",
        link="#functions",
        command=f"tilth lf votes {shlex.quote(bad[0])}" if bad else "",
    )


def _thin(run: RunFiles) -> Iterator[Line]:
    """Classes with so few labels that nothing can be said of them, of the finest task."""
    if not run.tasks or run.frame.empty:
        return
    task = run.tasks[-1]
    labels = run.rows[run.rows["split"].ne(Split.GOLD)][task.name].dropna()
    counts = labels.value_counts().reindex(list(task.labels), fill_value=0)
    thin = [str(label) for label in counts.index[counts < THIN]]
    yield Line(
        count=len(thin),
        what=f"{_many(len(thin), 'class has', 'classes have')} fewer than {THIN} labels"
        f" ({_few(thin)}): find more rows of {_many(len(thin), 'it', 'them')}",
        link="#balance",
        command="tilth lf suggest",
    )


def _few(names: Sequence[str]) -> str:
    """The first of some names, and how many there are beyond them."""
    return f"{', '.join(names[:FEW])}{f' and {len(names) - FEW} more' if len(names) > FEW else ''}"


def _many(count: int, one: str, many: str) -> str:
    return one if count == 1 else many
