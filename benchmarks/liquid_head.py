"""A liquid head on the encoder's token states beside its own pooling, with few labels.

    python benchmarks/liquid_head.py --data data/public --seeds 1 --steps 60

banking77 with five labels a class, drawn by the seed: macro-F1 on rows of its test file. Either head is tuned with all
layers of the encoder by the same steps on the same rows, and a logistic regression is fitted to the vectors after, as
the training stage does it; the encoder as it came stands beside. Nothing here was tuned on the set.
"""

from __future__ import annotations

import time
from pathlib import Path

import _results
import numpy as np
import pandas as pd

from tilth.learn import scores
from tilth.learn.encoder import WHEEL, Trunk, encode_with_trunk, wheel_path
from tilth.samples import Task
from tilth.training.heads import fit_head
from tilth.training.inputs.config import Config
from tilth.training.trainer import TuningRows, tune

LIMIT = 64


def drawn(train: pd.DataFrame, seed: int, count: int) -> pd.DataFrame:
    """So many rows of each class."""
    return train.groupby("category", group_keys=False).sample(count, random_state=seed)


def score(trunk: Trunk, folder: Path, train: pd.DataFrame, gold: pd.DataFrame, task: Task) -> tuple[float, np.ndarray]:
    """Gold macro-F1 of a linear head on a trunk's vectors, and the vectors of the labeled rows."""
    vectors = [encode_with_trunk(trunk, folder, rows["text"].tolist(), LIMIT, 1) for rows in (train, gold)]
    codes = task.codes(train["category"])
    head = fit_head(task, vectors[0], codes, np.ones(len(codes)), uses_parent=False)
    predicted = task.decoded(head.probabilities(vectors[1]).argmax(axis=1)).tolist()
    return scores(gold["category"].tolist(), predicted)["macro_f1"], vectors[0]


def main() -> None:
    """Measure, and write the page."""
    parser = _results.parser(__doc__, ["banking77"])
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--labels", type=int, default=5)
    parser.add_argument("--gold", type=int, default=1000)
    arguments = parser.parse_args()
    folder, home = wheel_path(WHEEL), arguments.data / "banking77"
    train, gold = pd.read_csv(home / "train.csv"), pd.read_csv(home / "test.csv")
    gold = gold.sample(min(arguments.gold, len(gold)), random_state=0)
    task = Task(name="intent", labels=tuple(sorted(train["category"].unique())))
    found: dict[str, tuple[list[float], list[float]]] = {}
    for seed in range(arguments.seeds):
        few = drawn(train, seed, arguments.labels)
        base, vectors = score(Trunk(folder).eval(), folder, few, gold, task)
        found.setdefault("the encoder as it came, linear", ([], []))[0].append(base)
        codes = task.codes(few["category"])
        head = fit_head(task, vectors, codes, np.ones(len(codes)), uses_parent=False)
        rows = TuningRows(texts=few["text"].tolist(), codes={"intent": codes}, weights={"intent": np.ones(len(codes))})
        for kind in ("linear", "liquid"):
            started = time.process_time()
            config = Config(mode="full", head=kind, steps=arguments.steps, max_tokens=LIMIT)
            trunk = tune(folder, rows, [head], config, seed).trunk
            values, seconds = found.setdefault(f"tuned, {kind}", ([], []))
            seconds.append(time.process_time() - started)
            values.append(score(trunk, folder, few, gold, task)[0])
            print(seed, kind, values[-1], seconds[-1], flush=True)
    table = [
        [name, _results.shown(values), f"{np.median(spent):.0f}" if spent else ""]
        for name, (values, spent) in found.items()
    ]
    _results.write(
        "liquid_head",
        f"""# A liquid head beside the linear one, few labels

    python benchmarks/liquid_head.py --seeds {arguments.seeds} --steps {arguments.steps} --gold {arguments.gold}

{__doc__.partition("--steps 60")[2].strip()}

{arguments.labels} labels a class, {arguments.steps} steps, {len(gold)} gold rows, {arguments.seeds} seed(s); the
head is experimental.

{_results.table(("head", "gold macro-F1", "seconds of the processor"), table)}

{_results.machine()}, two cores that other work shared.
""",
    )


if __name__ == "__main__":
    main()
