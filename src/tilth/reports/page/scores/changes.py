"""What changed since the night before, as the page says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tilth.errors import RequestError
from tilth.reports.diff import BY_PEOPLE, since_last_night
from tilth.reports.drawing import formatted
from tilth.reports.page.files import RunFiles

LINES = 5
"""Lines of each kind; what is beyond them is counted."""
CAUSES = 2
"""Causes of changed labels that are named of each task."""
_STATUS = {"active": "usable", "review": "held back", "quarantined": "set aside", "removed": "gone"}
_WORD = {"rose": "rose", "fell": "fell", "new": "is new", "gone": "is gone"}


def since(run: RunFiles) -> dict[str, Any]:
    """The night before, what is out of the ordinary, and what changed by kind.

    Returns:
        `against` (a run id, or None), `why` there is nothing to compare (or None), `alarms` (in words, the farthest
        out first) and what their limits were `learned` from, `parts`
        (`title`, `count`, `lines`, `more`), `command` for all of it.
    """
    empty: dict[str, Any] = {"against": None, "why": None, "alarms": [], "learned": "", "parts": [], "command": None}
    try:
        since_then = since_last_night(run.folder)
    except RequestError as error:
        return {**empty, "why": f"It cannot be compared with an earlier night: {error}"}
    if since_then["first_night"] or since_then["changes"] is None:
        return {**empty, "why": "There is no earlier night here to compare this one with."}
    changes = since_then["changes"]
    parts = [_answers(run.record), _rows(changes), _labels(changes), _functions(changes), _classes(changes)]
    return {
        "against": since_then["against"],
        "why": None,
        **_alarms(since_then["alarms"]),
        "parts": [part for part in parts if part is not None],
        "config": [f"{one['key']}: {one['before']} → {one['after']}" for one in changes["config"]],
        "notes": changes["notes"],
        "command": f"tilth diff {since_then['against']} {run.folder.name}",
    }


def _alarms(alarms: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Each alarm without what the limit was learned from, which is said once for all of them."""
    sentences = [str(alarm["sentence"]).replace("macro-F1 of", "score of").split("; ", 1) for alarm in alarms]
    nights = min((alarm["nights"] for alarm in alarms), default=0)
    learned = f"the last {nights} nights" if nights > 1 else "what is usual elsewhere, for so few nights stand here yet"
    return {"alarms": [head for head, *_ in sentences], "learned": learned}


def _part(title: str, count: int, lines: Iterator[str]) -> dict[str, Any]:
    shown = list(lines)
    return {"title": title, "count": count, "lines": shown[:LINES], "more": max(len(shown) - LINES, 0)}


_OF_ANSWERS = (
    "answers_applied",
    "detectors_checked",
    "answers_agreement",
    "gold_corrected",
    "answers_differ",
    "answers_on_changed_texts",
)
"""Kinds of notes that say what people's answers did."""


def _answers(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """What people's answers did, all so far and not the last alone, and how often each detector was right by them."""
    answers = record.get("answers")
    if not isinstance(answers, Mapping):
        return None
    notes = (record.get("ingest") or {}).get("notes") or []
    sentences = [str(note["message"]) for note in notes if note.get("kind") in _OF_ANSWERS]
    last = (answers.get("gold") or {}).get("last_model") or {}
    sentences += [
        f"{task}: the last model's score on gold is {score['now']} by its labels as corrected, {score['before']} before"
        for task, score in (last.get("tasks") or {}).items()
        if score["now"] is not None and score["before"] is not None
    ]
    return _part("answers of people in force", int(answers.get("applied") or 0), iter(sentences))


def _rows(changes: Mapping[str, Any]) -> dict[str, Any] | None:
    rows = changes["rows"]
    if rows is None:
        return None
    added, removed, other = rows["added"]["count"], rows["removed"]["count"], rows["retexted"]["count"]

    def lines() -> Iterator[str]:
        if added:
            yield f"{added:,} came in"
        if removed:
            yield f"{removed:,} are gone from the input"
        if other:
            yield f"{other:,} have another text"
        for one in (changes["status"] or {}).get("changes") or []:
            why = f" ({str(one['reason']).replace('_', ' ')})" if one["reason"] else ""
            before, after = (_STATUS.get(one[name], str(one[name])) for name in ("from", "to"))
            yield f"{one['rows']:,} went from {before} to {after}{why}"

    return _part("Rows in and out", added + removed + other, lines())


def _labels(changes: Mapping[str, Any]) -> dict[str, Any] | None:
    if not changes["labels"]:
        return None

    def lines() -> Iterator[str]:
        for task, part in changes["labels"].items():
            if part["why"]:
                causes = sorted(part["why"].items(), key=lambda item: item[0] not in BY_PEOPLE)
                yield f"{task}: {'; '.join(f'{count:,} as {why}' for why, count in causes[:CAUSES])}"
        pairs = [(task, one) for task, part in changes["labels"].items() for one in part["pairs"]]
        for task, one in sorted(pairs, key=lambda item: -item[1]["rows"]):
            yield f"{task}: {one['rows']:,} from {one['from'] or 'no label'} to {one['to'] or 'no label'}"

    return _part("Labels changed", sum(part["count"] for part in changes["labels"].values()), lines())


def _functions(changes: Mapping[str, Any]) -> dict[str, Any]:
    moved = [one for one in changes["functions"] if one["verdicts"]]

    def lines() -> Iterator[str]:
        for one in moved:
            figures = [
                f"{name} {formatted(one['before'].get(name), '.0%')} → {formatted(one['after'].get(name), '.0%')}"
                for name in ("accuracy", "coverage")
                if any(str(verdict).startswith(name) for verdict in one["verdicts"])
            ]
            shown = f" ({'; '.join(figures)})" if figures else f" ({one['left_out']})" if one["left_out"] else ""
            yield f"{one['name'].rpartition('.')[2]}: {', '.join(one['verdicts'])}{shown}"

    return _part("Rules that rose or fell", len(moved), lines())


def _classes(changes: Mapping[str, Any]) -> dict[str, Any]:
    several, found = len(changes["classes"]) > 1, dict[str, list[str]]()
    for task, part in changes["classes"].items():
        for one in part["changed"]:
            name = f"{one['label']} ({task})" if several else str(one["label"])
            found.setdefault(name, []).append(_class(one))
    return _part(
        "Classes that rose or fell", len(found), (f"{name}: {'; '.join(parts)}" for name, parts in found.items())
    )


def _class(one: Mapping[str, Any]) -> str:
    """What changed of a class, without its name."""
    what, verb = one["what"], _WORD.get(one["verdict"], one["verdict"])
    if what == "rows":
        if one["verdict"] in ("new", "gone"):
            return f"{verb}, {one['before']:,} → {one['after']:,} rows"
        return f"rows {verb}, {one['before']:,} → {one['after']:,}"
    if what == "wrong labels":
        return f"labels called wrong {verb}, {one['before']:.0%} → {one['after']:.0%}"
    return f"score {verb}, {one['before']:.2f} → {one['after']:.2f}"
