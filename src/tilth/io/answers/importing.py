"""A filled queue, or any table of answers, into the file of answers: all of it, or nothing.

A cell of `<task>_answer` holds a class, or one of the words "none of these", "unclear", "junk" and "wrong paraphrase".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from tilth.errors import InputError, did_you_mean
from tilth.io.answers.filled_rows import FilledRow, filled_rows
from tilth.notes import Unreadable, listed, many
from tilth.samples import Task
from tilth.store.answers import Answer, Answers, Verdict
from tilth.text import digest

_SHOWN = 10
"""Problems that an error names; there may be many more of the same kind."""


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import stored, and what it did not.

    Attributes:
        answers: how many were stored, one a row and task.
        rows: on how many rows.
        unanswered: rows of the file without an answer.
        for_copies: answers that were stored for near copies that the file names beside a row.
        repeated: answers that stood there twice, alike, or that the same person had given before.
        gone: answers on rows that are not in the input any more: stored, and applied if they come back.
        text_changed: answers on a text that the input has otherwise now: the next night asks again.
        left_out: problems, where they were not to stop the rest.
    """

    answers: int = 0
    rows: int = 0
    unanswered: int = 0
    for_copies: int = 0
    repeated: int = 0
    gone: int = 0
    text_changed: int = 0
    left_out: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class KnownRows:
    """The rows that an answer may be about.

    Attributes:
        texts: id → text, of the input as it is now.
        gone: id → text, of earlier nights: rows that are not in the input any more, and paraphrases.
        shown: id → task → what the night believed of the row; see `shown_of_rows`.
    """

    texts: Mapping[str, str]
    gone: Mapping[str, str] = field(default_factory=dict)
    shown: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)


def import_answers(
    frame: pd.DataFrame,
    name: str,
    known: KnownRows,
    tasks: Sequence[Task],
    answers: Answers | None,
    who: str,
    *,
    unreadable: Sequence[Unreadable] = (),
    skip_bad: bool = False,
    dry_run: bool = False,
) -> ImportReport:
    """Store the answers of a table, in one transaction.

    Args:
        frame: `id`, a column `<task>_answer` for one task at least, and, where they are, `text` (as the person saw it),
            `annotator`, `note`, `group` (JSON: ids that the answer stands for too), and whatever else the queue showed.
        name: of the file, for messages.
        known: the rows that there are.
        tasks: what is classified.
        answers: where they are stored; None, for a dry run: nobody has answered yet.
        who: the person, where the file has no column `annotator`.
        unreadable: lines of the file that could not be read, and may have held answers.
        skip_bad: leave out what is wrong, and store the rest.
        dry_run: store nothing.

    Raises:
        InputError: a column is missing; or, unless `skip_bad`, any answer is wrong: of an unknown row, of no class, or
            in contradiction with another of the same person, as a label under another parent is, or lost in a line
            that cannot be read. Nothing is stored then.
    """
    rows, problems, unanswered = filled_rows(frame, name, tasks, who)
    bad = [f"{line.file}, line {line.line}: it cannot be read: {line.content.strip()[:80]}" for line in unreadable]
    bad += problems
    collected: dict[str, dict[tuple[str, str], tuple[Answer, str]]] = {}
    counts = {"unanswered": unanswered, "repeated": 0, "for_copies": 0}
    for row in rows:
        for answer in _answers(row, known, bad):
            mine = collected.setdefault(row.who, {})
            key = (answer.row_id, answer.task or "")
            before = mine.get(key)
            if before is None:
                mine[key] = (answer, row.place)
                counts["for_copies"] += answer.row_id != row.row_id
            elif (before[0].verdict, before[0].label) == (answer.verdict, answer.label):
                counts["repeated"] += 1
            else:
                both = " and ".join(f'"{one.label or one.verdict}"' for one in (before[0], answer))
                bad.append(f'{before[1]} and {row.place}: {row.who} answers {both} to row "{answer.row_id}"; keep one')
    for mine in collected.values():
        bad += _drop_contradictions(mine, tasks)
    if bad and not skip_bad:
        raise InputError(
            f"{name}: {many(len(bad), 'answer')} cannot be taken, so that none of the file is; mend "
            f"{'it' if len(bad) == 1 else 'them'}, or take the others with --skip-bad:\n" + "\n".join(_first(bad))
        )
    given = _new(collected, answers, counts)
    if answers is not None and not dry_run:
        answers.add_all(given)
    return _report([answer for mine in given.values() for answer in mine], known, counts, bad)


