"""`tilth export`: the better data set, as a file."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import asdict
from typing import Annotated, Literal

from cyclopts import Parameter

from tilth.cli import options
from tilth.cli.terminal import say
from tilth.cli.workspace import find_run


def export(
    target: Annotated[str, options.Dash],
    /,
    *,
    run: options.RunName = "latest",
    gold: str | None = None,
    format: Literal["csv", "jsonl", "parquet", "folder"] | None = None,
    force: bool = False,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Write the better data set: text, labels, weights, provenance, and the input's other columns.

    For example:

        tilth export better.csv
        tilth export better.parquet --gold checked.parquet --run 20260101-020000
        tilth export s3://bucket/better.csv
        tilth export - --format jsonl | head

    Args:
        target: FILE.csv, FILE.jsonl, FILE.parquet, a folder for `datasets` (splits train and test), or - with --format
        gold: a second file for the gold rows, which no file to train on holds
        format: which kind of file (default: by the target's ending)
        force: write over what is there
        as_json: print what was written as JSON, and nothing else, on standard output (on standard error for -)
    """
    from tilth.io import export as write
    from tilth.io import written_at

    night = find_run(run)
    with ExitStack() as whole:
        place = whole.enter_context(written_at(target, force=force))
        gold_place = whole.enter_context(written_at(gold, force=force)) if gold is not None else None
        done = write(night, place, kind=format, gold=gold_place, force=force)
    streamed = str(target) == "-"
    lines = [f"{done.rows} rows: {'standard output' if streamed else target}"]
    if done.gold:
        lines.append(f"{done.gold} gold rows: {gold or f'{target}, split test'}")
    if done.left_out:
        reasons = ", ".join(f"{count} {why}" for why, count in done.left_out.items())
        lines.append(f"{sum(done.left_out.values())} rows left out: {reasons}")
    for name, other in done.renamed.items():
        lines.append(f'column "{name}" of the input is called "{other}" there, for tilth has one of that name')
    if as_json:
        lines = [json.dumps({"target": str(target), **asdict(done)}, ensure_ascii=False)]
    if streamed:
        sys.stderr.write("".join(f"{line}\n" for line in lines))
    else:
        say("\n".join(lines))
    return 0
