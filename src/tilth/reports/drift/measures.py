"""What of live texts is otherwise than in the rows that a night had, beyond chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from tilth.reports.diff import ALPHA, LEAST, holm, shares_differ
from tilth.samples import Source, Split, Status
from tilth.text import normal_form

OUTSIDE = 0.01
"""Share of the night's own rows that count as out of scope, where its model has no limit of its own."""
FEWEST = 50
"""Gold rows, or held-out ones, of which a usual share is known."""
_MOST_WORDS = 30


@dataclass(frozen=True, kw_only=True)
class LiveTexts:
    """Live texts with the model's answers; every array has one entry a text.

    Attributes:
        ids: their ids.
        texts: as they arrived, cleaned.
        predicted: for each task the label, None where none fits.
        confidence: for each task its calibrated probability.
        scope: 0 to 1, low = unlike any training row.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    predicted: Mapping[str, np.ndarray]
    confidence: Mapping[str, np.ndarray]
    scope: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """What is usual of rows that the model did not learn from: it is surer of those that it learned.

    Attributes:
        kind: which rows these are, in words.
        rows: how many.
        below: how many of them are out of scope.
        confidence: for each task the mean; empty where it is not known.
    """

    kind: str
    rows: int
    below: int
    confidence: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The night's own rows, the model's answers to them, and the limit of its scope.

    Attributes:
        run_id: the night.
        texts: active rows of the input, gold left out.
        predicted, confidence, scope: as in `LiveTexts`.
        limit: below which a text counts as out of scope.
        unseen: what is usual of rows that the model did not learn from; None where there are too few.
    """

    run_id: str
    texts: Sequence[str]
    predicted: Mapping[str, np.ndarray]
    confidence: Mapping[str, np.ndarray]
    scope: np.ndarray
    limit: float
    unseen: Unseen | None = None


def reference_of(
    run_id: str,
    frame: pd.DataFrame,
    tasks: Sequence[str],
    limit: float | None = None,
    held_out: tuple[float, int] | None = None,
) -> Reference:
    """The rows of a night's table that live texts are held against.

    Classes and words are compared with all active rows. The model is surer of rows that it learned from, so that the
    share out of scope is compared with that of the gold rows, else with that of the rows that set the limit.

    Args:
        run_id: the night.
        frame: its newest table.
        tasks: what it classifies.
        limit: of the scope, as the model has it; None or 0, of an older night: 1% of these rows are below it.
        held_out: the share of held-out rows that the limit rejects, and how many rows it was set by.
    """
    active = frame[frame["status"].eq(Status.ACTIVE) & frame["source"].eq(Source.INPUT)]
    rows = active[active["split"].ne(Split.GOLD)]
    scope = rows["out_of_scope_score"].to_numpy(dtype=float)
    limit = limit or (float(np.quantile(scope, OUTSIDE)) if len(scope) else 0.0)
    return Reference(
        run_id=run_id,
        texts=rows["text"].tolist(),
        predicted={task: rows[f"{task}_predicted"].to_numpy(dtype=object) for task in tasks},
        confidence={task: rows[f"{task}_predicted_confidence"].to_numpy(dtype=float) for task in tasks},
        scope=scope,
        limit=limit,
        unseen=_unseen(active[active["split"].eq(Split.GOLD)], tasks, limit, held_out),
    )


def _unseen(
    gold: pd.DataFrame, tasks: Sequence[str], limit: float, held_out: tuple[float, int] | None
) -> Unseen | None:
    """What is usual of rows that were not learned from."""
    if len(gold) >= FEWEST:
        below = int((gold["out_of_scope_score"].to_numpy(dtype=float) < limit).sum())
        means = {task: _mean(gold[f"{task}_predicted_confidence"].to_numpy(dtype=float)) for task in tasks}
        known = {task: mean for task, mean in means.items() if mean is not None}
        return Unseen(kind="gold rows", rows=len(gold), below=below, confidence=known)
    if held_out is not None and held_out[1] >= FEWEST:
        share, rows = held_out
        return Unseen(kind="held-out rows", rows=rows, below=round(share * rows), confidence={})
    return None


def measure_drift(live: LiveTexts, reference: Reference) -> dict[str, Any]:
    """What is otherwise, as plain JSON.

    `out_of_scope` compares the shares below the limit by Fisher's exact test, with rows that the model did not learn
    from where there are enough of them (`reference_kind`), and names a rise of two points at least. Each of `tasks`
    compares those of the classes that are predicted for texts above it, corrected for how many there are (Holm 1979).
    `new_words` are words that no row of the night holds, by the same test and correction over all such words.
    """
    outside = _outside(live, reference)
    tasks = {task: _classes(live, reference, task) for task in live.predicted}
    words = new_words(live.texts, reference.texts)
    drifted = bool(outside["drifted"] or words or any(one["grew"] or one["shrank"] for one in tasks.values()))
    known = {normal_form(text) for text in reference.texts}
    return {
        "run_id": reference.run_id,
        "rows": len(live.texts),
        "reference_rows": len(reference.texts),
        "seen_before": sum(normal_form(text) in known for text in live.texts),
        "out_of_scope": outside,
        "tasks": tasks,
        "new_words": words,
        "drifted": drifted,
    }


