"""What the report shows of cleaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tilth.cleaning.checks import Conflict
from tilth.samples import Action, Task
from tilth.stage import Figure

_SHOWN = 12
_KINDS = (
    "wordless: hardly a word without markup, addresses, codes and emoji. residue: what a program prints in place of a "
    "text. mash: keys struck at random. test: somebody tries whether a message arrives. automatic: replies and footers "
    "that a program wrote. bulk: unsolicited offers."
)


def figures(
    frame: pd.DataFrame, metrics: Mapping[str, Any], tasks: Sequence[Task], conflicts: Mapping[str, Conflict]
) -> list[Figure]:
    """The checks' counts; for each task the cut and its expected figures, the label quality and the worst labels."""
    counts = dict(metrics["checks"])
    counts |= {kind: result["rows"] for kind, result in metrics["whole"].items() if isinstance(result, Mapping)}
    shown = [
        Figure(
            kind="bar",
            title="What the checks found",
            data={"labels": list(counts), "values": list(counts.values())},
            note="Rows that are not gold. Non-iid, class imbalance and groups are found by Datalab, and are reported; "
            "no row is removed for them.",
        )
    ]
    if junk := metrics["counts"].get("junk", {}).get("kinds"):
        data = {"labels": list(junk), "values": list(junk.values())}
        shown.append(Figure(kind="bar", title="Junk, by kind", data=data, note=_KINDS))
    shown += _encoder(metrics["encoder"])
    for task in tasks:
        shown += _conflicting(frame, task.name, conflicts[task.name])
        shown += _of_task(frame, task.name, metrics["tasks"][task.name])
    return shown


def _encoder(reading: Mapping[str, Any]) -> list[Figure]:
    if not reading["badly"]:
        return []
    shown = [
        ["tokens a letter (English: 0.28 to 0.36)", reading["tokens_a_letter"]],
        ["share of unknown tokens (English: 0)", reading["unknown"]],
        ["near rows share the label, beyond chance", reading["agreement"]],
        ["the same by character n-grams", reading["agreement_by_ngrams"]],
    ]
    return [
        Figure(
            kind="table",
            title="The encoder reads these texts badly",
            data={"columns": ["measured", "value"], "rows": [row for row in shown if row[1] is not None]},
            note="Most of them are in a language that it does not know well. One line below [encoder] in tilth.toml "
            f'changes it: model = "{reading["try"]}" knows 50 languages; any other sentence encoder, by its Hub name '
            "or folder, will do. The next night encodes every text anew, once.",
        )
    ]


