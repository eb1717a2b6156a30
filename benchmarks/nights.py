"""Whole nights on public data: gold figures against the linear probe's on the labels as they came, seconds and memory.

    python benchmarks/nights.py --data data/public

Three nights through the command line: one with an empty cache, on 99 of 100 rows; one on the same rows, which finds
it full; and one on all rows, of which one in a hundred is new. The gold figures are the last one's.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import _results
import numpy as np
import pandas as pd
import psutil

from tilth.config import EncoderConfig
from tilth.io.ingestion import Ingested
from tilth.io.python_api import read
from tilth.learn import fit_predict, scores
from tilth.learn.encoder import Encoder
from tilth.store import Cache

SETS = {"banking77": ("category",), "clinc150": ("domain", "domain/intent")}
COLUMNS = ("data set", "rows", "task", "linear probe, as given", "night", "seconds", "again", "with 1% new", "GiB")


def night(name: str, rows: Path, gold: Path, home: Path) -> tuple[dict[str, Any], float, float]:
    """Run one night; give its record, its seconds, and the memory in GiB of its largest process at its peak."""
    files = ["--input", str(rows), "--gold", str(gold)]
    labels = ["--text", "text", "--label", ",".join(SETS[name]), "--out", str(home / "runs"), "--json"]
    started = time.monotonic()
    with (home / "run.json").open("w", encoding="utf-8") as out:
        peak = watched(["run", *files, *labels], home, home / "cache", out)
    return json.loads((home / "run.json").read_text(encoding="utf-8")), time.monotonic() - started, peak


def watched(arguments: Sequence[str], home: Path, cache: Path, out: IO[str]) -> float:
    """Run the command line in a folder; give the memory in GiB of its largest process at its peak."""
    command = [sys.executable, "-m", "tilth.cli", *arguments]
    environment, peak = {**os.environ, "XDG_CACHE_HOME": str(cache)}, 0
    process = psutil.Popen(command, cwd=home, env=environment, stdout=out)
    while process.poll() is None:
        for one in [process, *process.children(recursive=True)]:
            try:
                peak = max(peak, one.memory_info().rss)
            except psutil.Error:  # it ended between the two calls
                continue
        time.sleep(0.2)
    if process.returncode:
        raise SystemExit(f"{home}: the night ended with status {process.returncode}")
    return peak / 2**30


def as_given(found: Ingested, cache: Path) -> dict[str, float]:
    """The linear probe's gold macro-F1 for each task, trained on every label as it came."""
    frame = found.samples.to_pandas()
    vectors = Encoder(EncoderConfig(), Cache(cache)).encode(frame["text"].tolist())
    gold, result = (frame["split"] == "gold").to_numpy(), {}
    for task in found.tasks:
        codes = task.codes(frame[f"{task.name}_given"])
        taught = (codes >= 0) & ~gold
        said = fit_predict(vectors[taught], codes[taught], vectors[gold], len(task.labels))
        predicted = [task.labels[code] for code in said.argmax(axis=1)]
        result[task.name] = scores(frame.loc[gold, f"{task.name}_given"].tolist(), predicted)["macro_f1"]
    return result


def main() -> None:
    """Run, print the table, and put it into its file of results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data/public"))
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    arguments = parser.parse_args()
    lines = []
    for name in arguments.sets:
        with tempfile.TemporaryDirectory() as folder:
            home, data = Path(folder), arguments.data.resolve()
            parts = [data / name / f"{part}.csv" for part in ("train", "test")]
            whole = pd.read_csv(parts[0])
            whole[np.arange(len(whole)) % 100 != 99].to_csv(home / "earlier.csv", index=False)
            _, seconds, peak = night(name, home / "earlier.csv", parts[1], home)
            _, again, _ = night(name, home / "earlier.csv", parts[1], home)
            record, later, _ = night(name, *parts, home)
            as_labeled = as_given(read(parts[0], text="text", tasks=SETS[name], gold=parts[1]), home / "probe")
            rows = sum(item["rows"] for item in record["inputs"])
            for task, figure in as_labeled.items():
                found = record["gold"][task]["macro_f1"]
                line = [name, rows, task, f"{figure:.3f}", f"{found:.3f}"]
                lines.append([*line, f"{seconds:.0f}", f"{again:.0f}", f"{later:.0f}", f"{peak:.1f}"])
    text = (
        f"# Whole nights\n\n`python benchmarks/nights.py --sets {' '.join(arguments.sets)}` ({_results.machine()})\n\n"
        "Gold macro-F1; one seed. GiB is the largest process at its peak.\n\n" + _results.table(COLUMNS, lines)
    )
    _results.write("nights", text)


if __name__ == "__main__":
    main()
