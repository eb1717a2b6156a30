"""The demo's paraphrases: of which channel, at which held-out loss, how many are accepted, and a sample to be read.

    make demo && python benchmarks/demo_paraphrases.py [--run data/runs/ID] [--show 120]

What is shown is drawn at random among the accepted ones of the night (by default the newest one in `data/runs`); a
person reads it and writes the count below the table.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import _results
import pandas as pd

from tilth.store import read_json

COLUMNS = ("channel", "rows", "held-out loss of its group", "rows paraphrased", "candidates", "accepted")
Losses = dict[str, float | None]


def lines(frame: pd.DataFrame, losses: Losses) -> list[list[object]]:
    """A line a channel."""
    drawn = frame[frame["source"].eq("paraphrase")]
    written = frame[frame["source"].eq("input") & frame["split"].ne("gold")]
    table = list[list[object]]()
    for channel, rows in written["meta.channel"].value_counts().items():
        mine = drawn[drawn["meta.channel"].eq(str(channel))]
        loss = losses.get(str(channel), losses.get("others"))
        accepted = int(mine["accepted"].eq(True).sum())
        table.append([channel, rows, loss, mine["parent_id"].nunique(), len(mine), accepted])
    return table


def main() -> None:
    """Write the page, and print the sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help="a night's folder; by default the newest one in data/runs")
    parser.add_argument("--show", type=int, default=120)
    options = parser.parse_args()
    run = options.run or max(path.parent for path in Path("data/runs").glob("2*/run.json"))
    frame = pd.read_parquet(run / "3-augmentation.parquet")
    metrics = next(one for one in read_json(run / "run.json")["stages"] if one["name"] == "augmentation")["metrics"]
    accepted = frame[frame["accepted"].eq(True)]
    sources = frame.set_index("id")["text"]
    for _, row in accepted.sample(min(options.show, len(accepted)), random_state=0).sort_index().iterrows():
        print(f"{sources[row['parent_id']]}  =>  {row['text']}")
    _results.write(
        "demo_paraphrases",
        f"# The demo's paraphrases\n\n`make demo && python benchmarks/demo_paraphrases.py --show {options.show}` "
        f"({_results.machine()})\n\n{_results.table(COLUMNS, lines(frame, metrics['groups']['losses']))}",
    )


if __name__ == "__main__":
    main()
