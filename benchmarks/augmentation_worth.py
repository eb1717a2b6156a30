"""When augmentation draws paraphrases: what its learning curve says of few labels and of many, and in how long.

    python benchmarks/augmentation_worth.py --data data/public

Only what the stage does before it draws: the label-agreement models and the learning curve, on rows as they came, with
the embeddings ready. The few labels of a class are those of its first rows, in an order that the seed 0 draws.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import _results
import pandas as pd

from tilth.augmentation import worth
from tilth.augmentation.config import Config
from tilth.augmentation.selection import (
    CrossFitting,
    Worth,
    class_budgets,
    class_sizes,
    fit_label_agreement,
    multiclass_tasks,
    source_order,
)
from tilth.config import EncoderConfig
from tilth.io.python_api import read
from tilth.learn import Evidence
from tilth.learn.encoder import Encoder
from tilth.samples import to_pandas
from tilth.store import Cache

TASKS = {
    "banking77": ("category",),
    "clinc150": ("domain", "domain/intent"),
    "sentfin": ("sentiment",),
}
FILES = {"sentfin": "single_entity.csv"}
CASES = ("banking77:5,10,20,50,all", "clinc150:5,10,20,50,all", "sentfin:100,all")
COLUMNS = ("data set", "labels a class", "labels", "half", "three quarters", "all", "more rows", "gain", "visible",
           "draws", "seconds")  # fmt: skip


def few(file: Path, name: str, count: str, to: Path) -> Path:
    """The file with labels left on `count` rows of each class of the finest task alone."""
    columns = [task.rsplit("/", 1)[-1] for task in TASKS[name]]
    frame = pd.read_csv(file, keep_default_na=False, dtype=str)
    if count != "all":
        rank = frame.sample(frac=1, random_state=0).groupby(columns[-1]).cumcount().reindex(frame.index)
        frame.loc[rank >= int(count), columns] = ""
    frame.to_csv(to, index=False)
    return to


def measured(file: Path, name: str, encoder: Encoder, cache: Cache) -> tuple[int, Worth | None, float]:
    """The table's labels, what its curve says, and the seconds of a processor that this took."""
    found = read(file, text="text", tasks=TASKS[name])
    config = Config().of_texts(len(found.samples))
    evidence = Evidence(found.samples, encoder=encoder, cache=cache)
    evidence.embeddings()
    frame, started = to_pandas(found.samples), time.process_time()
    models = multiclass_tasks([fit_label_agreement(frame, task, evidence) for task in found.tasks])
    recall = {name: share for task in models for name, share in task.recall().items()}
    budgets = class_budgets(class_sizes(frame, found.tasks), recall, config.gate)
    cross_fitting = CrossFitting(models, evidence.embeddings(), config.gate)
    order = source_order(frame, found.tasks, budgets)
    estimated = worth.estimate(cross_fitting, frame["id"].tolist(), order, config, 0)
    return max(int((task.codes >= 0).sum()) for task in models), estimated, time.process_time() - started


def main() -> None:
    """Run, print the table, and put it into its file of results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/public"))
    parser.add_argument("--cache", type=Path, help="a folder where embeddings stay from run to run")
    parser.add_argument("--sets", nargs="+", default=list(CASES))
    arguments, lines = parser.parse_args(), []
    with tempfile.TemporaryDirectory() as folder:
        cache = Cache(arguments.cache or Path(folder) / "cache")
        encoder = Encoder(EncoderConfig(), cache)
        for name, _, counts in (case.partition(":") for case in arguments.sets):
            for count in counts.split(","):
                file = arguments.data / name / FILES.get(name, "train.csv")
                rows = few(file, name, count, Path(folder) / f"{name}-{count}.csv")
                labels, estimated, seconds = measured(rows, name, encoder, cache)
                curve = [f"{score:.3f}" for _, score in estimated.curve] if estimated else [""] * 3
                figures = (
                    [estimated.rows, f"{estimated.gain:.4f}", f"{estimated.visible:.4f}"]
                    if estimated
                    else ["", "too few labels", ""]
                )
                draws = "yes" if estimated is None or estimated.enough else "no"
                lines.append([name, count, labels, *curve, *figures, draws, f"{seconds:.0f}"])
                print(lines[-1], flush=True)
    _results.write(
        "augmentation_worth",
        f"# When augmentation draws paraphrases\n\n`python benchmarks/augmentation_worth.py --sets "
        f"{' '.join(arguments.sets)}` ({_results.machine()})\n\n"
        "Cross-validated macro-F1 of the linear probe by half, three quarters and all of the labels; what as many more "
        "rows as paraphrases can stand for would add to it; and the smallest gain that cross-validation can tell from "
        "chance. Processor seconds, embeddings ready, label-agreement models included.\n\n"
        + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
