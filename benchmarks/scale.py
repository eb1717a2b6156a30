"""Cleaning and weak supervision on many rows: rows a second, memory, and how both grow.

    python benchmarks/scale.py --data data/public

The rows are banking77's, and beyond them pairs of its texts of one class, joined, with a fifth of their words left out;
a tenth of the labels is wrong. Each size is run from an empty cache, and once more with the embeddings alone in it.
Copies are kept (`cleaning.near_duplicate = 1.0`), so that all rows are judged.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import _results
import numpy as np
import pandas as pd
from nights import watched

STAGES = ("cleaning", "weak_supervision")
COLUMNS = ("rows", "embeddings", "stage", "seconds", "rows a second", "GiB")
KEYWORDS = {
    "card_arrival": ("has not arrived", "where is my card", "still waiting"),
    "lost_or_stolen_card": ("stolen", "lost my card"),
    "exchange_rate": ("exchange rate",),
    "top_up_failed": ("top up failed", "top-up failed", "top up did"),
    "Refund_not_showing_up": ("refund",),
    "change_pin": ("change my pin", "new pin"),
    "age_limit": ("how old", "children", "age"),
    "apple_pay_or_google_pay": ("apple pay", "google pay", "apple watch"),
    "declined_card_payment": ("declined",),
    "passcode_forgotten": ("passcode",),
}


def rows_of(folder: Path, count: int) -> pd.DataFrame:
    """The first `count` of them: banking77's own, then joined pairs; a tenth of the labels is another class."""
    own, rng = pd.read_csv(folder / "banking77/train.csv"), np.random.default_rng(0)
    texts, labels = own["text"].tolist(), own["category"].tolist()
    mates = own.groupby("category")["text"].apply(list).to_dict()
    while len(texts) < count:
        one = int(rng.integers(len(own)))
        label = own["category"].iloc[one]
        words = f"{own['text'].iloc[one]} {mates[label][rng.integers(len(mates[label]))]}".split()
        texts.append(" ".join(word for word in words if rng.random() > 0.2))
        labels.append(label)
    frame = pd.DataFrame({"text": texts[:count], "category": labels[:count]})
    wrong = rng.random(count) < 0.1
    frame.loc[wrong, "category"] = rng.choice(own["category"].unique(), int(wrong.sum()))
    frame.loc[rng.random(count) < 0.2, "category"] = None  # for the label model
    return frame


def workspace(home: Path, frame: pd.DataFrame) -> None:
    """A workspace with ten functions over the rows."""
    home.mkdir()
    frame.to_csv(home / "rows.csv", index=False)
    config = '[data]\ninput = ["rows.csv"]\n\n[[tasks]]\nname = "category"\n\n[cleaning]\nnear_duplicate = 1.0\n'
    (home / "tilth.toml").write_text(config, encoding="utf-8")
    (home / "labeling_functions").mkdir()
    lines = ["from snorkel.labeling import labeling_function\n"]
    for number, (label, words) in enumerate(KEYWORDS.items()):
        lines.append(
            f"\n@labeling_function()\ndef rule_{number}(x):\n    text = x.text.lower()\n"
            f"    return {label!r} if any(word in text for word in {words!r}) else -1\n"
        )
    (home / "labeling_functions/rules.py").write_text("".join(lines), encoding="utf-8")


def night(home: Path) -> tuple[dict[str, float], float]:
    """The seconds of each stage, and the memory in GiB of the largest process at its peak."""
    with (home / "run.json").open("w", encoding="utf-8") as out:
        peak = watched(["run", "--to", STAGES[-1], "--json"], home, home / "none", out)
    record = json.loads((home / "run.json").read_text(encoding="utf-8"))
    return {entry["name"]: entry["seconds"] for entry in record["stages"] if entry["name"] in STAGES}, peak


def main() -> None:
    """Run, print the table, and put it into its file of results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data/public"))
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_003, 100_000])
    arguments = parser.parse_args()
    lines: list[list[str]] = []
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder) / "workspace"
            workspace(home, rows_of(arguments.data, size))
            for embeddings in ("from nothing", "ready"):
                seconds, peak = night(home)
                lines += [
                    [f"{size:,}", embeddings, name, f"{took:.0f}", f"{size / max(took, 0.1):.0f}", f"{peak:.1f}"]
                    for name, took in seconds.items()
                ]
                for line in lines[-len(seconds) :]:
                    print("| " + " | ".join(line) + " |", flush=True)
                for part in (home / "data/cache").iterdir():
                    if part.name != "embeddings":
                        shutil.rmtree(part)
    sizes = " ".join(map(str, arguments.sizes))
    _results.write(
        "scale",
        "# Many rows: 77 classes through cleaning and weak supervision\n\n"
        f"`python benchmarks/scale.py --sizes {sizes}` ({_results.machine()})\n\n"
        "GiB is the largest process at its peak.\n\n" + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
