"""Claim: `tilth predict` answers one line within 0.7 seconds of the start of its process.

    python benchmarks/predict_cold.py [--run RUN]

Each round starts a bare Python, one that imports the three packages that a model takes, and `tilth predict` on one
line; rounds are interleaved, and what is measured is the processor's time of each process: other work on the machine
does not count.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import _results
import numpy as np

from tilth.store import find, locate

LIMIT = 0.7
COMMANDS = {
    "Python alone": ["-c", "pass"],
    "Python, onnxruntime, tokenizers and numpy": ["-c", "import numpy, onnxruntime, tokenizers"],
    "tilth --help": ["-m", "tilth.cli", "--help"],
    "tilth predict, one line": ["-m", "tilth.cli", "predict", "where is my refund"],
}


def seconds(command: list[str]) -> float:
    """Processor time of one process, from its start to its end."""
    before = os.times()
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default="latest", help="a run with a model (default: the demo's latest)")
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    run = find(locate(anywhere=True).runs, asked.run).path
    commands = {**COMMANDS, "tilth predict, one line": [*COMMANDS["tilth predict, one line"], "--run", str(run)]}
    spent: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(asked.rounds):
        for name, command in commands.items():
            spent[name].append(seconds(command))
    size = sum(file.stat().st_size for file in Path(run / "model").iterdir()) / 1e6
    lines = [[name, *(f"{value:.2f}" for value in (np.median(all_of), max(all_of)))] for name, all_of in spent.items()]
    reached = np.median(spent["tilth predict, one line"]) < LIMIT
    _results.write(
        "predict_cold",
        f"# One line, from a cold process\n\n`python benchmarks/predict_cold.py --rounds {asked.rounds}`: processor "
        f"time, seconds, of {asked.rounds} processes of each kind; the model of a night on the demo ({size:.0f} MB). "
        f"{_results.machine()}. Below {LIMIT} s: {'yes' if reached else 'no'}.\n\n"
        f"{_results.table(('process', 'median', 'most'), lines)}",
    )


if __name__ == "__main__":
    main()
