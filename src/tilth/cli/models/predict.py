"""`tilth predict`: a run's model answers, for texts or for the rows of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tilth.cli import options


def predict(
    *texts: str,
    input: Annotated[str | None, options.Rows] = None,
    out: Annotated[Path | None, options.Dash] = None,
    text: str | None = None,
    image: str | None = None,
    run: Annotated[str, Parameter(name="--run", help="its id or its folder, or the folder of a model")] = "latest",
    force: bool = False,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Labels for texts, as JSON lines, or for the rows of a file, beside its other columns.

    For example:

        tilth predict "where is my refund"
        tilth predict < messages.txt
        tilth predict --input rows.csv --out labeled.csv
        tilth predict --input - --text body < rows.jsonl

    Args:
        texts: texts; none: one a line from standard input
        input: a file of rows: CSV, JSONL, Parquet, or - for standard input
        out: FILE.csv, FILE.jsonl, FILE.parquet (default: JSON lines on standard output)
        text: the text's column in --input (default: as the model's night read it, or text)
        image: the pictures' column in --input, paths beside the file or bytes (default: as the model's night read it)
        force: write over what is there
        as_json: with --out, print what was done as JSON; JSON lines are what there is without
    """
    from tilth.cli.models.predicting import answer

    return answer(texts, input=input, out=out, text=text, image=image, run=run, force=force, as_json=as_json)
