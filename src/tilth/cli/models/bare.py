"""`tilth predict` where only ONNX Runtime, tokenizers and numpy are installed, and no library for command lines.

After `pip install --no-deps tilth onnxruntime tokenizers numpy` a model's folder answers; all other commands say what
they lack. Its options are those of `predict.py`, which a test holds them to.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from tilth.errors import RequestError

LIBRARY = "cyclopts"
"""The library of the whole command line."""


def parser() -> argparse.ArgumentParser:
    """Of `tilth predict`."""
    options = argparse.ArgumentParser(prog="tilth predict", description="Labels for texts, or for the rows of a file.")
    options.add_argument("texts", nargs="*", help="texts; none: one a line from standard input")
    options.add_argument("--input", help="a file of rows: CSV, JSONL, Parquet, or - for standard input")
    options.add_argument("--out", type=Path, help="FILE.csv, FILE.jsonl, FILE.parquet (default: JSON lines)")
    options.add_argument("--text", help="the text's column in --input")
    options.add_argument("--image", help="the pictures' column in --input")
    options.add_argument("--run", default="latest", help="a run's id or folder, or the folder of a model")
    options.add_argument("--force", action="store_true", help="write over what is there")
    options.add_argument("--json", action="store_true", dest="as_json", help="with --out, print what was done as JSON")
    return options


def launch_bare(tokens: Sequence[str]) -> int:
    """Run `tilth predict`.

    Raises:
        RequestError: another command was asked for.
    """
    logging.basicConfig(format="tilth: %(message)s", level=logging.WARNING)
    words = list(tokens)
    if not words or words[0] != "predict":
        command = f"`tilth {words[0]}`" if words and not words[0].startswith("-") else "the command line"
        raise RequestError(
            f"{command} takes {LIBRARY} and the rest of what tilth requires, which is not installed here, where "
            "`tilth predict` alone works: pip install tilth"
        )
    from tilth.cli.models.predicting import answer

    return answer(**vars(parser().parse_args(words[1:])))
