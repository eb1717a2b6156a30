"""What a night can have done with a row, in the words of the page, the gravest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tilth.reports.columns import column
from tilth.samples import Action, Origin, Reason, Source, Split, Status


@dataclass(frozen=True)
class Verdict:
    """One thing that can have happened to a row.

    Attributes:
        key: as it stands in links and in `report.json`.
        label: as it stands in the table.
        stage: whose verdict it is.
        meaning: one sentence.
        of_task: the rows of a task for which it holds, a boolean mask; None where it is a verdict on the text.
        of_text: the rows for which it holds, of a verdict on the text.
    """

    key: str
    label: str
    stage: str
    meaning: str
    of_task: Callable[[pd.DataFrame, str], pd.Series] | None = None
    of_text: Callable[[pd.DataFrame], pd.Series] | None = None


def _reason(frame: pd.DataFrame, task: str, *reasons: Reason) -> pd.Series:
    return column(frame, f"{task}_reason").isin([str(reason) for reason in reasons])


def _origin(frame: pd.DataFrame, task: str, origin: Origin) -> pd.Series:
    return column(frame, f"{task}_origin").eq(origin) & frame["source"].ne(Source.PARAPHRASE)


def _disputed(frame: pd.DataFrame, task: str) -> pd.Series:
    return column(frame, f"{task}_disputed").eq(True)


def _doubted(frame: pd.DataFrame, task: str) -> pd.Series:
    kept = column(frame, f"is_{task}_issue").eq(True) & column(frame, f"{task}_action").eq(Action.KEEP)
    return (_reason(frame, task, Reason.LABEL_REVIEW) & ~_disputed(frame, task)) | kept


def _paraphrase(frame: pd.DataFrame, *, used: bool) -> pd.Series:
    return frame["source"].eq(Source.PARAPHRASE) & column(frame, "used").eq(True).eq(used)


VERDICTS: tuple[Verdict, ...] = (
    Verdict(
        "corrected",
        "label changed",
        "cleaning",
        "The label looked wrong, another one is surely right, and it was put in its place.",
        of_task=lambda frame, task: _origin(frame, task, Origin.CORRECTED),
    ),
    Verdict(
        "conflict",
        "copies disagree",
        "cleaning",
        "The same text stands there more than once, with different labels.",
        of_task=lambda frame, task: _reason(frame, task, Reason.CONFLICTING_COPIES),
    ),
    Verdict(
        "doubted",
        "label in doubt",
        "cleaning",
        "The label is probably wrong; a person should look.",
        of_task=_doubted,
    ),
    Verdict(
        "disputed",
        "rules disagree",
        "weak_supervision",
        "The labeling functions (rules) and the text both speak against the label; a person should look.",
        of_task=_disputed,
    ),
    Verdict(
        "removed",
        "label taken out",
        "cleaning",
        "The label is surely wrong, and which one is right is not sure: nothing learns from it.",
        of_task=lambda frame, task: _reason(frame, task, Reason.LABEL_ISSUE) & ~_origin(frame, task, Origin.CORRECTED),
    ),
    Verdict(
        "suggested",
        "likelier label",
        "cleaning",
        "The label is surely wrong; until a person answers, the likeliest other one counts, at its chance.",
        of_task=lambda frame, task: _origin(frame, task, Origin.SUGGESTED),
    ),
    Verdict(
        "misfit",
        "label does not fit",
        "input",
        "The label is not among the classes, or does not belong with the row’s label of the task above or below it.",
        of_task=lambda frame, task: (
            _reason(frame, task, Reason.HIERARCHY, Reason.UNKNOWN_LABEL) & frame["source"].ne(Source.PARAPHRASE)
        ),
    ),
    Verdict(
        "review",
        "text to check",
        "cleaning",
        "Something is odd about the text; it is not used until a person has looked.",
        of_text=lambda frame: frame["status"].eq(Status.REVIEW),
    ),
    Verdict(
        "queue",
        "to label next",
        "active_learning",
        "A label of this row would teach the model most.",
        of_text=lambda frame: column(frame, "acquisition_rank").notna(),
    ),
    Verdict(
        "set_aside",
        "set aside",
        "cleaning",
        "Nothing learns from the row: it is junk, a copy of another one, or not fit for use.",
        of_text=lambda frame: frame["status"].eq(Status.QUARANTINED) & frame["source"].ne(Source.PARAPHRASE),
    ),
    Verdict(
        "weak",
        "labeled by rules",
        "weak_supervision",
        "It came without a label; the labeling functions (rules) and the text gave it one.",
        of_task=lambda frame, task: _origin(frame, task, Origin.WEAK),
    ),
    Verdict(
        "propagated",
        "labeled by likeness",
        "weak_supervision",
        "It came without a label, and has that of the rows that it is like.",
        of_task=lambda frame, task: _origin(frame, task, Origin.PROPAGATED),
    ),
    Verdict(
        "answered",
        "answered by a person",
        "input",
        "A person gave the label in answer to tilth; nothing overrules it.",
        of_task=lambda frame, task: column(frame, f"{task}_answer").notna() | column(frame, f"{task}_none").eq(True),
    ),
    Verdict(
        "paraphrase_used",
        "paraphrase, used",
        "augmentation",
        "A reworded copy of a row, which passed all checks; the model learns from it.",
        of_text=lambda frame: _paraphrase(frame, used=True),
    ),
    Verdict(
        "paraphrase_left",
        "paraphrase, not used",
        "augmentation",
        "A reworded copy of a row, which failed a check or was not needed.",
        of_text=lambda frame: _paraphrase(frame, used=False),
    ),
)
SUSPECTS = ("corrected", "conflict", "doubted", "disputed", "removed")
"""Verdicts on a label that somebody gave: the rows that the map rings."""


def verdict_masks(frame: pd.DataFrame, tasks: Sequence[str]) -> np.ndarray:
    """Which verdicts hold for which rows, boolean, shape (rows, verdicts); gold rows have none.

    Gold rows are only measured on: who reads their texts or labels would write rules by them.
    """
    masks = np.zeros((len(frame), len(VERDICTS)), dtype=bool)
    for place, verdict in enumerate(VERDICTS):
        if verdict.of_text is not None:
            masks[:, place] = verdict.of_text(frame).to_numpy(dtype=bool)
        if verdict.of_task is not None:
            for task in tasks:
                masks[:, place] |= verdict.of_task(frame, task).to_numpy(dtype=bool)
    masks[frame["split"].eq(Split.GOLD).to_numpy(dtype=bool)] = False
    return masks


def reason_in_words(reason: str) -> str:
    """A word of `Reason` as the page says it.

    >>> reason_in_words("near_duplicate"), reason_in_words("frame")
    ('nearly a copy of another row', 'lost a name, an amount or a date')
    """
    return _REASONS.get(reason, reason.replace("_", " "))


_REASONS: dict[str, str] = {
    Reason.EMPTY: "no text",
    Reason.JUNK: "not a message",
    Reason.TOO_LONG: "very long",
    Reason.LANGUAGE: "another language",
    Reason.ENCODING: "damaged characters",
    Reason.BOILERPLATE: "the same words in many rows",
    Reason.OUTLIER: "unlike all other rows",
    Reason.EXACT_DUPLICATE: "a copy of another row",
    Reason.NEAR_DUPLICATE: "nearly a copy of another row",
    Reason.GOLD_LEAK: "also stands among the gold rows",
    Reason.LABEL_ISSUE: "label surely wrong",
    Reason.LABEL_REVIEW: "label in doubt",
    Reason.CONFLICTING_COPIES: "copies have different labels",
    Reason.UNKNOWN_LABEL: "not one of the classes",
    Reason.HIERARCHY: "does not fit the label of the other task",
    Reason.FROM_CHILD: "taken from the label below it",
    Reason.UNTRAINED: "the paraphraser had not learned enough",
    Reason.SIMILARITY: "too far from the original",
    Reason.FRAME: "lost a name, an amount or a date",
    Reason.GRAMMAR: "reads wrong",
    Reason.LABEL_AGREEMENT: "the label may no longer fit",
    Reason.NOVELTY: "says nothing new",
    Reason.LEAK: "too close to a gold row",
    Reason.BUDGET: "enough others were taken",
    Reason.ANSWERED_JUNK: "a person said that it is no message",
    Reason.NONE_OF_THESE: "a person said that no class fits",
}
