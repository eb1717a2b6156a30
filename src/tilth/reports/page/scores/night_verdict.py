"""Is it better than last night, and is it in use: the first thing on the page, in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tilth.reports.page.files import RunFiles
from tilth.reports.page.scores.scores import answers, compare, expected, measure
from tilth.samples import Source, Split, Status

HEADLINES = {
    "better": "Better than last night",
    "same": "About the same as last night",
    "worse": "Worse than last night",
    "first": "A first night",
    "apart": "A night that no earlier one can be held against",
    "partial": "A part of a night",
    "unmeasured": "A night that nothing measures",
    "failed": "This night did not reach its end",
    "running": "This night is not over yet",
    "unknown": "What came of this night is not known",
}
ROWS = {"gold": "gold rows (checked by people, never learned from)", "held_out": "rows that were held out"}
_STAGES = 5


def verdict(run: RunFiles, earlier: RunFiles | None) -> dict[str, Any]:
    """The verdict of a night against the one before it.

    Returns:
        `word`, a key of `HEADLINES`; `headline`; `score` with its interval, by task too, or None; `against`, last
        night's score and the paired difference with its interval, or None; `sentences`, plain; `promoted` and
        `decision`, whether its model is in use and why.
    """
    ours = answers(run)
    score = measure(ours) if ours is not None else None
    difference = compare(ours, answers(earlier)) if earlier is not None else None
    against = {"run_id": earlier.folder.name, **difference} if earlier is not None and difference else None
    if score is not None and score["kind"] == "held_out":
        score = expected(score, run.record.get("cross_validated") or {})
        if against is not None and score["value"] is not None:
            against["value"] = round(score["value"] - against["difference"], 4)
    word = _word(run, earlier, score, against)
    return {
        "word": word,
        "headline": HEADLINES[word],
        "score": score or _recorded(run.record),
        "against": against,
        "sentences": _sentences(run, word, score, against),
        "promoted": run.record.get("promoted"),
        "decision": _decision(run.record, first=earlier is None),
    }


def _word(
    run: RunFiles, earlier: RunFiles | None, score: Mapping[str, Any] | None, against: Mapping[str, Any] | None
) -> str:
    status = run.record.get("status")
    if status in ("failed", "running"):
        return str(status)
    if status is None:
        return "unknown"
    if against is not None:
        return "better" if against["low"] > 0 else "worse" if against["high"] < 0 else "same"
    if _partial(run.record):
        return "partial"
    if score is None or score["value"] is None:
        return "unmeasured" if earlier is not None else "first"
    return "apart" if earlier is not None else "first"


def _partial(record: Mapping[str, Any]) -> bool:
    return len(record.get("asked") or [None] * _STAGES) < _STAGES


def _recorded(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """The score as the record has it, where the rows that it was measured on are gone: without an interval."""
    gold = record.get("gold") or {}
    kind, values = ("gold", gold) if gold else ("held_out", record.get("cross_validated") or {})
    tasks = [
        {"task": task, "rows": gold.get("rows"), "value": one.get("macro_f1"), "low": None, "high": None,
         "accuracy": one.get("accuracy"), **({"why": one["why"]} if "why" in one else {})}
        for task, one in values.items() if isinstance(one, Mapping)
    ]  # fmt: skip
    known = [task["value"] for task in tasks if task["value"] is not None]
    if not tasks:
        return None
    value = round(sum(known) / len(known), 4) if known else None
    return {"kind": kind, "rows": gold.get("rows"), "value": value, "low": None, "high": None, "tasks": tasks}


def _sentences(
    run: RunFiles, word: str, score: Mapping[str, Any] | None, against: Mapping[str, Any] | None
) -> list[str]:
    sentences = []
    if word == "failed":
        at = (run.record.get("failed") or {}).get("stage")
        where = f" in {str(at).replace('_', ' ')}" if at else ""
        sentences.append(f"It stopped{where}: {run.record.get('error') or 'nothing says why'}.".replace("..", "."))
    if against is not None:
        change = 100 * against["difference"]
        sure = {
            "better": "more than chance explains",
            "worse": "more than chance explains",
            "same": "so few rows cannot tell that from chance",
        }.get(word, "")
        sentences.append(
            f"On the same {against['rows']:,} rows tonight’s model scores {abs(change):.1f} points "
            f"{'higher' if change >= 0 else 'lower'} than that of night {against['run_id']}: {sure} (with 95% "
            f"certainty the true change lies between {points(against['low'])} and {points(against['high'])} points)."
        )
    elif word == "first":
        sentences.append("There is no earlier night to hold it against.")
    elif word == "apart":
        sentences.append("No earlier night answered the same rows under the same labels.")
    elif word == "partial":
        names = ", ".join(name.replace("_", " ") for name in run.record.get("asked") or [])
        sentences.append(f"Only some stages ran: {names}.")
    skipped = [
        f"{str(stage['name']).replace('_', ' ')} ({stage['skipped']})"
        for stage in run.record.get("stages") or []
        if stage.get("skipped") and (word != "partial" or stage["name"] in (run.record.get("asked") or []))
    ]
    if skipped:
        sentences.append(f"Not done: {'; '.join(skipped)}.")
    if score is None and word not in ("failed", "running", "unknown"):
        sentences.append("How good the model is was not measured: this night trained no model.")
    return sentences


def _decision(record: Mapping[str, Any], *, first: bool) -> str:
    """Whether the night's model is in use, and why, in one sentence without a term of art."""
    promoted, comparison = record.get("promoted"), record.get("comparison") or {}
    if promoted is None:
        return "No decision yet on which model is in use."
    if not promoted and comparison.get("interval"):
        return (
            f"Its model is not in use: on {comparison['rows']:,} rows it is surely worse than the best one so far, of "
            f"night {comparison['against']} ({points(comparison['difference'])} points)."
        )
    if not promoted and _partial(record):
        return "Its model, if there is one, is not in use: a part of a night never replaces the model of a whole one."
    if not promoted:
        why = str(record.get("promotion") or "the record does not say why").replace("_", " ")
        return f"Its model is not in use: {why}.".replace("..", ".")
    if comparison.get("against"):
        return (
            f"Its model is in use: it is not surely worse than the best one so far, of night {comparison['against']} "
            f"({points(comparison['difference'])} points on {comparison['rows']:,} rows)."
        )
    return f"Its model is in use: {'it is the first one' if first else 'no earlier one could be held against it'}."


def points(share: float) -> str:
    """A difference of two scores in points of a hundred, with its sign.

    >>> points(-0.0592), points(0.00001)
    ('−5.9', '0.0')
    """
    words = f"{100 * share:+.1f}".replace("-", "\N{MINUS SIGN}")
    return "0.0" if words.endswith("0.0") and len(words) == 4 else words


def row_counts(run: RunFiles, queued: int) -> dict[str, int]:
    """How many rows came in, and what became of them."""
    rows = run.rows
    used = run.frame["used"].eq(True).sum() if "used" in run.frame else 0
    return {
        "input": len(rows),
        "gold": int(rows["split"].eq(Split.GOLD).sum()),
        "active": int(rows["status"].eq(Status.ACTIVE).sum()),
        "review": int(rows["status"].eq(Status.REVIEW).sum()),
        "quarantined": int(rows["status"].eq(Status.QUARANTINED).sum()),
        "paraphrases": int(used) if run.frame["source"].eq(Source.PARAPHRASE).any() else 0,
        "queued": queued,
    }
