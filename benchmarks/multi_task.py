"""Two tasks on one encoder beside each alone: clinc150's domain and intent, at fractions of the data.

    python benchmarks/multi_task.py --data data/public

The intent is under the domain, as a night has them. Each fraction draws rows by the seed; the encoder is trained by one
mode for as many steps, on both tasks and on each alone. Rows needed: where the line between two fractions of the joint
training reaches what a task alone has with all rows of the larger one.
"""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path

import _results
import numpy as np
import pandas as pd

from tilth import samples as table
from tilth.config import EncoderConfig
from tilth.learn import Evidence, decide, scores
from tilth.learn.encoder import Encoder, encode_with_trunk
from tilth.samples import Task
from tilth.stage import Resources
from tilth.store import Cache
from tilth.training import Config
from tilth.training.fitting import fit_model, sharing
from tilth.training.heads import predict_probabilities
from tilth.training.inputs.training_set import training_set_of
from tilth.training.views.view_pooling import WordingTrial

TASKS = ("domain", "intent")
COLUMNS = ("rows", "task", "both tasks on one encoder", "alone", "difference")
NEEDED = ("task", "alone, rows", "alone, macro-F1", "joint needs rows", "fewer")


def tasks_of(train: pd.DataFrame, names: tuple[str, ...]) -> tuple[Task, ...]:
    """The tasks with their labels; the intent under the domain where both are there."""
    under = dict(zip(train["intent"], train["domain"], strict=True))
    found = []
    for name in names:
        labels = tuple(sorted(train[name].unique()))
        parent = "domain" if name == "intent" and "domain" in names else None
        found.append(Task(name=name, labels=labels, parent=parent, parent_of=under if parent else {}))
    return tuple(found)


def trained(
    some: pd.DataFrame,
    gold: pd.DataFrame,
    names: tuple[str, ...],
    config: Config,
    seed: int,
    encoder: Encoder,
    home: Path,
) -> dict[str, float]:
    """Gold macro-F1 of each task, by heads on the encoder that was trained on these tasks."""
    tasks = tasks_of(some, names)
    frame = pd.DataFrame({"id": [f"r{i}" for i in range(len(some))], "text": some["text"].astype(str).tolist()})
    frame["split"], frame["source"], frame["parent_id"], frame["status"] = "train", "input", None, "active"
    frame["reason"] = None
    for name in names:
        frame[f"{name}_given"] = some[name].tolist()
    samples = table.from_pandas(table.resolve(frame, tasks), tasks)
    evidence = Evidence(samples, encoder=encoder, cache=Cache(home / "cache"))
    own = Resources(tasks=tasks, seed=seed, evidence=evidence, scratch=home)
    frame = table.to_pandas(samples)
    training_set = training_set_of(frame, tasks, own)
    trial = WordingTrial(frame["text"].tolist(), training_set, config)
    fitted = fit_model(frame, training_set, trial, config, own, encoder.folder)
    texts = gold["text"].astype(str).tolist()
    most = encoder.config.max_chunks
    vectors = (
        encoder.encode(texts)
        if fitted.trunk is None
        else encode_with_trunk(fitted.trunk, encoder.folder, texts, config.max_tokens, most)
    )
    found = decide([head.task.to_json() for head in fitted.heads], predict_probabilities(fitted.heads, vectors))
    answers = {task.name: task.decoded(found[task.name][0]).tolist() for task in tasks}
    return {task.name: scores(gold[task.name].tolist(), answers[task.name])["macro_f1"] for task in tasks}


def needed(rows: list[int], joint: list[float], aim: float) -> float:
    """The rows at which the joint scores, on straight lines between the fractions, reach the aim; NaN where never."""
    for place in range(1, len(rows)):
        low, high = joint[place - 1], joint[place]
        if low < aim <= high:
            return rows[place - 1] + (rows[place] - rows[place - 1]) * (aim - low) / (high - low)
    return float(rows[0]) if joint[0] >= aim else float("nan")


def main() -> None:
    """Run, print the tables, and put them into their file of results."""
    parser = _results.parser(__doc__, [])
    parser.add_argument("--fractions", nargs="+", type=float, default=[0.1, 0.2, 0.4, 0.7, 1.0])
    parser.add_argument("--mode", default="top")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--cache", type=Path, help="a folder that keeps the embeddings")
    parser.add_argument("--keep", type=Path, help="a folder that keeps each run, from which the same command goes on")
    arguments = parser.parse_args()
    parts = [pd.read_csv(arguments.data / "clinc150" / f"{part}.csv") for part in ("train", "test")]
    train, gold = (part[part["intent"] != "oos"] for part in parts)
    config = Config(mode=arguments.mode, steps=arguments.steps)
    sharing.FEWEST = 10**9  # what the stage itself would compare is compared here, on gold
    found: dict[int, dict[str, list[tuple[float, float]]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        encoder = Encoder(EncoderConfig(), Cache(arguments.cache or home / "embeddings"))
        for fraction in arguments.fractions:
            for seed in range(arguments.seeds):
                some = train.groupby("intent").sample(frac=fraction, random_state=seed)
                scored: dict[tuple[str, int], float] = {}
                for names in (TASKS, *((name,) for name in TASKS)):
                    part = f"{len(some)} {seed} {arguments.mode} {arguments.steps} {' '.join(names)}"
                    run = partial(trained, some, gold, names, config, seed, encoder, home)
                    one = _results.kept(arguments.keep, part, run)
                    scored |= {(name, len(names)): one[name] for name in names}
                    print(part, one, flush=True)
                for name in TASKS:
                    pair = scored[name, len(TASKS)], scored[name, 1]
                    found.setdefault(len(some), {}).setdefault(name, []).append(pair)
    lines, reached = [], []
    for rows, tasks in found.items():
        for name, pairs in tasks.items():
            joint, alone = np.array(pairs).T
            lines.append([rows, name, _results.shown(joint), _results.shown(alone), f"{np.median(joint - alone):+.3f}"])
    for name in TASKS:
        rows = list(found)
        joint, alone = ([float(np.median(np.array(found[n][name])[:, which])) for n in rows] for which in (0, 1))
        for count, aim in zip(rows[1:], alone[1:], strict=True):
            least = needed(rows, joint, aim)
            fewer = "not reached" if np.isnan(least) else f"{1 - least / count:+.0%}"
            reached.append([name, count, f"{aim:.3f}", "" if np.isnan(least) else f"{least:.0f}", fewer])
    _results.write(
        "multi_task",
        "# Two tasks on one encoder\n\n"
        f"`python benchmarks/multi_task.py {' '.join(sys.argv[1:])}`, {_results.machine()}. Gold macro-F1 on clinc150, "
        f"the median of {arguments.seeds} seeds (smallest to largest), by vectors alone; the encoder trained by "
        f"`{arguments.mode}` for {arguments.steps} steps, the same for all. The aim: the joint one with 23% fewer rows."
        "\n\n" + _results.table(COLUMNS, lines) + "\n\n" + _results.table(NEEDED, reached),
    )


if __name__ == "__main__":
    main()
