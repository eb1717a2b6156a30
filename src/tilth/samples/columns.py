"""Every column of the table, declared once: its name, its type, its meaning and the one stage that writes it.

A name may hold a placeholder: `{task}` stands for each task's name, `{check}` for each cleaning check's and
`{name}` for an input column that is kept. Nothing outside this file may invent a column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa

from tilth.errors import ContractError

INPUT = "input"
RESOLVE = "resolve"
ANY_STAGE = "any stage, through escalate_status"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One declared column, or a family of them where the name holds a placeholder."""

    name: str
    type: pa.DataType | None
    owner: str
    meaning: str


def _columns(owner: str, *rows: tuple[str, pa.DataType | None, str]) -> tuple[Column, ...]:
    return tuple(Column(name=name, type=kind, owner=owner, meaning=meaning) for name, kind, meaning in rows)


_S, _F, _B, _I = pa.string(), pa.float32(), pa.bool_(), pa.int32()

COLUMNS: tuple[Column, ...] = (
    *_columns(
        INPUT,
        ("id", _S, "the input's own id, or text digest + occurrence number"),
        ("text", _S, "the text as it arrived, after Unicode NFC and trimming"),
        ("picture_digest", _S, "digest of the row's picture; null where it has none that can be used"),
        ("picture_path", _S, "where the picture stands, relative to the workspace where it is in it"),
        ("split", _S, "train, gold or unlabeled (no label for any task)"),
        ("meta.{name}", None, "another input column, kept as it is"),
        ("source", _S, "input, or paraphrase"),
        ("parent_id", _S, "the row that a paraphrase came from"),
        ("{task}_given", _S, "the label as it arrived; of several annotators, the majority's"),
        ("{task}_annotations", _S, "the votes of several annotators, as JSON: annotator and label"),
        ("{task}_answer", _S, "the label that a person gave in answer to tilth; never overruled"),
        ("{task}_answers", _S, "where several people answered, as JSON: who and what"),
        ("{task}_none", _B, "whether a person said that no class fits: an example of out of scope"),
        ("{task}_shown", _S, "what stood beside the text when a person answered, as JSON"),
        ("wrong_paraphrases", _S, "digests of texts that people refused as paraphrases of the row, as JSON"),
        ("ask_again", _S, "why people are asked again: people_differ, text_changed or label_split"),
        ("nobody_to_ask", _B, 'whether everybody who answers said "unclear"'),
    ),
    *_columns(
        ANY_STAGE,
        ("status", _S, "verdict on the text, for all tasks: active, review or quarantined"),
        ("reason", _S, "why the status is not active: a word of Reason"),
    ),
    *_columns(
        RESOLVE,
        ("{task}", _S, "the current label, or null"),
        ("{task}_origin", _S, "annotator, corrected, given, weak, propagated, suggested or inherited"),
        ("{task}_confidence", _F, "probability that the current label is right"),
        ("{task}_reason", _S, "why a label was nulled or changed: a word of Reason"),
    ),
    *_columns(
        "cleaning",
        (
            "{task}_quality",
            _F,
            "probability that the given label is right; of few rows, that models give it",
        ),
        ("is_{task}_issue", _B, "whether the given label is found to be wrong"),
        ("{task}_suggested", _S, "the label that the evidence supports"),
        ("{task}_given_confidence", _F, "probability that the given label is right, under the estimated noise"),
        ("{task}_suggested_confidence", _F, "the same for the suggested label"),
        (
            "{task}_given_weight",
            _F,
            "how far the given label counts in training while in review: the probability that it is right, by the "
            "lower end of the estimated share of wrong labels where that leaves few of them",
        ),
        ("{task}_doubt", _F, "log-odds that models give another label over the given one, before any answer"),
        (
            "{task}_wrong_at_most",
            _F,
            "probability that the given label is wrong, if as many are as the estimate's interval allows",
        ),
        ("{task}_action", _S, "what the policy does with the given label: a word of Action"),
        ("duplicate_of", _S, "id of the row that this one repeats"),
        ("{check}_score", _F, "a check's score of the text, 0 to 1, low = bad"),
        ("is_{check}_issue", _B, "the check's verdict"),
    ),
    *_columns(
        "weak_supervision",
        ("{task}_weak", _S, "the label model's answer where it is sure, else null"),
        ("{task}_weak_confidence", _F, "the label model's probability of its best label"),
        (
            "{task}_weak_confidence_before_answers",
            _F,
            "the same before answers on other rows corrected it; only where some did",
        ),
        ("{task}_propagated", _B, "whether that label comes from similar texts alone: no function voted"),
        ("{task}_disputed", _B, "whether all evidence together contradicts the given label, which a person should see"),
    ),
    *_columns(
        "augmentation",
        ("frame", _S, "what a paraphrase must keep: slots and content words; and its source's links, as JSON"),
        ("noise_level", _F, "share of the source's free tokens that were noised, 0 to 1"),
        ("similarity", _F, "cosine similarity to the source under the encoder"),
        ("grammar_delta", _F, "grammar problems added relative to the source (0 = none)"),
        (
            "label_agreement",
            _F,
            "probability that the parent's label still fits, by models that did not train on it",
        ),
        ("novelty", _F, "smallest token edit distance to any other row, 0 to 1"),
        ("accepted", _B, "whether the gate let the paraphrase through"),
        ("used", _B, "whether training takes the paraphrase"),
        ("weight", _F, "training weight of a used paraphrase and of its source; together they weigh 1"),
    ),
    *_columns(
        "active_learning",
        ("acquisition_score", _F, "rows that a minute spent on it is expected to tell right; null: nobody asks"),
        ("acquisition_rank", _I, "place in the labeling queue from 1, null outside it"),
    ),
    *_columns(
        "training",
        ("{task}_predicted", _S, "the exported model's answer"),
        ("{task}_predicted_confidence", _F, "its calibrated probability"),
        ("out_of_scope_score", _F, "0 to 1, low = unlike any training row"),
        ("passage", _S, "of a text that is read by passages, the sentence that its answers go by most"),
    ),
)


