"""Claim: the votes of Snorkel's PandasLFApplier, at least 20 times as fast on 100,000 rows and 10 functions.

    python benchmarks/votes_speed.py [--rows N]

The rows are the demo inbox's messages, each lightly edited so that no two are alike. Both sides get the same ten
functions over the same frame; the label matrices are compared cell by cell.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from snorkel.labeling import LabelingFunction, PandasLFApplier

sys.path.insert(0, str(Path(__file__).parent))
import _results

from tilth.samples import Task
from tilth.store import Cache
from tilth.weak_supervision.config import Config
from tilth.weak_supervision.functions.fingerprint import fingerprint
from tilth.weak_supervision.functions.loader import LoadedFunction
from tilth.weak_supervision.voting.cached_applier import cast_votes
from tilth.weak_supervision.voting.data_points import RowSimilarities, build_rows

ROOT = Path(__file__).parents[1]
LABELS = ("billing", "broadband", "other")
FLOOR = 20


def keyword(*words: str) -> Callable[[SimpleNamespace], bool]:
    """Whether the text holds one of the words."""

    def found(x: SimpleNamespace) -> bool:
        text = x.text.lower()
        return any(word in text for word in words)

    return found


def pattern(regex: str) -> Callable[[SimpleNamespace], bool]:
    """Whether the text matches, in either case."""
    compiled = re.compile(regex, re.IGNORECASE)
    return lambda x: compiled.search(x.text) is not None


RULES: dict[str, tuple[Callable[[SimpleNamespace], bool], str]] = {
    "refund": (keyword("refund", "compensation", "owe me"), "billing"),
    "bill": (keyword("bill", "invoice"), "billing"),
    "slow": (keyword("slow", "buffer", "lag"), "broadband"),
    "wifi": (keyword("wifi", "hub", "router"), "broadband"),
    "parcel": (keyword("parcel", "courier", "depot"), "other"),
    "charge": (pattern(r"charged? (me )?twice"), "billing"),
    "money": (pattern(r"£\s?\d+"), "billing"),
    "question": (lambda x: x.text.endswith("?"), "other"),
    "short": (lambda x: len(x.text) < 25, "other"),
    "letter": (lambda x: x.channel == "letter", "other"),
}


def functions(answers: dict[str, object]) -> list[LabelingFunction]:
    """The ten functions; tilth's answer with a label's name, Snorkel's with its place."""

    def one(test: Callable[[SimpleNamespace], bool], hit: object) -> Callable[[SimpleNamespace], object]:
        return lambda x: hit if test(x) else -1

    return [LabelingFunction(name, one(test, answers[label])) for name, (test, label) in RULES.items()]


def frame_of(rows: int) -> pd.DataFrame:
    """Rows of the demo inbox, over and over, each with a number of its own."""
    inbox = pd.read_csv(ROOT / "data/raw/inbox.csv", dtype=str, keep_default_na=False)
    many = inbox.iloc[np.arange(rows) % len(inbox)].reset_index(drop=True)
    return pd.DataFrame({"text": many["text"] + " #" + many.index.astype(str), "channel": many["channel"]})


def main() -> None:
    """Measure, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--snorkel-repeats", type=int, default=3)
    options = parser.parse_args()
    plain = frame_of(options.rows)
    held = plain.rename(columns={"channel": "meta.channel"})
    task = Task(name="area", labels=LABELS)
    loaded = [
        LoadedFunction(task="area", name=f.name, function=f, fingerprint="", key=fingerprint(f))
        for f in functions({label: label for label in LABELS})
    ]
    applier = PandasLFApplier(functions({label: code for code, label in enumerate(LABELS)}))

    def ours(cache: Cache | None = None, count: int = 10) -> np.ndarray:
        found = cast_votes(loaded[:count], [task], held, _none, _none, Config(), cache)
        return np.column_stack([ballot.votes for ballot in found])

    theirs_seconds, theirs = _timed(lambda: applier.apply(plain, progress_bar=False), options.snorkel_repeats)
    ours_seconds, matrix = _timed(ours, 9)
    assert np.array_equal(theirs, matrix), "the label matrices differ"
    with tempfile.TemporaryDirectory() as folder:
        nine, _ = _timed(lambda: ours(Cache(Path(folder)), 9), 1)
        new, _ = _timed(lambda: ours(Cache(Path(folder)), 10), 1)
        again, cached = _timed(lambda: ours(Cache(Path(folder))), 3)
    assert np.array_equal(theirs, cached), "the cached label matrix differs"
    rows = build_rows(held, RowSimilarities(_none, _none))
    bare, _ = _timed(lambda: np.array([[one.function(x) != -1 for x in rows] for one in loaded]), 3)
    ratio = theirs_seconds / ours_seconds
    lines = [
        ["Snorkel, `PandasLFApplier`", f"{theirs_seconds:.2f}", "1"],
        ["tilth, in guarded child processes", f"{ours_seconds:.2f}", f"{ratio:.0f}"],
        ["a bare loop over rows that stand ready, in one process", f"{bare:.2f}", f"{theirs_seconds / bare:.0f}"],
        ["tilth, the first nine functions, written to the cache", f"{nine:.2f}", ""],
        ["tilth, a tenth function beside nine cached ones", f"{new:.2f}", f"{theirs_seconds / new:.0f}"],
        ["tilth, all ten from the cache", f"{again:.2f}", f"{theirs_seconds / again:.0f}"],
    ]
    text = f"# Votes: {options.rows:,} rows × {len(RULES)} functions\n\n"
    text += f"`python benchmarks/votes_speed.py --rows {options.rows}`\n\n"
    text += _results.table(["way", "seconds", "times as fast"], lines)
    text += f"\n\nThe same label matrix, cell by cell. Floor: {FLOOR} times as fast. The best of several runs, for "
    text += f"what else a machine does only adds to them; {os.cpu_count()} processors, {_results.machine()}."
    _results.write("votes_speed", text)
    raise SystemExit(0 if ratio >= FLOOR else 1)


def _timed(work: Callable[[], np.ndarray], repeats: int) -> tuple[float, np.ndarray]:
    seconds, value = [], np.zeros(0)
    for _ in range(repeats):
        started = time.perf_counter()
        value = work()
        seconds.append(time.perf_counter() - started)
    return min(seconds), value


def _none(*_: object) -> np.ndarray:
    raise RuntimeError("no function here compares meanings")


if __name__ == "__main__":
    main()