def _outside(live: LiveTexts, reference: Reference) -> dict[str, Any]:
    below, whole = int((live.scope < reference.limit).sum()), len(live.scope)
    other, other_whole, kind = int((reference.scope < reference.limit).sum()), len(reference.scope), "learned rows"
    if (unseen := reference.unseen) is not None:
        other, other_whole, kind = unseen.below, unseen.rows, unseen.kind
    p = shares_differ(below, whole, other, other_whole)
    share = below / max(whole, 1)
    more = share - other / max(other_whole, 1) >= LEAST
    interval = stats.binomtest(below, whole).proportion_ci(method="wilson") if whole else (0.0, 0.0)
    return {
        "limit": round(reference.limit, 4),
        "rows": below,
        "share": round(share, 4),
        "interval": [round(float(end), 4) for end in interval],
        "reference_share": round(other / max(other_whole, 1), 4),
        "reference_rows": other_whole,
        "reference_kind": kind,
        "p": float(f"{p:.3g}"),
        "drifted": bool(more and p < ALPHA),
    }


def _classes(live: LiveTexts, reference: Reference, task: str) -> dict[str, Any]:
    now = Counter(_labels(live.predicted[task][live.scope >= reference.limit]))
    then = Counter(_labels(reference.predicted[task][reference.scope >= reference.limit]))
    whole, other = max(sum(now.values()), 1), max(sum(then.values()), 1)
    labels = sorted(now.keys() | then.keys())
    adjusted = holm([shares_differ(now[label], whole, then[label], other) for label in labels])
    changed: list[dict[str, Any]] = [
        {
            "label": label,
            "rows": now[label],
            "share": round(now[label] / whole, 4),
            "reference_share": round(then[label] / other, 4),
            "p": float(f"{p:.3g}"),
        }
        for label, p in zip(labels, adjusted, strict=True)
        if p < ALPHA
    ]
    changed.sort(key=lambda one: (-abs(one["share"] - one["reference_share"]), one["label"]))
    usual = reference.unseen.confidence.get(task) if reference.unseen is not None else None
    distance = sum(abs(now[label] / whole - then[label] / other) for label in labels) / 2
    return {
        "grew": [one for one in changed if now[one["label"]] / whole > then[one["label"]] / other],
        "shrank": [one for one in changed if now[one["label"]] / whole < then[one["label"]] / other],
        "total_variation": round(distance, 4),
        "mean_confidence": _mean(live.confidence[task]),
        "reference_mean_confidence": usual if usual is not None else _mean(reference.confidence[task]),
        "reference_kind": "learned rows" if usual is None or reference.unseen is None else reference.unseen.kind,
    }


def _labels(predicted: np.ndarray) -> Iterable[str]:
    return (label for label in predicted if isinstance(label, str))


def _mean(values: np.ndarray) -> float | None:
    known = values[~np.isnan(values)]
    return round(float(known.mean()), 4) if len(known) else None


def new_words(texts: Sequence[str], others: Sequence[str]) -> list[dict[str, Any]]:
    """Words of live texts that none of the others holds, beyond chance, the most frequent first.

    >>> [one["word"] for one in new_words(["is 6g here", "6g now", "no 6g", "is it"], ["is it here", "no"] * 20)]
    ['6g']
    """
    known = set().union(*(words_of(text) for text in others)) if others else set()
    counts: Counter[str] = Counter()
    first: dict[str, str] = {}
    for text in texts:
        for word in words_of(text) - known:
            counts[word] += 1
            first.setdefault(word, text)
    words = sorted(counts, key=lambda word: (-counts[word], word))
    adjusted = holm([shares_differ(counts[word], len(texts), 0, len(others)) for word in words])
    rising = [
        {"word": word, "rows": counts[word], "share": round(counts[word] / len(texts), 4), "example": first[word][:200]}
        for word, p in zip(words, adjusted, strict=True)
        if p < ALPHA
    ]
    return rising[:_MOST_WORDS]


def words_of(text: str) -> set[str]:
    """The words of a text, without numbers."""
    return {word for word in normal_form(text).split() if any(map(str.isalpha, word)) and len(word) > 1}