def _drop_contradictions(mine: dict[tuple[str, str], tuple[Answer, str]], tasks: Sequence[Task]) -> list[str]:
    """Take out of one person's answers those to rows that the same person calls junk, and labels under another parent.

    Returns:
        What was taken out, a line each.
    """
    bad = []
    for task in tasks:
        for (row_id, name), (answer, place) in list(mine.items()):
            above, _ = mine.get((row_id, task.parent or ""), (None, ""))
            parents = task.parents(answer.label)
            if name == task.name and above and above.label and parents and above.label not in parents:
                bad.append(
                    f'{place}: row "{row_id}": {task.name} "{answer.label}" is of {task.parent} {listed(parents)}, and '
                    f'{task.parent}_answer says "{above.label}"; leave that cell empty, it follows'
                )
                del mine[row_id, name], mine[row_id, task.parent or ""]
    for (row_id, name), (answer, place) in list(mine.items()):
        if name and (row_id, "") in mine:
            both = f'"{mine[row_id, ""][0].verdict}" and "{answer.label or answer.verdict}"'
            bad.append(f'{place}: row "{row_id}" is answered {both} at once; keep one')
            del mine[row_id, name]
    return bad


def _answers(row: FilledRow, known: KnownRows, bad: list[str]) -> list[Answer]:
    """The answers of one cell: on its row, and on the near copies that it stands for."""
    answers = []
    for row_id in (row.row_id, *row.copies):
        text = known.texts.get(row_id, known.gone.get(row_id))
        if row_id == row.row_id and row.text is not None:
            text = row.text if text is not None else None
        if text is None:
            few = len(known.texts) < 10_000 and len(bad) < _SHOWN  # to find the nearest of many takes long
            near = did_you_mean(row_id, known.texts) if few else "see the ids of the input"
            bad.append(f'{row.place}: no row "{row_id}" in the input or in any night here; {near}')
            continue
        if row.verdict is Verdict.WRONG_PARAPHRASE and row_id in known.texts:
            bad.append(
                f'{row.place}: row "{row_id}" is of the input, and no paraphrase; expected "junk", or another word'
            )
            continue
        shown = dict(known.shown.get(row_id, {}).get(row.task or "", {}))
        if row.task is None:  # of a verdict on the text: what was shown of whichever task
            shown = dict(next(iter(known.shown.get(row_id, {}).values()), {}))
        if row_id != row.row_id:
            shown["answered_for"] = row.row_id
        answers.append(
            Answer(
                row_id=row_id,
                text=text,
                task=row.task,
                verdict=row.verdict,
                label=row.label,
                shown={**row.shown, **shown},
                note=row.note,
            )
        )
    return answers


def _new(
    collected: Mapping[str, Mapping[tuple[str, str], tuple[Answer, str]]],
    answers: Answers | None,
    counts: dict[str, int],
) -> dict[str, list[Answer]]:
    """Person → the answers that the same person has not given already, so that a file may be imported twice."""
    columns = ["who", "row_id", "text_digest", "task", "verdict", "label"]
    there = set(answers.current()[columns].itertuples(index=False, name=None)) if answers is not None else set()
    given: dict[str, list[Answer]] = {}
    for who, mine in collected.items():
        for answer, _ in mine.values():
            key = (who, answer.row_id, digest(answer.text), answer.task or "", answer.verdict.value, answer.label)
            if key in there:
                counts["repeated"] += 1
            else:
                given.setdefault(who, []).append(answer)
    return given


def _report(given: Sequence[Answer], known: KnownRows, counts: Mapping[str, int], bad: list[str]) -> ImportReport:
    of_input = [answer for answer in given if answer.row_id in known.texts]
    paraphrases = [answer for answer in given if answer.verdict is Verdict.WRONG_PARAPHRASE]
    return ImportReport(
        answers=len(given),
        rows=len({answer.row_id for answer in given}),
        gone=len(given) - len(of_input) - len(paraphrases),
        text_changed=sum(answer.text != known.texts[answer.row_id] for answer in of_input),
        left_out=bad,
        **counts,
    )


def report_in_words(report: ImportReport, name: str, *, dry_run: bool = False) -> list[str]:
    """What an import did, a line each."""
    verb = "would be stored" if dry_run else "stored"
    lines = [f"{name}: {many(report.answers, 'answer')} on {many(report.rows, 'row')} {verb}"]
    extra = {
        "without an answer": report.unanswered,
        "repeated, stored once": report.repeated,
        "for near copies of the rows that were asked": report.for_copies,
        "on rows that are not in the input any more: kept": report.gone,
        "on texts that have changed since: the next night asks again": report.text_changed,
    }
    lines += [f"{count:,} {words}" for words, count in extra.items() if count]
    if report.left_out:
        lines += [f"{many(len(report.left_out), 'answer')} left out:", *_first(report.left_out)]
    return lines


def _first(problems: Sequence[str]) -> list[str]:
    """The first of them, a line each, and how many more there are."""
    more = [f"  … and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
    return [f"  {problem}" for problem in problems[:_SHOWN]] + more
