"""The score of each night with its interval, and their difference on the same rows with its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tilth import learn, store
from tilth import samples as table
from tilth.errors import DamagedFileError
from tilth.reports.columns import values
from tilth.reports.diff.side import Side
from tilth.samples import Split

SEED = 0


@dataclass(frozen=True, kw_only=True)
class Answers:
    """A night's answers to rows whose label is known, of one task.

    Attributes:
        kind: `gold` or `held_out`.
        rows: `truth` and `predicted` by (id, text digest); None is no label.
    """

    kind: str
    rows: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class SharedAnswers:
    """Both nights' answers to the rows that both know, arrays of labels of shape (rows,)."""

    kind: str
    truth: np.ndarray
    before: np.ndarray
    after: np.ndarray


def answers_of(side: Side, task: str) -> Answers | None:
    """What a night's model says of its gold rows, else of its held-out rows; None where it trained none."""
    if side.frame is not None and f"{task}_predicted" in side.frame:
        truth = table.gold_labels(side.frame, task)
        rows = side.frame[side.frame["split"].eq(Split.GOLD) & truth.notna()]
        if len(rows):
            digests = [store.digest(text) for text in rows["text"]]
            return Answers(kind="gold", rows=_by_row(rows["id"], digests, truth[rows.index], rows, task))
    path = side.path / store.HELD_OUT
    try:
        held = table.to_pandas(store.read_table(path)) if path.exists() else None
    except DamagedFileError:
        return None
    if held is None or f"{task}_predicted" not in held:
        return None
    held = held[held[task].notna()]
    return Answers(kind="held_out", rows=_by_row(held["id"], held["text_digest"], held[task], held, task))


def shared_answers(ours: Answers | None, other: Answers | None) -> SharedAnswers | None:
    """The rows that both nights answered, with the truth as the later night has it (`ours`); None where there are none.

    Args:
        ours: of the later night.
        other: of the earlier one.
    """
    if ours is None or other is None or ours.kind != other.kind:
        return None
    rows = ours.rows.index[ours.rows.index.isin(other.rows.index)]
    if not len(rows):
        return None
    return SharedAnswers(
        kind=ours.kind,
        truth=values(ours.rows.loc[rows], "truth"),
        before=values(other.rows.loc[rows], "predicted"),
        after=values(ours.rows.loc[rows], "predicted"),
    )


def score_of(answers: Answers | None, task: str) -> dict[str, Any] | None:
    """Macro-F1 of one night with its 95% interval, on all rows that it was measured on."""
    if answers is None:
        return None
    truth = {task: values(answers.rows, "truth")}
    predicted = {task: values(answers.rows, "predicted")}
    if learn.why_no_score(list(truth[task])) is not None:
        return None
    low, high = learn.score_interval(truth, predicted, SEED)
    return {
        "kind": answers.kind,
        "rows": len(answers.rows),
        "macro_f1": round(learn.score(truth, predicted), 4),
        "interval": [round(low, 4), round(high, 4)],
    }


def compare_scores(old: Answers | None, new: Answers | None, task: str) -> dict[str, Any]:
    """`before` and `after`, each as `score_of`; `difference` on the rows that both know, `why_not` where there is none.

    The difference has `rows`, `before` and `after` on these rows, `value`, its `interval` by the paired bootstrap, and
    a `verdict`: `better` or `worse` where the interval leaves zero out, else `same`.

    Args:
        old: the earlier night's answers, by `answers_of`.
        new: the later night's.
        task: what they answer.
    """
    shared = shared_answers(new, old)
    scores: dict[str, Any] = {"before": score_of(old, task), "after": score_of(new, task)}
    if shared is None or learn.why_no_score(list(shared.truth)) is not None:
        return {**scores, "difference": None, "why_not": _why_not(old, new)}
    one = learn.difference({task: shared.truth}, {task: shared.after}, {task: shared.before}, SEED)
    scores["difference"] = {
        "kind": shared.kind,
        "rows": len(shared.truth),
        "before": round(one.other, 4),
        "after": round(one.ours, 4),
        "value": round(one.ours - one.other, 4),
        "interval": [round(one.low, 4), round(one.high, 4)],
        "verdict": "better" if one.low > 0 else "worse" if one.high < 0 else "same",
    }
    return {**scores, "why_not": None}


def _why_not(old: Answers | None, new: Answers | None) -> str:
    if old is None or new is None:
        which = "neither night" if old is None and new is None else "only one of the nights"
        return f"{which} trained a model whose answers are kept"
    if old.kind != new.kind:
        return "one was measured on gold rows, the other on held-out rows"
    return "no two classes among the rows that both were measured on"


def _by_row(ids: pd.Series, digests: Any, truth: pd.Series, rows: pd.DataFrame, task: str) -> pd.DataFrame:
    index = pd.MultiIndex.from_arrays([ids.to_numpy(), np.asarray(digests)])
    answers = pd.DataFrame(
        {"truth": truth.to_numpy(dtype=object), "predicted": values(rows, f"{task}_predicted")}, index=index
    )
    return answers[~index.duplicated()]
