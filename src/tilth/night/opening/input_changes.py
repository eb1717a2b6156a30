"""Rows that changed their text under the same id since the night before, and columns that changed or went."""

from __future__ import annotations

import pyarrow as pa
from datasets import Dataset

from tilth import store
from tilth.errors import DamagedFileError
from tilth.io import Ingested
from tilth.notes import many
from tilth.store import Run

_MOST = 0.5
"""Share of changed rows from which on the ids themselves are in doubt."""

_KEPT = "meta."


def input_changes(before: Run, ingested: Ingested) -> list[str]:
    """What is said of the input beside the latest night's, a sentence each; both may be meant, or be mistakes.

    Args:
        before: the latest night.
        ingested: the rows of this one.
    """
    try:
        earlier = store.read_table(before.path / "0-input.parquet")
    except FileNotFoundError:  # `tilth clean` may have removed it
        return []
    except DamagedFileError as error:
        return [f"{error}; the rows of that night cannot be compared with these, and nothing else is lost"]
    return [*_retexted(earlier, ingested.samples), *_columns(earlier, ingested.samples)]


def _retexted(earlier: Dataset, samples: Dataset) -> list[str]:
    texts = dict(zip(earlier["id"][:], earlier["text"][:], strict=True))
    pairs = [(row, text) for row, text in zip(samples["id"][:], samples["text"][:], strict=True) if row in texts]
    changed = [row for row, text in pairs if texts[row] != text]
    if not changed:
        return []
    verb = "has" if len(changed) == 1 else "have"
    why = (
        "; ids that are given anew each night name no row: name a lasting one by [data] id"
        if len(changed) > _MOST * len(pairs)
        else "; answers of people about the old text are not used for the new one"
    )
    rows = f"{many(len(changed), 'row')} {verb} another text than the night before under the same id"
    return [f'{rows} (first: "{changed[0]}"){why}']


def _columns(earlier: Dataset, samples: Dataset) -> list[str]:
    before, now = (
        {field.name: _kind(field.type) for field in one.data.table.schema if field.name.startswith(_KEPT)}
        for one in (earlier, samples)
    )
    said = []
    for name, kind in before.items():
        column = f'the column "{name.removeprefix(_KEPT)}"'
        if name not in now:
            said.append(f"{column} is gone, which the night before had")
        elif kind and now[name] and kind != now[name]:
            said.append(f"{column} holds {now[name]}, and held {kind} the night before")
    return [f"{sentence}: functions that cannot read it are left out" for sentence in said]


def _kind(kind: pa.DataType) -> str:
    """What a column holds, in a word that a gap or a longer number does not change; "" for one that is empty."""
    if pa.types.is_null(kind):
        return ""
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "texts"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "numbers"
    return "true and false" if pa.types.is_boolean(kind) else str(kind)
