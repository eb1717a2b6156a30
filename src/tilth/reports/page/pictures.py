"""The figures that people look at: classes, confusions, functions, nights. Each says what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from tilth.reports.columns import column
from tilth.reports.drawing import least_span
from tilth.reports.history import past_nights
from tilth.reports.page.files import RunFiles
from tilth.reports.page.rows import seldom_right
from tilth.samples import Split
from tilth.store import stage_entry, stage_metrics

CLASSES, PAIRS, FUNCTIONS, NIGHTS = 12, 10, 14, 30
_SUMMARY = ("function", "coverage", "accuracy", "measured on", "used")


def functions(run: RunFiles) -> list[dict[str, Any]]:
    """Each labeling function's coverage and accuracy, as weak supervision measured them."""
    facts = []
    for figure in stage_entry(run.record, "weak_supervision").get("figures") or []:
        data = figure.get("data") or {}
        columns = data.get("columns") or []
        if figure.get("kind") == "table" and set(_SUMMARY) <= set(columns):
            at = [columns.index(name) for name in _SUMMARY]
            for row in data.get("rows") or []:
                name, coverage, accuracy, rows, used = (row[place] for place in at)
                facts.append(
                    {
                        "function": str(name),
                        "coverage": coverage,
                        "accuracy": accuracy,
                        "rows": rows,
                        "used": used != "no",
                    }
                )
    left_out = stage_metrics(run.record, "weak_supervision").get("left_out") or {}
    known = {one["function"] for one in facts}
    for full_name in left_out:
        name = str(full_name).rpartition(".")[2]
        if name not in known:
            facts.append({"function": name, "coverage": None, "accuracy": None, "rows": 0, "used": False})
    return facts


