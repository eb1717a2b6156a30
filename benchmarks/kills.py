"""Nights that are killed with -9 at random moments: how many go on to the same tables.

    python benchmarks/kills.py --data data/public --kills 10

A workspace of 300 rows of banking77. One night runs to its end, and says how long a night takes; then, from an empty
workspace each, a night is killed with all its processes at a moment drawn at random within that time, started again,
and its tables are held against those of the night that nobody killed.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import _results
import pandas as pd

from tilth import store

COLUMNS = ("kill", "after, of a night", "stages done by then", "went on", "same tables")
TOLERANCE = 1e-4


def workspace(home: Path, data: Path, rows: int) -> None:
    """A workspace of so many rows of ten classes."""
    home.mkdir()
    whole = pd.read_csv(data / "banking77/train.csv")
    classes = sorted(whole["category"].unique())[:10]
    part = whole[whole["category"].isin(classes)].sample(rows, random_state=0)
    part.assign(id=[f"r{place}" for place in range(rows)]).to_csv(home / "rows.csv", index=False)
    (home / "tilth.toml").write_text(
        '[data]\ninput = ["rows.csv"]\n\n[[tasks]]\nname = "category"\n\n[augmentation]\nwhen = "never"\n\n'
        '[training]\nmode = "probe"\n',
        encoding="utf-8",
    )


def start(home: Path) -> subprocess.Popen[bytes]:
    """Start a night in a session of its own."""
    command = [sys.executable, "-m", "tilth.cli", "run"]
    return subprocess.Popen(
        command, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """`kill -9` of the command and of what it started, each with its group."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    children = [int(pid) for pid, parent in map(str.split, listed.splitlines()) if int(parent) == process.pid]
    for pid in (process.pid, *children):
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:  # it has ended by itself
            continue
    process.wait()


def tables(home: Path) -> dict[str, pd.DataFrame]:
    """The tables of the newest night."""
    run = sorted(path.parent for path in home.glob("data/runs/*/run.json") if not path.parent.is_symlink())[-1]
    return {path.name: pd.DataFrame(store.read_table(path).to_pandas()) for path in run.glob("[0-9]-*.parquet")}


def same(ours: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> bool:
    """Whether two nights have the same tables, numbers to `TOLERANCE`."""
    if ours.keys() != other.keys():
        return False
    try:
        for name, frame in ours.items():
            pd.testing.assert_frame_equal(frame, other[name], check_exact=False, rtol=0, atol=TOLERANCE)
    except AssertionError:
        return False
    return True


def main() -> None:
    """Run, print the table, and put it into its file of results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/public"))
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    draw, lines = random.Random(arguments.seed), []
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole"
        workspace(whole, arguments.data, arguments.rows)
        started = time.monotonic()
        if start(whole).wait():
            raise SystemExit("the night that nobody killed failed")
        seconds, expected = time.monotonic() - started, tables(whole)
        for number in range(arguments.kills):
            home, share = Path(folder) / f"killed-{number}", draw.random()
            workspace(home, arguments.data, arguments.rows)
            process = start(home)
            time.sleep(share * seconds)
            kill_all(process)
            done = sum(not path.parent.is_symlink() for path in home.glob("data/runs/*/[1-5]-*.parquet"))
            went_on = start(home).wait() == 0
            equal = went_on and same(tables(home), expected)
            lines.append(
                [str(number + 1), f"{share:.0%}", str(done), "yes" if went_on else "no", "yes" if equal else "no"]
            )
            print("| " + " | ".join(lines[-1]) + " |", flush=True)
    survived = sum(line[-1] == "yes" for line in lines)
    _results.write(
        "kills",
        "# Nights that are killed\n\n"
        f"`python benchmarks/kills.py --kills {arguments.kills}` ({_results.machine()})\n\n"
        f"{survived} of {len(lines)} nights of {arguments.rows} rows that were killed with -9 went on to the same "
        "tables.\n\n" + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
