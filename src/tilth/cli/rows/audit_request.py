"""The rows that `tilth audit` looks at, as a request for cleaning alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tilth.errors import RequestError

if TYPE_CHECKING:
    import numpy as np

    from tilth.io import ColumnGuess, Ingested
    from tilth.night import Request

MOST = 100_000
"""Rows that are audited without a question: encoding them takes some ten minutes on two cores."""


def result_name(file: str) -> str:
    """A file as its results are named after it."""
    if file == "-":
        return "rows"
    return file.replace("/", "-").replace(":", "-") if file.startswith("hf:") else Path(file).name


def read_request(
    file: str, text: str | None, label: str | None, gold: str | None, rows: int | None, sets: tuple[str, ...]
) -> tuple[Request, Ingested, ColumnGuess]:
    """The rows, once, and what their columns are."""
    from tilth import night, store
    from tilth.config import parse_override, parse_tasks
    from tilth.io import guess_columns, ingest, read_rows
    from tilth.notes import Notes

    notes = Notes()
    named = [task["column"] for task in parse_tasks(label)] if label else []
    frame, _ = read_rows(file, Path.cwd(), notes, [column for column in (text, *named) if column])
    _refuse_many(len(frame), rows)
    guess = guess_columns(frame, result_name(file), text, label, named)
    here = {
        "data.input": [file],
        "data.gold": None
        if gold is None
        else str(gold if gold == "-" or gold.startswith("hf:") else Path(gold).resolve()),
        "data.annotations": None,
        "data.gold_fraction": 0.0,
        "cleaning.when": "always",  # it is all that is asked for: whether a model gains by it is no question here
        "data.text": guess.text,
        "tasks": parse_tasks(guess.label),
    }
    request = night.Request(
        workspace=store.locate(anywhere=True),
        overrides={**dict(parse_override(one) for one in sets), **here},
        stages=("cleaning",),
    )
    ingested = ingest(request.settings, Path.cwd(), {file: frame})
    return request, replace(ingested, notes=[*notes.found, *ingested.notes]), guess


def sampled_rows(ingested: Ingested, most: int | None) -> tuple[Ingested, np.ndarray]:
    """The rows to audit, and their positions in the file."""
    import numpy as np

    from tilth import night

    count = ingested.samples.num_rows
    if most is not None and most < count:
        return night.sampled(ingested, most)
    return ingested, np.arange(count)


def _refuse_many(count: int, most: int | None) -> None:
    """See that somebody who has many rows knows how long this may take.

    Raises:
        RequestError: nobody said how many are to be audited.
    """
    if most is None and count > MOST:
        hours = count / 150 / 3600
        raise RequestError(
            f"{count:,} rows: each text is read by a language model, which takes about {hours:.1f} hours on two cores; "
            f"give --rows 20000 for a sample of them, or --rows {count} for all"
        )