def _conflicting(frame: pd.DataFrame, task: str, conflict: Conflict) -> list[Figure]:
    if not conflict.rows.any():
        return []
    copies = frame[conflict.rows].groupby(conflict.text[conflict.rows], sort=True)
    rows = []
    for _, group in list(copies)[:_SHOWN]:
        votes = group[f"{task}_given"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
        counted = ", ".join(f"{label} ({count})" for label, count in votes.items())
        kept = group[group["duplicate_of"].isna()].iloc[0] if group["duplicate_of"].isna().any() else group.iloc[0]
        suggested = kept[f"{task}_suggested"]
        rows.append([kept["id"], kept["text"], counted, suggested if isinstance(suggested, str) else None])
    return [
        Figure(
            kind="table",
            title=f"Copies with different labels: {task}",
            data={"columns": ["kept row", "text", "labels of its copies", "suggested"], "rows": rows},
            note=f"{copies.ngroups} texts, the first {len(rows)} shown. A person should say which label is right; "
            "until then the label of most copies is the current one, at its share of them; there is none where "
            "two are as frequent.",
        )
    ]


def _of_task(frame: pd.DataFrame, task: str, metrics: Mapping[str, Any]) -> list[Figure]:
    quality = frame[f"{task}_quality"].dropna()
    if quality.empty:
        return []
    counts, edges = np.histogram(quality, bins=20, range=(0, 1))
    shown = frame[frame[f"is_{task}_issue"]].sort_values(f"{task}_given_confidence", kind="stable").head(_SHOWN)
    columns = ["text", f"{task}_given", f"{task}_suggested", f"{task}_given_confidence", f"{task}_action"]
    return [
        *_measured(task, metrics),
        *_annotators(task, metrics.get("consensus")),
        Figure(
            kind="histogram",
            title=f"Label quality: {task}",
            data={"edges": edges.round(2).tolist(), "counts": counts.tolist()},
            note="Probability that the given label is right; where rows are few, that models give it.",
        ),
        Figure(
            kind="table",
            title=f"Labels judged wrong: {task}",
            data={"columns": columns, "rows": shown[columns].round(3).astype(object).to_numpy().tolist()},
            note=_what_became(metrics["actions"]),
        ),
    ]


def _what_became(actions: Mapping[str, int]) -> str:
    """How many labels were corrected, and how many of those taken out have a likelier one in their place."""
    corrected, suggested, set_aside, review = (
        actions.get(one, 0) for one in (Action.CORRECT, Action.SUGGEST, Action.SET_ASIDE, Action.REVIEW)
    )
    return (
        f"{corrected} are corrected. {suggested} are taken out, and the suggested label counts in their place, at the "
        "chance that it is right, until a person answers, if no function votes. "
        f"{set_aside} more are taken out, and nothing takes their place. {review} wait for a person, and count at "
        "their own chance."
    )


def _cut(task: str, metrics: Mapping[str, Any]) -> list[Figure]:
    """The expected precision and recall along the number of flagged labels, with their intervals, and the cut."""
    curve = metrics["curve"]
    expected, (low, high) = metrics["measured"][metrics["filter"]], metrics["error_rate_interval"]
    series = {name.replace("_", " "): values for name, values in curve.items() if name != "flagged"}
    cut = metrics["issues"] / max(metrics["judged"], 1)
    note = (
        f"About {metrics['error_rate']:.1%} of the labels seem to be wrong ({low:.1%} to {high:.1%}: without people's "
        f"answers nobody can tell more exactly). {cut:.1%} are judged wrong; {expected['precision']:.0%} of those are "
        f"expected to be, and to be {expected['recall']:.0%} of all wrong labels. Low and high are what that may be. "
        f'cleaning.prefer = "{metrics["prefer"]}" sets the cut; "precision" judges fewer labels, "recall" more.'
    )
    x_label = "share of labels judged wrong"
    data = {"x": curve["flagged"], "series": series, "cut": round(cut, 4), "x_label": x_label}
    return [Figure(kind="line", title=f"How many labels to judge wrong: {task}", data=data, note=note)]


def _measured(task: str, metrics: Mapping[str, Any]) -> list[Figure]:
    if not metrics.get("measured"):
        return []
    if metrics.get("curve"):
        return _cut(task, metrics)
    rows = [
        [name, one["precision"], one["recall"], one["f1"], "yes" if name == metrics["filter"] else "no"]
        for name, one in metrics["measured"].items()
    ]
    return [
        Figure(
            kind="table",
            title=f"How well each filter finds wrong labels: {task}",
            data={"columns": ["filter", "precision", "recall", "F1", "chosen"], "rows": rows},
            note=f"Measured on {metrics['planted']} errors injected into this data, of the kind that it shows; about "
            f"{100 * metrics['error_rate']:.1f} % of the labels seem to be wrong.",
        )
    ]


def _annotators(task: str, consensus: Mapping[str, Any] | None) -> list[Figure]:
    if consensus is None:
        return []
    columns = ["annotator", "votes", "skill", "quality", "agreement", "worst_class"]
    rows = [[one[column] for column in columns] for one in consensus["annotators"]]
    return [
        Figure(
            kind="table",
            title=f"Annotators: {task}",
            data={"columns": [name.replace("_", " ") for name in columns], "rows": rows},
            note=f"Over {consensus['rows']} rows with several votes. Skill is the estimated share of right votes; by "
            "CROWDLAB, quality is how far the labels can be trusted and agreement how often they are its consensus.",
        )
    ]
