"""Claim: the demo's labeling functions save over 60% of the hand labels that plain training needs.

    python benchmarks/hand_labels.py [--seeds 5]

A few messages of the demo inbox have their true label, all others none. The stage labels what it is sure of; the
linear probe learns from both and is measured on the gold set. Beside it, the linear probe on true labels alone. The
functions were written with the inbox in sight, as a team writes its own, and never with the gold set.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import _results
import numpy as np
import pandas as pd

from tilth import samples as table
from tilth import stage as stages
from tilth.config import EncoderConfig
from tilth.io.python_api import read
from tilth.learn import Evidence, fit_predict, scores
from tilth.learn.encoder import Encoder
from tilth.store import Cache
from tilth.weak_supervision import Config
from tilth.weak_supervision.functions.loader import load_functions

ROOT = Path(__file__).parents[1]
USED = (0, 50, 100, 200)
SIZES = (50, 75, 100, 150, 200, 250, 300, 400, 500, 600, 800, 1000, 1200)
AREA, INTENT = "area", "intent"
COLUMNS = ("task", "hand labels", "gold macro-F1", "with functions", "plain training needs", "saved")


class Bench:
    """The demo's rows with their true labels, and its functions."""

    def __init__(self, home: Path) -> None:
        raw = ROOT / "data/raw"
        found = read(raw / "inbox.csv", tasks=[AREA, f"{AREA}/{INTENT}"], gold=raw / "gold.csv")
        self.tasks, frame = found.tasks, table.to_pandas(found.samples)
        truth = pd.read_csv(raw / "truth.csv", dtype=str).set_index("id")
        gold = frame["split"].eq("gold")
        for task in self.tasks:
            own = frame[f"{task.name}_given"]
            frame[f"{task.name}_given"] = own.where(gold, frame["id"].map(truth[task.name])).astype(object)
        kept = gold | frame[f"{INTENT}_given"].notna()  # junk has no label, and nobody would label it
        self.frame = frame[kept].reset_index(drop=True)
        self.gold = self.frame["split"].eq("gold").to_numpy()
        self.truth = {task.name: self.frame[f"{task.name}_given"].to_numpy(dtype=object) for task in self.tasks}
        self.functions = load_functions(ROOT / "labeling_functions", self.tasks)
        self.encoder, self.cache, self.home = Encoder(EncoderConfig(), Cache(home)), Cache(home), home
        self.vectors = self.encoder.encode(self.frame["text"].tolist())

    def some(self, count: int, seed: int) -> np.ndarray:
        """Rows whose label is known, drawn at random."""
        chosen = np.zeros(len(self.frame), dtype=bool)
        chosen[np.random.default_rng(seed).choice(np.flatnonzero(~self.gold), count, replace=False)] = True
        return chosen

    def probe_score(self, task: str, labels: np.ndarray, weights: np.ndarray) -> float:
        """Gold macro-F1 of the linear probe that learned from the rows that have a label."""
        names = sorted(set(self.truth[task][self.gold]))
        code = {name: place for place, name in enumerate(names)}
        codes = np.array([code.get(label, -1) for label in labels])
        taught = (codes >= 0) & ~self.gold
        found = fit_predict(self.vectors[taught], codes[taught], self.vectors[self.gold], len(names), weights[taught])
        said = [names[place] for place in found.argmax(axis=1)]
        return scores(self.truth[task][self.gold].tolist(), said)["macro_f1"]

    def plain(self, task: str, count: int, seed: int) -> float:
        """On some true labels alone."""
        known = self.some(count, seed)
        return self.probe_score(task, np.where(known, self.truth[task], None), np.ones(len(known)))

    def with_functions(self, count: int, seed: int) -> dict[str, float]:
        """On these labels and on what the stage makes of the rest, by task."""
        known, frame = self.some(count, seed) | self.gold, self.frame.copy()
        for task in self.tasks:
            frame[f"{task.name}_given"] = np.where(known, self.truth[task.name], None)
        frame["split"] = np.where(self.gold, "gold", np.where(known, "train", "unlabeled"))
        samples = table.from_pandas(table.resolve(frame, self.tasks), self.tasks)
        with tempfile.TemporaryDirectory(dir=self.home) as scratch:
            resources = stages.Resources(
                tasks=self.tasks,
                seed=seed,
                evidence=Evidence(samples, encoder=self.encoder, cache=self.cache),
                scratch=Path(scratch),
                labeling_functions=(self.functions,),
            )
            after = table.to_pandas(stages.perform("weak_supervision", samples, Config(), resources).samples)
        return {
            task.name: self.probe_score(
                task.name,
                after[task.name].to_numpy(dtype=object),
                after[f"{task.name}_confidence"].fillna(0).clip(1e-3, 1).to_numpy(dtype=float),
            )
            for task in self.tasks
        }


def needed(bench: Bench, task: str, reached: float, seeds: Sequence[int]) -> int | None:
    """The labels with which plain training comes as far, None where none of the sizes does."""
    for count in SIZES:
        if np.median([bench.plain(task, count, seed) for seed in seeds]) >= reached:
            return count
    return None


def main() -> None:
    """Run, print the table, and put it into its file of results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    seeds, lines = range(arguments.seeds), []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        reached = {used: [bench.with_functions(used, seed) for seed in seeds] for used in USED}
        for task in (AREA, INTENT):
            for used, runs in reached.items():
                values = [run[task] for run in runs]
                alone = [bench.plain(task, used, seed) for seed in seeds] if used else []
                count = needed(bench, task, float(np.median(values)), seeds)
                text = f"more than {SIZES[-1]}" if count is None else str(count)
                share = f"{max(0.0, 1 - used / (count or SIZES[-1])):.0%}"
                lines.append([task, str(used), _results.shown(alone), _results.shown(values), text, share])
                print("| " + " | ".join(lines[-1]) + " |", flush=True)
    _results.write(
        "hand_labels",
        f"# Hand labels saved on the demo\n\n`python benchmarks/hand_labels.py --seeds {arguments.seeds}` "
        f"({_results.machine()})\n\n"
        f"Median over {arguments.seeds} seeds (smallest to largest), which draw the labeled rows. Saved: the share of "
        "the labels that plain training needs, to come as far, that were not needed.\n\n"
        + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
