"""Whole nights with the augmentation stage: CPU seconds by stage, gold, and what became of the paraphrases.

    python benchmarks/augmentation_nights.py --data data/public

The demo as it is in this repository, and nights of public sets whose train rows have a few labels a class; all their
other texts are unlabeled, and their model is not made smaller, which takes minutes whatever augmentation does. Each
night is made of the calls that the flow makes, in one process; a night that was killed goes on from its last finished
stage, whose seconds are kept in `--home`. Seconds are of processor, of the night's own process and of those that it
starts. With `--cache` the vectors of the texts are ready.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _results
import pandas as pd

ROOT = Path(__file__).parents[1]
DEMO, LABELS = "demo", {"banking77": "category", "clinc150": "intent"}
STAGES = ("cleaning", "weak_supervision", "augmentation", "active_learning", "training")
COLUMNS = (
    "night", "rows", "labels", *(f"{name.replace('_', ' ')}, CPU s" for name in STAGES), "all, CPU s", "gold macro-F1",
    "candidates", "accepted", "used", "what the stage says",
)  # fmt: skip


def prepare(name: str, arguments: argparse.Namespace, home: Path) -> None:
    """A workspace, unless it stands there."""
    if home.exists():
        return
    home.mkdir(parents=True)
    if name == DEMO:
        shutil.copy(ROOT / "tilth.toml", home)
        for folder in ("data/raw", "labeling_functions"):
            shutil.copytree(ROOT / folder, home / folder)
    else:
        column = LABELS[name]
        train, gold = (pd.read_csv(arguments.data / name / f"{part}.csv") for part in ("train", "test"))
        train, gold = (part[part[column] != "oos"][["text", column]] for part in (train, gold))
        if arguments.rows and arguments.rows < len(train):
            train = train.sample(arguments.rows, random_state=arguments.seed)
        labeled = train.groupby(column).sample(arguments.labels, random_state=arguments.seed).index
        train[column] = train[column].where(train.index.isin(labeled))
        train.assign(id=[f"r{place}" for place in range(len(train))]).to_csv(home / "rows.csv", index=False)
        gold.assign(id=[f"g{place}" for place in range(len(gold))]).to_csv(home / "gold.csv", index=False)
        config = f'[data]\ninput = ["rows.csv"]\ngold = "gold.csv"\ntext = "text"\n\n[[tasks]]\nname = "{column}"\n'
        config += "\n[training]\ncontract = false\n"
        (home / "tilth.toml").write_text(config, encoding="utf-8")
    if arguments.cache is not None:
        shutil.copytree(arguments.cache / "embeddings", home / "data/cache/embeddings")


def one_night(home: Path) -> None:
    """A night in a workspace; the seconds of each step, and what came of it, go into its folder."""
    file = home / "cpu.json"
    spent: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}

    def step(name: str, call: Callable[[], Any]) -> Any:
        before, found = sum(os.times()[:4]), call()
        seconds = sum(os.times()[:4]) - before
        spent[name] = round(max(seconds, spent.get(name, 0.0)), 1)  # a stage that was done before comes from the cache
        file.write_text(json.dumps(spent), encoding="utf-8")
        print(name, spent[name], flush=True)
        return found

    from tilth import night, reports, stage, store

    run = step("begin", lambda: night.begin(night.Request(workspace=store.locate(home / "tilth.toml"))))
    for name in stage.NAMES:
        step(name, lambda name=name: night.perform(run, name))
    step("finish", lambda: night.finish(run))
    step("report", lambda: (reports.write(run.path), reports.write_cards(run.path)))
    step("promote", lambda: night.promote(run))
    (home / "run").write_text(str(run.path), encoding="utf-8")


def line_of(name: str, home: Path) -> list[object]:
    """A night's line of the table."""
    spent = json.loads((home / "cpu.json").read_text(encoding="utf-8"))
    run = Path((home / "run").read_text(encoding="utf-8"))
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    stages = {one["name"]: one for one in record["stages"]}
    found, tasks = stages["augmentation"]["metrics"], [task["name"] for task in record["tasks"]]
    table = pd.read_parquet(run / "0-input.parquet")
    labels = [int(table.loc[table["split"] == "train", f"{task}_given"].notna().sum()) for task in tasks]
    said = stages["augmentation"]["skipped"] or f"when = {found['when']}"
    return [
        name, len(table), ", ".join(map(str, labels)), *(spent[one] for one in STAGES), round(sum(spent.values()), 1),
        ", ".join(f"{task} {record['gold'][task]['macro_f1']:.3f}" for task in tasks),
        *(found.get(key, 0) for key in ("candidates", "accepted", "used")), said,
    ]  # fmt: skip


def main() -> None:
    """Run the nights that are not there, and write the table of all that are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/public"))
    parser.add_argument("--home", type=Path, default=Path("data/benchmarks/augmentation_nights"))
    parser.add_argument("--cache", type=Path, help="a folder that holds vectors of the texts already")
    parser.add_argument("--sets", nargs="+", default=[DEMO, *LABELS], choices=[DEMO, *LABELS])
    parser.add_argument("--labels", type=int, default=5, help="labels a class, of the public sets")
    parser.add_argument("--rows", type=int, help="train rows that are drawn (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="of the rows that have a label")
    parser.add_argument("--table", action="store_true", help="write the page from the finished nights; run nothing")
    parser.add_argument("--night", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.night:
        one_night(arguments.night)
        return
    lines = []
    for name in arguments.sets:
        home = (arguments.home / name).resolve()
        if not arguments.table and not (home / "run").exists():
            prepare(name, arguments, home)
            environment = {**os.environ, "OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(home / "own cache")}
            subprocess.run([sys.executable, __file__, "--night", str(home)], env=environment, check=True)
        if (home / "run").exists():
            lines.append(line_of(name, home))
    rows = f" --rows {arguments.rows}" if arguments.rows else ""
    _results.write(
        "augmentation_nights",
        "# Whole nights with the augmentation stage\n\n"
        f"`python benchmarks/augmentation_nights.py --sets {' '.join(arguments.sets)} --labels {arguments.labels}"
        f"{rows}` ({_results.machine()})\n\n"
        f"One seed, one thread, the defaults of each workspace.{' The vectors were ready.' if arguments.cache else ''} "
        f"CPU seconds are of the night's own process and of those that it starts.\n\n" + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
