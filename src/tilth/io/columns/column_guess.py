"""Which column of a file holds the text and which the labels, where nobody says it; and whether they can be that.

A guess is always reported. Where two columns could be meant, or none, that is an error that names them: a wrong guess
would cost more than a question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from tilth.errors import InputError, did_you_mean
from tilth.io.columns.column_values import (
    SEEN,
    are_numbers,
    check_labels,
    class_count,
    determines,
    is_split,
    kind_of,
    median_letters,
    name_pictures,
    why_no_labels,
)
from tilth.notes import listed
from tilth.samples import evenly_spaced

_TEXTS = (
    *("text", "sentence", "utterance", "message", "body", "content", "query", "question", "review", "comment", "tweet"),
    *("headline", "description", "document", "prompt", "post", "email", "sms", "input", "title", "subject", "summary"),
)
_LABELS = (
    *(
        "label",
        "labels",
        "intent",
        "category",
        "class",
        "target",
        "topic",
        "sentiment",
        "tag",
        "emotion",
        "subcategory",
    ),
    *("y", "answer", "type"),
)
_OTHERS = frozenset(
    (
        *("id", "uuid", "guid", "index", "idx", "number", "nr", "row", "key", "date", "time", "day", "month", "year"),
        *("created", "updated", "timestamp", "lang", "language", "locale", "channel", "source", "split", "set"),
        *("subset", "partition", "fold", "user", "author", "customer", "agent", "name", "url", "link", "country"),
        *("city", "region", "gender", "age", "annotator", "worker", "confidence", "score", "weight", "probability"),
        *("price", "amount", "length", "count", "version", "status", "file", "hash"),
    )
)
"""Words of the names of columns that hold few values, over and over, and are no labels."""


@dataclass(frozen=True, kw_only=True)
class ColumnGuess:
    """The columns to audit.

    Attributes:
        text: the column of the text.
        label: the columns of labels, as `--label` takes them.
        split: the column that says which rows are for training and which for testing, or None.
        remarks: what was guessed, and what else it might be: a sentence each.
    """

    text: str
    label: str
    split: str | None
    remarks: tuple[str, ...]


def guess_columns(
    frame: pd.DataFrame, file: str, text: str | None, label: str | None, labeled: Sequence[str]
) -> ColumnGuess:
    """Find the columns that nobody named, and check those that somebody did.

    Args:
        frame: the file's rows, as they were read.
        file: its name, for messages.
        text: the text's column, or None to guess it.
        label: what `--label` says, or None to guess it.
        labeled: the columns that `label` names.

    Raises:
        InputError: there is no such column, none that could be it, or several; or one that holds no classes.
    """
    if frame.empty:
        raise InputError(f"{file}: no rows; expected a header and at least one row below it")
    columns = [str(column) for column in frame.columns]
    for option, names in (("--text", [text] if text else []), ("--label", list(labeled))):
        for name in names:
            if name not in columns:
                raise InputError(f'{file}: no column "{name}"; {did_you_mean(name, columns)} ({option} COLUMN)')
    if text is not None and text in labeled:
        raise InputError(f'{file}: --text and --label both name "{text}"; name two columns of {listed(columns, 9)}')
    remarks: list[str] = []
    seen = frame.iloc[evenly_spaced(len(frame), SEEN)]
    if text is None:
        text = _text(seen.drop(columns=list(labeled)), file, remarks)
    for name in labeled:
        check_labels(frame[name], file)
    if label is None:
        label = _label(frame.drop(columns=[text]), file, text, remarks)
    split = next((name for name in columns if name not in (text, *labeled, label) and is_split(frame[name])), None)
    return ColumnGuess(text=text, label=label, split=split, remarks=tuple(remarks))


def _text(seen: pd.DataFrame, file: str, remarks: list[str]) -> str:
    """The column that reads like prose: one with a usual name, else the one with the longest values.

    Where all values are short, as names and one-word requests are, a usual name is enough.
    """
    pictures = {str(name) for name in seen.columns if name_pictures(seen[name])}
    letters_of = {str(name): 0.0 if str(name) in pictures else median_letters(seen[name]) for name in seen.columns}
    prose = {name: letters for name, letters in letters_of.items() if letters >= 8}
    if pictures:  # of pictures and their labels, these are no texts
        prose = {name: letters for name, letters in prose.items() if why_no_labels(seen[name]) is not None}
    prose = prose or {name: letters for name, letters in letters_of.items() if letters and name.casefold() in _TEXTS}
    if not prose:
        shown = ", ".join(f'"{name}" ({kind_of(seen[name])})' for name in letters_of)
        night = f"; an audit looks at no pictures: tilth run --input {file} --image {min(pictures)}" if pictures else ""
        raise InputError(f"{file}: no column reads like text; found {shown or 'none'} (--text COLUMN){night}")
    best = min(prose, key=lambda name: (_rank(name, _TEXTS), -prose[name]))
    named = _rank(best, _TEXTS) < len(_TEXTS)
    others = [name for name in prose if name != best and prose[name] > max(20.0, prose[best] / 4)]
    also = f"; {listed(others, 3)} would do too (--text COLUMN)" if others else ""
    why = "by its name" if named else "its values are the longest"
    remarks.append(f'text: column "{best}", {why}{also}')
    return best


def _label(frame: pd.DataFrame, file: str, text: str, remarks: list[str]) -> str:
    """The column of labels: by its name, else the only one whose few values repeat."""
    possible = {
        str(name) for name in frame.columns if why_no_labels(frame[name]) is None and median_letters(frame[name]) <= 60
    }
    tiers: list[list[str]] = [[], [], []]
    for name in map(str, frame.columns):
        if name in possible and not is_split(frame[name]):
            exact, part = name.casefold() in _LABELS, _rank(name, _LABELS) < len(_LABELS)
            if exact or part or not _words(name) & _OTHERS:
                tiers[0 if exact else 1 if part else 2].append(name)
    candidates = next((tier for tier in tiers if tier), [])
    if not candidates:
        raise InputError(f"{file}: no column of labels found; {_why_none(frame, text)} (--label COLUMN)")
    best = max(candidates, key=lambda name: (class_count(frame[str(name)]), not are_numbers(frame[str(name)])))
    apart = [name for name in candidates if name != best and not determines(frame, best, name)]
    if apart:
        shown = ", ".join(f'"{name}" ({class_count(frame[name]):,} values)' for name in [best, *apart])
        raise InputError(
            f"{file}: several columns could be the labels: {shown}; say which: --label {_quoted(best)}, or "
            f"--label {_quoted(best)},{_quoted(apart[0])} for both"
        )
    coarser = [
        name
        for name in sorted(possible - {best})
        if not _words(name) & _OTHERS
        and 1 < class_count(frame[name]) < class_count(frame[best])
        and determines(frame, best, name)
    ]
    also = ""
    if coarser:
        parent = _quoted(coarser[0])
        also = f'; "{coarser[0]}" seems to be its parent (--label {parent},{parent}/{_quoted(best)} looks at both)'
    why = "the only one whose values repeat" if candidates is tiers[2] else "by its name"
    remarks.append(f'labels: column "{best}", {why}, {class_count(frame[best]):,} classes{also}')
    return _quoted(best)


def _why_none(frame: pd.DataFrame, text: str) -> str:
    """What each column is, for a person to see why none was taken."""
    if not len(frame.columns):
        return f'"{text}" is the only column; labels stand in a column of their own'
    reasons = [
        f'"{name}" {(why_no_labels(frame[name]) or kind_of(frame[name])).split(";")[0]}' for name in frame.columns[:6]
    ]
    return f"{'; '.join(reasons)}; name the one that holds them"


def _quoted(name: str) -> str:
    """A column as `--label` takes it."""
    return f'"{name}"' if "," in name else name


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).casefold()))


def _rank(name: str, usual: Sequence[str]) -> int:
    """Place of a name among the usual ones: by itself, else by its words; their number where it is none."""
    whole = name.casefold()
    if whole in usual:
        return usual.index(whole)
    return min((usual.index(word) for word in _words(name) if word in usual), default=len(usual))
