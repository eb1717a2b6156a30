"""`tilth export`: the better data set, as a file."""

from __future__ import annotations

from pathlib import Path

from tilth.cli import desk, options
from tilth.cli.terminal import say


def export(target: Path, /, *, run: options.RunName = "latest") -> int:
    """Write the better data set: text, labels, weights, provenance.

    For example:

        tilth export better.csv
        tilth export better.parquet --run 20260101-020000

    Args:
        target: FILE.csv, FILE.jsonl, FILE.parquet, or a folder for `datasets`
    """
    from tilth.export import export as write

    rows = write(desk.run(run), target)
    say(f"{rows} rows: {target}")
    return 0
