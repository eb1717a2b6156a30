"""A night in plain lines, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tilth.store import fits_in_words


def line(entry: Mapping[str, Any]) -> str:
    """One finished stage in one line."""
    if entry["skipped"]:
        return f"{entry['name']:<17} skipped: {entry['skipped']}"
    if entry.get("left_out"):
        return f"{entry['name']:<17} {entry['left_out']}"
    aside = [f"{count} {reason}" for reason, count in {**entry["quarantined"], **entry["review"]}.items()]
    rows = [f"{entry['rows_in']} rows in", f"{entry['rows_out']} out"]
    kept = [words] if (words := fits_in_words(entry.get("fits", ()))) else []
    parts = [*rows, *_made(entry["name"], entry["metrics"]), *aside, *kept, f"{entry['seconds']:.1f} s"]
    return f"{entry['name']:<17} " + " · ".join(parts + (["cached"] if entry["cached"] else []))


def _made(name: str, metrics: Mapping[str, Any]) -> list[str]:
    """What a stage made of the rows, where it is no row set aside."""
    if name == "cleaning":
        return _cleaned(metrics)
    if name == "weak_supervision":
        counts = {task: measured["weakly_labeled_without_label"] for task, measured in metrics["tasks"].items()}
        return [f"{count} labels of {task}" for task, count in counts.items()]
    if name == "augmentation":
        return [f"{metrics['accepted']} paraphrases accepted, {metrics['used']} used"]
    if name == "active_learning":
        return _to_label(metrics)
    return []


def _to_label(metrics: Mapping[str, Any]) -> list[str]:
    """What a person is asked, how long it takes, and what is in doubt beside it."""
    parts = [f"{metrics['asked']} to label in some {max(1, round(metrics['minutes']))} min"]
    if beyond := metrics["beyond_the_budget"]:
        parts.append(f"{beyond} in doubt beyond the budget")
    return [*parts, metrics["expected"]["says"]] if metrics["expected"] else parts


_MANY = 0.5
"""Share of long texts from which on another way to read them is named."""


def _cleaned(metrics: Mapping[str, Any]) -> list[str]:
    """What cleaning read otherwise than a person may have meant it, beside the rows that it set aside."""
    kept = metrics.get("counts", {}).get("junk", {}).get("kept", {})
    parts = [f"{count} {kind} rows are no junk here, for there are many" for kind, count in kept.items()]
    if model := metrics.get("encoder", {}).get("try"):
        parts.append(f'the encoder reads these texts badly; a multilingual one: encoder.model = "{model}"')
    if (averaged := metrics.get("encoder", {}).get("averaged", 0)) >= _MANY:
        parts.append(
            f"{averaged:.0%} of the texts are read in chunks that are averaged; where one sentence of a text decides: "
            'encoder.long_texts = "passages"'
        )
    for task, measured in metrics.get("tasks", {}).items():
        if ignored := measured.get("consensus", {}).get("ignored_votes"):
            parts.append(f"{task}: annotators' votes for no class of it: {ignored}")
    return parts + [part for task, measured in metrics.get("copies", {}).items() for part in _of_copies(task, measured)]


_OF_COPIES = {
    "conflicting": "different labels for the same text",
    "lost": "labels of copies whose kept row has none",
    "near": "near copies whose kept row has another label",
}


def _of_copies(task: str, copies: Mapping[str, Any]) -> list[str]:
    """Labels that cleaning set aside with the copies, each kind with its first row."""
    return [
        f"{task}: {words}: {one['rows']} (first: {one['first']})"
        for kind, words in _OF_COPIES.items()
        if (one := copies[kind])["rows"]
    ]


def warnings(metrics: Mapping[str, Any]) -> list[str]:
    """The labeling functions that a night left out, and what is odd about others, as weak supervision's metrics say."""
    out, odd = metrics.get("left_out", {}), metrics.get("remarks", {})
    head = [f"labeling functions and files of them that are left out: {len(out)}"] if out else []
    return [
        *head,
        *(f"left out: {', '.join(names)}: {why}" for names, why in _alike(out)),
        *(f"note: {_several(names)}: {why}" for names, why in _alike(odd)),
    ]


def _alike(whys: Mapping[str, str]) -> list[tuple[list[str], str]]:
    """Names of which the same is said, together, in the order of the first of them."""
    by_reason: dict[str, list[str]] = {}
    for name, why in whys.items():
        by_reason.setdefault(why, []).append(name)
    return [(names, why) for why, names in by_reason.items()]


def _several(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:2])} and {len(names) - 2} more"


def plan_line(row: Mapping[str, Any]) -> str:
    """One stage of a plan in one line."""
    if not row["runs"]:
        return f"{row['stage']:<17} does not run: {row['why']}"
    rows = f"{row['rows']} rows" if row["exact"] else f"{row['rows']} rows or more"
    if row["seconds"] is not None and not row["cached"]:
        rows += f", some {_minutes(row['seconds'])} by the last nights"
    if row["cached"]:
        return f"{row['stage']:<17} runs on {rows}; from the cache: {row['folder']}"
    if row["after"] is not None:
        return f"{row['stage']:<17} runs on {rows}; whether it is cached depends on what {row['after']} says"
    return f"{row['stage']:<17} runs on {rows}; not cached"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
