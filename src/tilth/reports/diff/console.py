"""A comparison in plain lines, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tilth.reports.drawing import formatted

SHOWN = 5
"""Examples and pairs of each kind; `--json` and the page have more."""


def diff_lines(changes: Mapping[str, Any], alarms: Sequence[Mapping[str, Any]] = ()) -> list[str]:
    """What is different between two nights, one line a fact.

    Args:
        changes: of `compare_nights`.
        alarms: of `night_alarms`, shown first.
    """
    before, after = changes["before"], changes["after"]
    lines = [f"{before['run_id']} → {after['run_id']}"]
    lines += [f"note: {note}" for note in changes["notes"]]
    lines += [f"alarm: {alarm['sentence']}" for alarm in alarms]
    lines += [line for task, part in changes["scores"].items() for line in _score(task, part)]
    if changes["rows"] is not None:
        lines += _rows(changes["rows"])
    lines += [line for task, part in changes["labels"].items() for line in _labels(task, part)]
    if changes["status"] is not None and changes["status"]["count"]:
        lines += _status(changes["status"])
    lines += [line for entry in changes["functions"] if (line := _function(entry))]
    lines += [line for task, part in changes["classes"].items() for line in _classes(task, part)]
    lines += [f"config: {one['key']}: {_value(one['before'])} → {_value(one['after'])}" for one in changes["config"]]
    if not (changes["config"] or _anything(changes)):
        lines.append("nothing changed")
    return lines


def _anything(changes: Mapping[str, Any]) -> bool:
    rows, status = changes["rows"], changes["status"]
    return bool(
        (rows and any(rows[name]["count"] for name in ("added", "removed", "retexted")))
        or (status and status["count"])
        or any(part["count"] for part in changes["labels"].values())
        or any(entry["verdicts"] or entry["votes_changed"] for entry in changes["functions"])
        or any(part["changed"] for part in changes["classes"].values())
        or any(part["difference"] and part["difference"]["value"] for part in changes["scores"].values())
    )


def _score(task: str, part: Mapping[str, Any]) -> list[str]:
    one = part["difference"]
    if one is None:
        scores = [part[which]["macro_f1"] if part[which] else None for which in ("before", "after")]
        if scores == [None, None]:
            return []
        return [f"{task}: macro-F1 {_score_of(scores[0])} → {_score_of(scores[1])}, not compared: {part['why_not']}"]
    words = "gold rows" if one["kind"] == "gold" else "held-out train rows"
    interval = f"difference {one['value']:+.3f}, 95% interval {one['interval'][0]:+.3f} to {one['interval'][1]:+.3f}"
    on = f"on the same {one['rows']} {words}"
    return [f"{task}: macro-F1 {one['before']:.3f} → {one['after']:.3f} {on}: {one['verdict']} ({interval})"]


def _rows(rows: Mapping[str, Any]) -> list[str]:
    lines = [f"rows: {rows['before']:,} → {rows['after']:,}"]
    for name, words in (("added", "added"), ("removed", "removed"), ("retexted", "with another text")):
        if count := rows[name]["count"]:
            first = rows[name]["shown"][0]["id"] if rows[name]["shown"] else None
            lines.append(f"  {count:,} {words}{f' (first: {first})' if first else ''}")
    for name, words in (("paraphrases", "paraphrases used"), ("queue", "rows in the queue")):
        was, now = (_used(rows[name][which]) for which in ("before", "after"))
        if was != now:
            lines.append(f"  {words}: {_value(was)} → {_value(now)}")
    return lines


def _used(value: Any) -> Any:
    return value["used"] if isinstance(value, Mapping) else value


def _labels(task: str, part: Mapping[str, Any]) -> list[str]:
    if not part["count"]:
        return []
    lines = [f"{task}: {part['count']:,} labels changed"]
    lines += [f"  {count:,}: {why}" for why, count in part["why"].items()]
    lines += [f"  {_label(one['from'])} → {_label(one['to'])}: {one['rows']:,}" for one in part["pairs"][:SHOWN]]
    more = len(part["pairs"]) + part["more_pairs"] - SHOWN
    return lines + ([f"  and {more} more pairs"] if more > 0 else [])


def _status(part: Mapping[str, Any]) -> list[str]:
    lines = [f"status: {part['count']:,} rows changed"]
    for one in part["changes"][:SHOWN]:
        because = f" ({one['reason'].replace('_', ' ')})" if one["reason"] else ""
        lines.append(f"  {one['from']} → {one['to']}{because}: {one['rows']:,}")
    return lines


def _function(entry: Mapping[str, Any]) -> str | None:
    if not entry["verdicts"] and not entry["votes_changed"]:
        return None
    words = [*entry["verdicts"]]
    if entry["votes_changed"]:
        words.append(f"votes otherwise on {entry['votes_changed']:,} rows whose text is the same")
    was, now = entry["before"], entry["after"]
    names = ("coverage", "accuracy") if was and now else ()
    shares = [f"{name} {_percent(was.get(name))} → {_percent(now.get(name))}" for name in names]
    left_out = [f"left out: {entry['left_out']}"] if entry["left_out"] else []
    return f"function {entry['name']}: {'; '.join([', '.join(words), *shares, *left_out])}"


def _classes(task: str, part: Mapping[str, Any]) -> list[str]:
    lines = []
    for one in part["changed"]:
        label = _label(one["label"])
        if one["what"] == "rows":
            low, high = one["usual"]
            usual = f" (by chance {low:,} to {high:,})" if one["verdict"] in ("rose", "fell") else ""
            lines.append(f"{task}: class {label} {one['verdict']}: {one['before']:,} → {one['after']:,} rows{usual}")
        else:
            show = _percent if one["what"] == "wrong labels" else _score_of
            words = "share of given labels called wrong" if one["what"] == "wrong labels" else "F1"
            lines.append(
                f"{task}: class {label}: {words} {one['verdict']}: {show(one['before'])} → {show(one['after'])}"
            )
    return lines


def _label(label: str | None) -> str:
    return "no label" if label is None else label


def _score_of(value: float | None) -> str:
    return formatted(value, ".3f", "none")


def _percent(value: float | None) -> str:
    return formatted(value, ".1%", "none")


def _value(value: Any) -> str:
    return "none" if value is None else str(value)
