"""The tables of weak supervision in the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from snorkel.labeling import LFAnalysis

from tilth.stage import Figure
from tilth.weak_supervision.functions import Measured
from tilth.weak_supervision.models import ROUNDS, Choice
from tilth.weak_supervision.voting import Ballot

SHOWN = 20
"""Rows of a table that a person is asked to read."""
_NAMES = {
    "text": "the text alone, by the labels",
    **{f"joint-{rounds}": f"joint: votes, labels, text, neighbors; {rounds} rounds" for rounds in ROUNDS},
    "snorkel": "Snorkel's label model",
    "majority": "majority vote",
}


def summary(task: str, ballots: Sequence[Ballot], matrix: np.ndarray, truth: np.ndarray, out: set[str]) -> Figure:
    """LFAnalysis's coverage, overlaps and conflicts, with the accuracy on labeled rows beside them."""
    found = LFAnalysis(matrix.astype(np.int64)).lf_summary()
    rows = []
    for place, ballot in enumerate(ballots):
        told = (matrix[:, place] >= 0) & (truth >= 0)
        right = float((matrix[told, place] == truth[told]).mean()) if told.any() else None
        rows.append(
            [
                ballot.function.name,
                *(round(float(found[name].iloc[place]), 4) for name in ("Coverage", "Overlaps", "Conflicts")),
                None if right is None else round(right, 4),
                int(told.sum()),
                "no" if ballot.function.name in out else "yes",
            ]
        )
    return Figure(
        kind="table",
        title=f"Labeling functions of {task}",
        data={
            "columns": ["function", "coverage", "overlaps", "conflicts", "accuracy", "measured on", "used"],
            "rows": rows,
        },
        note="Accuracy is measured on labeled train rows, which may be noisy; gold rows take no part.",
    )


def models(task: str, choice: Choice) -> Figure:
    """How the label models compare, and which one labels the night."""
    rows = [
        [_NAMES[name], round(score, 3), "yes" if name == choice.name else "no"]
        for name, score in sorted(choice.scores.items(), key=lambda item: -item[1])
    ]
    return Figure(
        kind="table",
        title=f"Label models of {task}, compared on {choice.by if 'held' in choice.by else 'what each did not see'}",
        data={"columns": ["label model", "mean log likelihood", "labels the night"], "rows": rows},
        note="Of labels or votes that a model did not see, 0 would be perfect; gold rows take no part.",
    )


def correlated(task: str, names: Sequence[str], matrix: np.ndarray) -> Figure | None:
    """Pairs of functions that mostly vote on the same rows: two voices that are nearly one."""
    cast = (matrix >= 0).astype(np.float64)
    both, count = cast.T @ cast, cast.sum(axis=0)
    either = np.maximum(count[:, None] + count[None, :] - both, 1)
    pairs = [
        (both[i, j] / either[i, j], i, j)
        for i in range(len(names))
        for j in range(i + 1, len(names))
        if both[i, j] >= 5 and both[i, j] > 0.3 * either[i, j]
    ]
    if not pairs:
        return None
    rows = [
        [names[i], names[j], int(both[i, j]), round(float(share), 3), round(_agree(matrix, i, j), 3)]
        for share, i, j in sorted(pairs, reverse=True)[:SHOWN]
    ]
    return Figure(
        kind="table",
        title=f"Labeling functions of {task} that speak of the same rows",
        data={"columns": ["one", "other", "rows with both", "of rows with either", "agree"], "rows": rows},
        note="Two that nearly always vote together count as two witnesses and are closer to one.",
    )


def _agree(matrix: np.ndarray, i: int, j: int) -> float:
    both = (matrix[:, i] >= 0) & (matrix[:, j] >= 0)
    return float((matrix[both, i] == matrix[both, j]).mean())


def drift(tonight: Mapping[str, Measured], history: Mapping[str, Sequence[Measured]], why: Mapping[str, str]) -> Figure:
    """Coverage and accuracy of each function against the nights before."""
    rows = []
    for name, now in tonight.items():
        same = [one for one in history.get(name, ()) if one.key == now.key]
        if same:
            told, rows_then = sum(one.told for one in same), sum(one.rows for one in same)
            rows.append(
                [
                    name,
                    len(same),
                    round(now.voted / max(1, now.rows), 4),
                    round(sum(one.voted for one in same) / max(1, rows_then), 4),
                    round(now.right / now.told, 4) if now.told else None,
                    round(sum(one.right for one in same) / told, 4) if told else None,
                    why.get(name) or "no",
                ]
            )
    return Figure(
        kind="table",
        title="Labeling functions against the last nights",
        data={
            "columns": ["function", "nights", "coverage", "then", "accuracy on labeled rows", "then", "drifted"],
            "rows": rows,
        },
        note="A function that nobody edited and that drifts further than chance and max_drift allow is left out.",
    )


def disputed(task: str, frame: pd.DataFrame, given: np.ndarray, said: np.ndarray, confidence: np.ndarray) -> Figure:
    """Given labels that the witnesses together contradict, the surest first.

    Args:
        task: its name.
        frame: `id` and `text` of the disputed rows.
        given: their labels, names.
        said: what the witnesses say, names.
        confidence: how sure they are.
    """
    order = np.argsort(-confidence, kind="stable")[:SHOWN]
    rows = [
        [frame["id"].iloc[i], frame["text"].iloc[i][:120], given[i], said[i], round(float(confidence[i]), 3)]
        for i in order
    ]
    return Figure(
        kind="table",
        title=f"{task}: labels that the witnesses contradict",
        data={"columns": ["id", "text", "label", "witnesses say", "confidence"], "rows": rows},
        note='A label is never overwritten here: with `disputes = "review"` it waits for a person\'s look.',
    )