def _pattern(name: str) -> re.Pattern[str]:
    text = re.escape(name)
    for placeholder, regex in (("check", r"[a-z][a-z0-9_]*"), ("name", r".+"), ("task", r".+")):
        text = text.replace(re.escape("{" + placeholder + "}"), f"(?:{regex})")
    return re.compile(text)


_FIXED = {column.name: column for column in COLUMNS if "{" not in column.name}
_OF_TASK = tuple(column for column in COLUMNS if "{task}" in column.name)
_OPEN = tuple(
    (_pattern(column.name), column) for column in COLUMNS if "{check}" in column.name or "{name}" in column.name
)


@lru_cache(maxsize=64)
def expand(tasks: tuple[str, ...]) -> dict[str, Column]:
    """All columns with a fixed name, for these task names."""
    named = {c.name.replace("{task}", task): c for task in tasks for c in _OF_TASK}
    return {**named, **_FIXED}


def find(name: str, tasks: Iterable[str]) -> Column:
    """The declaration of a concrete column.

    Raises:
        ContractError: if no declaration covers the name.

    >>> find("intent_weak", ["intent"]).owner
    'weak_supervision'
    >>> find("is_outlier_issue", []).owner
    'cleaning'
    """
    known = expand(tuple(tasks))
    if name in known:
        return known[name]
    for pattern, column in _OPEN:
        if pattern.fullmatch(name):
            return column
    raise ContractError(f'column "{name}" is not declared; declare it in tilth/samples/columns.py')


def reserved(name: str, tasks: Iterable[str] = ()) -> bool:
    """Whether a task may not be called this, because the table, or another of its tasks, has a column of that name."""
    own = {c.name.replace("{task}", task) for task in tasks if task != name for c in _OF_TASK if c.name != "{task}"}
    return name in _FIXED or name in own or any(pattern.fullmatch(name) for pattern, _ in _OPEN)
