"""Which row a person means: by its id, by how its id begins, or by its text."""

from __future__ import annotations

import difflib
from pathlib import Path

import pandas as pd

from tilth import samples as table
from tilth import store
from tilth.errors import RequestError
from tilth.notes import listed
from tilth.text import clean, normal_form


def find_row(run: Path, wanted: str) -> str:
    """The id of the one row that is meant.

    A whole id comes first, then a text (as it stands, but for case and punctuation), then the beginning of an id, then
    words of a text.

    Raises:
        RequestError: no row is meant, or several; the message names near ones.
    """
    samples = store.read_table(store.newest_table(run)).select_columns(["id", "text"])
    frame = table.to_pandas(samples)
    ids, word = frame["id"].astype(str), clean(wanted)
    if ids.eq(word).any():
        return word
    form = normal_form(word)
    forms = frame["text"].map(normal_form)
    for matches, how in (
        (frame["text"].eq(word), "rows with that text"),
        (forms.eq(form) & bool(form), "rows with that text"),
        (ids.str.startswith(word) & bool(word), f'rows whose id begins with "{word}"'),
        (forms.str.contains(form, regex=False) & (" " in form), "rows whose text holds that"),
    ):
        if matches.sum() == 1:
            return str(ids[matches].iloc[0])
        if matches.any():
            raise RequestError(f"{int(matches.sum()):,} {how}; name one of them by its id: {_shown(frame[matches])}")
    raise RequestError(f'run {run.name} has no row "{wanted}"; {_near(frame, word)}')


def _shown(rows: pd.DataFrame) -> str:
    some = [f"{row_id} ({text[:40]}…)" if len(text) > 40 else f"{row_id} ({text})" for row_id, text in _pairs(rows)[:5]]
    return ", ".join(some) + (" …" if len(rows) > 5 else "")


def _pairs(rows: pd.DataFrame) -> list[tuple[str, str]]:
    return [(str(row_id), " ".join(str(text).split())) for row_id, text in zip(rows["id"], rows["text"], strict=True)]


def _near(frame: pd.DataFrame, wanted: str) -> str:
    """Rows that are near to what was asked, by their ids or by their texts."""
    ids = frame["id"].astype(str).tolist()
    if " " in wanted:
        texts = dict(zip(frame["text"], ids, strict=True))
        near = difflib.get_close_matches(wanted, list(texts), n=3, cutoff=0.5)
        rows = ", ".join(f"{texts[text]} ({text[:60]})" for text in near)
        return f"near: {rows}" if near else "give its id, or its whole text in quotes"
    near = difflib.get_close_matches(wanted, ids, n=3, cutoff=0.5)
    return f"did you mean {listed(near)}?" if near else f"ids look like {listed(ids[:3])}"
