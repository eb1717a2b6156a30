"""What the page of the demo says of wrong labels, beside the demo's truth.

    make demo
    python benchmarks/demo_truth.py --run data/runs/latest

The demo corpus was written with known labels, some of which were then made wrong; `data/raw/truth.csv` has them all,
and no night reads it. Of each task: how many labels cleaning calls wrong, how often that is right by the page (with its
interval) and by the truth, how many of all wrong labels it calls, and how many of its corrections are right.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import _results
import pandas as pd

from tilth import samples as table
from tilth import store

TRUTH = Path(__file__).parents[1] / "data/raw/truth.csv"
COLUMNS = ("task", "labels", "wrong in truth", "called wrong", "right by the page", "right in truth",
           "within the interval", "of all wrong ones called", "corrected", "of these right")  # fmt: skip


def line(task: str, rows: pd.DataFrame, truth: pd.Series, says: dict[str, object]) -> list[object]:
    """One line of the table.

    Args:
        task: its name.
        rows: of the input, labeled, without gold.
        truth: their true labels; empty where no class fits.
        says: what `report.json` says of the task's wrong labels.
    """
    given = rows[f"{task}_given"].astype(str)
    wrong = given.ne(truth)
    called = rows[f"is_{task}_issue"].fillna(False).astype(bool)
    share = float(wrong[called].mean())
    low, high = says["interval"] or (float("nan"), float("nan"))  # type: ignore[misc]
    corrected = rows[f"{task}_origin"].eq("corrected")
    right = rows[task].astype(str).eq(truth)[corrected]
    return [
        task,
        f"{len(rows):,}",
        int(wrong.sum()),
        int(called.sum()),
        f"{says['precision']:.3f} ({low:.3f} to {high:.3f})",
        f"{share:.3f}",
        "yes" if low <= share <= high else "no",
        f"{float(called[wrong].mean()):.3f}",
        int(corrected.sum()),
        int(right.sum()),
    ]


def main() -> None:
    """Compare, print the table, and put it into its file of results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("data/runs/latest"))
    run = parser.parse_args().run
    frame = table.to_pandas(store.read_table(store.newest_table(run)))
    rows = frame[frame["split"].ne("gold") & frame["source"].eq("input")]
    truth = pd.read_csv(TRUTH, dtype=str, keep_default_na=False).set_index("id")
    lines = []
    for says in store.read_json(run / "report.json")["cleaning_estimates"]:
        labeled = rows[rows[f"{says['task']}_given"].notna()].set_index("id")
        lines.append(line(says["task"], labeled, truth.loc[labeled.index, says["task"]], says))
    _results.write(
        "demo_truth",
        "# Wrong labels of the demo: what its page says, and the truth\n\n`python benchmarks/demo_truth.py --run "
        f"data/runs/latest` after `make demo` ({_results.machine()})\n\nOne night. A label on a text that fits no "
        "class counts as wrong.\n\n" + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
