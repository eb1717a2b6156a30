"""The tables of weak supervision in the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from snorkel.labeling import LFAnalysis

from tilth.stage import Figure
from tilth.weak_supervision.functions import FunctionRecord
from tilth.weak_supervision.models import ROUNDS, TEXT_MODEL, Choice
from tilth.weak_supervision.voting import Ballot

SHOWN = 20
"""Rows of a table that a person is asked to read."""
_NAMES = {
    TEXT_MODEL: "the text alone, by the labels",
    **{f"joint-{rounds}": f"joint: votes, labels, text, neighbors; {rounds} rounds" for rounds in ROUNDS},
    "snorkel": "Snorkel's label model",
    "majority": "majority vote",
}


def summary(task: str, ballots: Sequence[Ballot], matrix: np.ndarray, truth: np.ndarray, left_out: set[str]) -> Figure:
    """LFAnalysis's coverage, overlaps and conflicts, with the accuracy on labeled rows beside them."""
    analysis = LFAnalysis(matrix.astype(np.int64)).lf_summary()
    rows = []
    for place, ballot in enumerate(ballots):
        measured = (matrix[:, place] >= 0) & (truth >= 0)
        right = float((matrix[measured, place] == truth[measured]).mean()) if measured.any() else None
        rows.append(
            [
                ballot.function.name,
                *(round(float(analysis[name].iloc[place]), 4) for name in ("Coverage", "Overlaps", "Conflicts")),
                None if right is None else round(right, 4),
                int(measured.sum()),
                "no" if ballot.function.name in left_out else "yes",
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
    measured_on = choice.by if "held" in choice.by else "what each did not learn from"
    rows = [
        [_NAMES[name], round(score, 3), "yes" if name == choice.name else "no"]
        for name, score in sorted(choice.scores.items(), key=lambda item: -item[1])
    ]
    return Figure(
        kind="table",
        title=f"Label models of {task}, compared on {measured_on}",
        data={"columns": ["label model", "mean log likelihood", "labels the night"], "rows": rows},
        note="Of labels or votes that a model did not learn from; 0 would be perfect. Gold rows take no part.",
    )


def correlated(task: str, names: Sequence[str], matrix: np.ndarray) -> Figure | None:
    """Pairs of functions that mostly vote on the same rows, and so are hardly two."""
    voted = (matrix >= 0).astype(np.float64)
    both, count = voted.T @ voted, voted.sum(axis=0)
    either = np.maximum(count[:, None] + count[None, :] - both, 1)
    pairs = np.argwhere(np.triu((both >= 5) & (both > 0.3 * either), 1))
    if not len(pairs):
        return None
    share = both / either
    rows = [
        [names[i], names[j], int(both[i, j]), round(float(share[i, j]), 3), round(_agree(matrix, i, j), 3)]
        for i, j in sorted(pairs, key=lambda pair: (share[tuple(pair)], *pair), reverse=True)[:SHOWN]
    ]
    return Figure(
        kind="table",
        title=f"Labeling functions of {task} that vote on the same rows",
        data={"columns": ["one", "other", "rows with both", "of rows with either", "agree"], "rows": rows},
        note="Two that nearly always vote together count as two, and are closer to one.",
    )


def _agree(matrix: np.ndarray, i: int, j: int) -> float:
    both = (matrix[:, i] >= 0) & (matrix[:, j] >= 0)
    return float((matrix[both, i] == matrix[both, j]).mean())


def drift(
    tonight: Mapping[str, FunctionRecord], history: Mapping[str, Sequence[FunctionRecord]], why: Mapping[str, str]
) -> Figure:
    """Coverage and accuracy of each function against the nights before."""
    rows = []
    for name, now in tonight.items():
        same = [one for one in history.get(name, ()) if one.key == now.key]
        if same:
            labeled, rows_then = sum(one.labeled for one in same), sum(one.rows for one in same)
            rows.append(
                [
                    name,
                    len(same),
                    round(now.voted / max(1, now.rows), 4),
                    round(sum(one.voted for one in same) / max(1, rows_then), 4),
                    round(now.right / now.labeled, 4) if now.labeled else None,
                    round(sum(one.right for one in same) / labeled, 4) if labeled else None,
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


def disputed(
    task: str, frame: pd.DataFrame, given: np.ndarray, predicted: np.ndarray, confidence: np.ndarray
) -> Figure:
    """Given labels that votes and texts together contradict, the most confident first.

    Args:
        task: its name.
        frame: `id` and `text` of the disputed rows.
        given: their labels, names.
        predicted: the label model's labels, names.
        confidence: their probabilities.
    """
    order = np.argsort(-confidence, kind="stable")[:SHOWN]
    rows = [
        [frame["id"].iloc[i], frame["text"].iloc[i][:120], given[i], predicted[i], round(float(confidence[i]), 3)]
        for i in order
    ]
    return Figure(
        kind="table",
        title=f"{task}: labels that votes and texts contradict",
        data={"columns": ["id", "text", "label", "predicted label", "confidence"], "rows": rows},
        note='A label is never overwritten here: with `disputes = "review"` it waits for a person to look.',
    )
