"""Claim: 20 annotators at 100,000 queued rows, some killed amid it: no acknowledged answer lost, no row held by two.

    python benchmarks/answer_store.py [--annotators N] [--rows N] [--seconds S]

Each annotator is a process that takes a row and answers it, four times a second, which is faster than people are. In
the middle half of them are killed with SIGKILL and others take their place. Seconds are those of an answer and of the
next row together, what a person waits for after a key.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import _results
import numpy as np

from tilth.store.answers import Answer, Answers
from tilth.text import digest

PACE, LEASE = 0.25, 30.0


def annotate(path: Path, who: str, rows: int) -> None:
    """Answer row after row, and print each once it is acknowledged, with when it was held and the time it took."""
    queue = [(str(row), digest(f"text of {row}")) for row in range(rows)]
    with Answers.open(path) as answers:
        print("ready", flush=True)
        while not path.with_name(who.partition("-")[0]).exists():
            time.sleep(0.01)
        (row,) = answers.lease(queue, who, LEASE)
        held = time.time()
        while True:
            time.sleep(PACE)
            begun = time.perf_counter()
            answers.add([Answer(row_id=row, text=f"text of {row}", task="intent", label="slow")], who)
            done, acknowledged = row, time.time()
            (row,) = answers.lease(queue, who, LEASE)
            print(done, held, acknowledged, time.perf_counter() - begun, flush=True)
            held = time.time()


def start(path: Path, who: str, rows: int) -> subprocess.Popen[str]:
    """One annotator."""
    command = [sys.executable, __file__, "--annotate", str(path), who, str(rows)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def measure(annotators: int, rows: int, seconds: float) -> list[object]:
    """A line of the table: so many at once, half of whom are killed in the middle where they are several."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.sqlite"
        people = [start(path, f"first-{number}", rows) for number in range(annotators)]
        people += [start(path, f"second-{number}", rows) for number in range(annotators // 2)]
        killed = people[: annotators // 2]
        for one in people:  # they load for seconds
            assert one.stdout is not None
            one.stdout.readline()
        path.with_name("first").touch()
        time.sleep(seconds / 2)
        for one in killed:
            one.kill()
        path.with_name("second").touch()
        time.sleep(seconds / 2)
        for one in people:
            one.kill()
        lines = [line.split() for one in people for line in (one.communicate()[0] or "").splitlines()]
        with Answers.open(path) as answers:
            answers.check()
            stored = answers.current()["row_id"].tolist()
    whole = [line for line in lines if len(line) == 4]  # the last line of a killed process may be half of one
    lost = {row for row, *_ in whole} - set(stored)
    twice = [row for row, count in Counter(stored).items() if count > 1]
    assert not lost, f"{len(lost)} acknowledged answers are lost"
    assert not twice, f"{len(twice)} rows were held by two people at once"
    waits = np.array([float(line[3]) for line in whole])
    waited = [f"{1000 * float(np.quantile(waits, share)):.1f}" for share in (0.5, 0.99)]
    return [annotators, len(killed), f"{rows:,}", len(whole), len(lost), len(twice), *waited]


def main() -> None:
    """One annotator, then all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--annotators", type=int, default=20)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--annotate", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.annotate:
        annotate(Path(asked.annotate[0]), asked.annotate[1], int(asked.annotate[2]))
    columns = ["annotators", "killed", "rows", "answers", "lost", "rows held by two", "median ms", "99% of them ms"]
    before = os.getloadavg()[0]
    lines = [measure(1, asked.rows, 10.0), measure(asked.annotators, asked.rows, asked.seconds)]
    conditions = f"{_results.machine()}, {os.cpu_count()} cores on which {before:.0f} other processes were waiting"
    text = "the milliseconds are those of an answer, on the disk, and of the next row."
    command = f"`python benchmarks/answer_store.py --seconds {asked.seconds:g}`"
    _results.write(
        "answer_store", f"# Answers\n\n{conditions};\n{command};\n{text}\n\n{_results.table(columns, lines)}"
    )


if __name__ == "__main__":
    main()