def functions_figure(facts: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Coverage and accuracy side by side: those that are right too seldom, then those that speak most often."""
    voting = sorted(
        (one for one in facts if one["coverage"]), key=lambda one: (not seldom_right(one), -one["coverage"])
    )
    if not voting:
        return None
    shown = voting[:FUNCTIONS]
    seldom = sum(seldom_right(one) for one in shown)
    rows = max(one["rows"] or 0 for one in shown)
    return {
        "kind": "bar",
        "title": "Labeling functions (rules): how often each speaks, and how often it is right",
        "data": {
            "labels": [one["function"] for one in shown],
            "series": {
                "speaks on": [one["coverage"] for one in shown],
                "is right on": [one["accuracy"] for one in shown],
            },
            "format": "percent",
        },
        "note": f"Share of all rows on which a function gives a label, and share of those with a label of their own "
        f"(up to {rows:,} a function, whose labels may be wrong themselves) where the two agree."
        + (f" Those that are right too seldom stand first ({seldom})." if seldom else "")
        + _more(len(voting), len(shown), "functions that speak"),
    }


def balance(run: RunFiles) -> list[dict[str, Any]]:
    """For each task, rows a class as they came and as the model learns from them; those that changed most first."""
    charts = []
    rows = run.frame[run.frame["split"].ne(Split.GOLD)]
    learned = rows[rows["status"].eq("active") & ~column(rows, "used").eq(False)]
    for task in run.tasks:
        before = column(rows, f"{task.name}_given").dropna().astype(str).value_counts()
        after = learned[task.name].dropna().astype(str).value_counts()
        both = pd.DataFrame({"before": before, "after": after}).fillna(0).astype(int)
        if both.empty:
            continue
        both["change"] = (both["after"] - both["before"]).abs()
        both = both.sort_values(["change", "after"], ascending=False, kind="stable")
        shown = both.head(CLASSES)
        charts.append(
            {
                "task": task.name,
                "classes": len(both),
                "figure": {
                    "kind": "bar",
                    "title": f"Rows of each class, before and after the night: {task.name}",
                    "data": {
                        "labels": [str(label) for label in shown.index],
                        "series": {"as they came": shown["before"].tolist(), "learned from": shown["after"].tolist()},
                    },
                    "note": f"Counted on {int(both['before'].sum()):,} rows that came with a label and "
                    f"{int(both['after'].sum()):,} that the model learns from; gold rows are not among them."
                    + _more(len(both), len(shown), "classes", "that changed most"),
                },
            }
        )
    return charts


def confusions(run: RunFiles) -> list[dict[str, Any]]:
    """For each task, the pairs of labels that cleaning found mistaken for each other."""
    charts = []
    for task in run.tasks:
        wrong = run.frame[column(run.frame, f"is_{task.name}_issue").eq(True) & run.frame["split"].ne(Split.GOLD)]
        given, suggested = (column(wrong, f"{task.name}_{name}") for name in ("given", "suggested"))
        known = given.notna() & suggested.notna() & (given != suggested)
        pairs = pd.Series(list(zip(given[known], suggested[known], strict=True)), dtype=object).value_counts()
        if pairs.empty:
            continue
        shown = pairs.head(PAIRS)
        metrics = (stage_metrics(run.record, "cleaning").get("tasks") or {}).get(task.name) or {}
        charts.append(
            {
                "task": task.name,
                "figure": {
                    "kind": "bar",
                    "title": f"Labels that stand where another belongs: {task.name}",
                    "data": {
                        "labels": [f"{first} → {second}" for first, second in shown.index],
                        "values": [int(count) for count in shown],
                    },
                    "note": f"Given label → the one that the evidence supports. Cleaning calls {int(known.sum()):,} of "
                    f"{metrics.get('judged', len(run.rows)):,} labels wrong." + _more(len(pairs), len(shown), "pairs"),
                },
            }
        )
    return charts


def planted(run: RunFiles) -> list[dict[str, Any]]:
    """For each task, how often cleaning is right when it calls a label wrong: as estimated, and as people found."""
    facts = []
    for task in run.tasks:
        metrics = (stage_metrics(run.record, "cleaning").get("tasks") or {}).get(task.name) or {}
        chosen = (metrics.get("measured") or {}).get(metrics.get("filter") or "") or {}
        people = _people(run, task.name)
        facts.append(
            {
                "task": task.name,
                "called_wrong": metrics.get("issues"),
                "of": metrics.get("judged"),
                "precision": chosen.get("precision"),
                "interval": chosen.get("precision_interval"),
                "planted": metrics.get("planted"),
                "answered": people.get("checked", 0),
                "answered_wrong": people.get("right", 0),
                "answered_interval": [people["low"], people["high"]] if people else None,
            }
        )
    return [one for one in facts if one["called_wrong"] is not None]


def _people(run: RunFiles, task: str) -> Mapping[str, Any]:
    """What people said of the labels that cleaning called wrong (`tilth.io.answers.detector_record`)."""
    answers = run.record.get("answers") or {}
    return ((answers.get("detectors") or {}).get(task) or {}).get("suspects") or {}


def trend(runs: Path, run_id: str) -> list[dict[str, Any]]:
    """The last whole nights up to this one: score, rows, rows that wait for a person."""
    names = {"run_id": "run_id", "started": "started", "score": "score", "rows": "rows", "waiting": "waiting",
             "promoted": "promoted", "measured_on": "kind"}  # fmt: skip
    nights = [
        night
        for night in past_nights(runs)
        if night["status"] == "completed" and night["whole"] is not False and night["run_id"] <= run_id
    ]
    return [{name: night[key] for key, name in names.items()} for night in nights[-NIGHTS:]]


def trend_figures(nights: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Three lines over the nights; none for a first night, where there is nothing to compare."""
    if len(nights) < 2:
        return []
    kinds = {night["kind"] for night in nights if night["score"] is not None}
    measured = "gold rows" if kinds == {"gold"} else "a mix of gold rows and estimates" if len(kinds) > 1 else (
        "estimates without gold rows"
    )  # fmt: skip
    parts = (
        ("score", "Score of each night", f"Macro-F1, the mean over all tasks, on {measured}; 1 is perfect."),
        ("rows", "Rows that came in", "All rows of the input and of the gold file."),
        ("waiting", "Rows that wait for a person", "Texts to check and labels in doubt."),
    )
    days = [str(night["started"] or night["run_id"])[:10] for night in nights]
    when = f"nights of {days[0]}" if days[0] == days[-1] else f"nights, {days[0]} to {days[-1]}"
    return [
        {
            "kind": "line",
            "title": title,
            "data": {
                "x": list(range(1, len(nights) + 1)),
                "y": [night[key] for night in nights],
                "ticks": days,
                "x_label": when,
                "y_label": "",
                "least_span": least_span([night[key] for night in nights if night[key] is not None]),
            },
            "note": f"{note} The last {len(nights)} whole nights.",
        }
        for key, title, note in parts
        if any(night[key] is not None for night in nights)
    ]


def _more(count: int, shown: int, what: str, which: str = "first") -> str:
    if count <= shown:
        return ""
    part = f"first {shown}" if which == "first" else f"{shown} {which}"
    return f" The {part} of {count:,} {what} are shown."
