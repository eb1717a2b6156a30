"""Classes that grew or shrank, whose labels are called wrong more often, or that the model knows better or worse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tilth.reports.columns import column
from tilth.reports.diff.scores import Answers, SharedAnswers, shared_answers
from tilth.reports.diff.side import Side
from tilth.reports.diff.significance import ALPHA, LEAST, count_change, discordant, holm, shares_differ


def compare_classes(
    before: Side, after: Side, task: str, answers: tuple[Answers | None, Answers | None]
) -> dict[str, Any]:
    """Classes of a task by what changed more than chance explains, the surest first.

    Args:
        before: the earlier night.
        after: the later one.
        task: what is classified.
        answers: of both nights, by `answers_of`.

    Returns:
        `changed`, a list of `label`, `what`, `verdict`, `before`, `after`, `p` (corrected for the number of classes)
        and `usual`, and `tested`, how many classes were looked at. `what` is one of

        - `rows`: rows with that current label, against what chance would make of the rows that came, went or changed
          their label; `usual` are the two counts between which it lies 95 times of 100;
        - `wrong labels`: the share of given labels that cleaning calls wrong, by Fisher's exact test;
        - `F1`: on the same gold (or held-out) rows, by McNemar's exact test over the rows that are right in one of the
          nights alone.
    """
    shifts = [*_sizes(before, after, task), *_issues(before, after, task)]
    if (shared := shared_answers(answers[1], answers[0])) is not None:
        shifts += _f1(shared)
    changed = []
    for what in ("rows", "wrong labels", "F1"):
        entries = [entry for entry in shifts if entry["what"] == what]
        for entry, p in zip(entries, holm([entry["p"] for entry in entries]), strict=True):
            entry["p"] = float(p)
            moved = what == "rows" or abs(entry["after"] - entry["before"]) >= LEAST
            if (p < ALPHA and moved) or entry["verdict"] in ("new", "gone"):
                changed.append(entry)
    changed.sort(key=lambda entry: (entry["verdict"] not in ("new", "gone"), entry["p"]))
    return {"changed": changed, "tested": len({entry["label"] for entry in shifts})}


def _sizes(before: Side, after: Side, task: str) -> list[dict[str, Any]]:
    was, now = (column(side.free_rows, task).dropna() for side in (before, after))
    counts_was, counts = was.value_counts(), now.value_counts()
    shared = now.index[now.index.isin(was.index)]
    moved = was.loc[shared][was.loc[shared].to_numpy() != now.loc[shared].to_numpy()]
    flow = pd.concat([moved, now.loc[moved.index]]).value_counts()
    added, removed = len(now) - len(shared), len(was) - len(shared)
    entries = []
    for label in sorted({*counts_was.index, *counts.index}):
        old, new = int(counts_was.get(label, 0)), int(counts.get(label, 0))
        p, usual = 1.0, (0, 0)
        if new != old:
            share = old / len(was) if len(was) else 0.0
            p, usual = count_change(new - old, share, added=added, removed=removed, moved=int(flow.get(label, 0)))
        verdict = "new" if not old else "gone" if not new else "rose" if new - old > sum(usual) / 2 else "fell"
        entry = {"label": label, "what": "rows", "verdict": verdict, "before": old, "after": new, "p": p}
        entries.append({**entry, "usual": [max(old + usual[0], 0), old + usual[1]]})
    return entries


def _issues(before: Side, after: Side, task: str) -> list[dict[str, Any]]:
    counts = [_called_wrong(side, task) for side in (before, after)]
    entries = []
    for label in sorted({*counts[0]} & {*counts[1]}):
        (wrong_was, rows_was), (wrong, rows) = counts[0][label], counts[1][label]
        share_was, share = wrong_was / rows_was, wrong / rows
        entries.append(_moved(label, "wrong labels", share_was, share, shares_differ(wrong, rows, wrong_was, rows_was)))
    return entries


def _called_wrong(side: Side, task: str) -> dict[str, tuple[int, int]]:
    """Of each given label, how many rows cleaning calls wrong, and how many have it; empty without cleaning."""
    rows = side.free_rows
    if f"is_{task}_issue" not in rows:
        return {}
    table = pd.DataFrame({"label": column(rows, f"{task}_given"), "wrong": column(rows, f"is_{task}_issue").eq(True)})
    grouped = table.dropna(subset="label").groupby("label")["wrong"].agg(["sum", "size"])
    return {str(label): (int(one["sum"]), int(one["size"])) for label, one in grouped.iterrows()}


def _f1(answers: SharedAnswers) -> list[dict[str, Any]]:
    entries = []
    for label in sorted({str(one) for one in answers.truth if one is not None}):
        of_class = answers.truth == label
        was, now = answers.before == label, answers.after == label
        right_was, right = was == of_class, now == of_class
        f1_was, f1 = (2 * (predicted & of_class).sum() / (predicted.sum() + of_class.sum()) for predicted in (was, now))
        p = discordant(int(np.sum(right & ~right_was)), int(np.sum(right_was & ~right)))
        entries.append(_moved(label, "F1", float(f1_was), float(f1), p))
    return entries


def _moved(label: str, what: str, was: float, now: float, p: float) -> dict[str, Any]:
    """A share or a score of a class in both nights."""
    verdict = "rose" if now > was else "fell"
    return {"label": label, "what": what, "verdict": verdict, "before": round(was, 4), "after": round(now, 4), "p": p,
            "usual": None}  # fmt: skip
