"""How small and how fast the night's model becomes, and what each step of it costs and brings.

    python benchmarks/compression.py --data data/public

The full model is the night's own: encoder, heads on its vectors, and on the wording where held-out rows gain. Sizes
count every file that `predict` reads. Throughput is texts a second of `Predictor` on one thread, for one of the same
model in eager PyTorch in float32, by processor time, in turns, medians; at batch 32 both get texts of like length.
Points are of 100 of gold macro-F1. `--shapes` names the rows that are measured.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import _results
import numpy as np
import onnxruntime
import pandas as pd

from tilth import samples as table
from tilth.config import EncoderConfig
from tilth.learn import Evidence, scores
from tilth.learn.encoder import Encoder
from tilth.samples import Task
from tilth.stage import Resources
from tilth.store import Cache
from tilth.training.compression.candidate import make_candidate
from tilth.training.compression.compressor import needs_distillation
from tilth.training.compression.full_model import FullModel
from tilth.training.compression.search import spread
from tilth.training.compression.speed import EagerModel, seconds
from tilth.training.compression.student.shape import Shape
from tilth.training.export import Predictor
from tilth.training.exporting import Exporter
from tilth.training.fitting import fit_model
from tilth.training.inputs.config import Config
from tilth.training.inputs.training_set import training_set_of
from tilth.training.views.picture_view import PictureView
from tilth.training.views.view_pooling import WordingTrial, fit_wording

COLUMNS = (
    "data set",
    "model",
    "MB",
    "times smaller",
    "gold macro-F1",
    "points lost",
    "held-out points lost (95%)",
    "of rows",
    "times the throughput, batch 1",
    "batch 32",
    "CPU s to make",
)
SHAPES: dict[str, Callable[[int], Shape]] = {
    "int8": lambda layers: Shape(layers=spread(layers, layers), cut_vocabulary=False, bits=8),
    "+ cut vocabulary": lambda layers: Shape(layers=spread(layers, layers), bits=8),
    "4 bits, whole vocabulary": lambda layers: Shape(layers=spread(layers, layers), cut_vocabulary=False, bits=4),
    "4 bits, cut vocabulary": lambda layers: Shape(layers=spread(layers, layers), bits=4),
    "half of the layers": lambda layers: Shape(layers=spread(layers, layers // 2), bits=8),
    "+ 4 bits": lambda layers: Shape(layers=spread(layers, layers // 2), bits=4),
    "+ 70% of the channels": lambda layers: Shape(layers=spread(layers, layers // 2), channels=0.7, bits=4),
    "+ 67% of the heads": lambda layers: Shape(layers=spread(layers, layers // 2), heads=0.67, channels=0.7, bits=4),
    "a third of the layers": lambda layers: Shape(layers=spread(layers, layers // 3), bits=4),
    "static": lambda layers: Shape(layers=(), bits=4),
}
"""Of an encoder of so many layers."""


def rows_of(name: str, folder: Path, per_class: int) -> tuple[pd.DataFrame, Task]:
    """The table of a public set, and its task."""
    files, columns = ("train", "test"), {"category": "label", "intent": "label", "v1": "label", "v2": "text"}
    parts = [pd.read_csv(folder / name / f"{part}.csv").rename(columns=columns) for part in files]
    train, gold = (part[part["label"] != "oos"] for part in parts)
    if per_class:
        train = train.groupby("label").sample(per_class, random_state=0)
    texts = [*train["text"].astype(str), *gold["text"].astype(str)]
    splits = ["train"] * len(train) + ["gold"] * len(gold)
    frame = pd.DataFrame({"id": [f"r{i}" for i in range(len(texts))], "text": texts, "split": splits})
    frame["source"], frame["parent_id"], frame["status"], frame["reason"] = "input", None, "active", None
    frame["label_given"] = [*train["label"], *gold["label"]]
    return frame, Task(name="label", labels=tuple(sorted(train["label"].unique())))


def full_model(
    frame: pd.DataFrame, task: Task, config: Config, cache: Cache, scratch: Path, model: str = "default"
) -> FullModel:
    """The night's model, as the training stage fits it, on an encoder of `[encoder]`."""
    samples = table.from_pandas(table.resolve(frame, [task]), [task])
    encoder = Encoder(EncoderConfig(model=model), cache)
    evidence = Evidence(samples, encoder=encoder, cache=cache)
    resources = Resources(tasks=(task,), seed=0, evidence=evidence, scratch=scratch)
    rows = table.to_pandas(samples)
    training_set = training_set_of(rows, (task,), resources)
    config = config.of_texts(int((rows["split"] != "gold").sum()))
    trial = WordingTrial(rows["text"].tolist(), training_set, config)
    fitted = fit_model(rows, training_set, trial, config, resources, encoder.folder)
    wording = fit_wording(trial, fitted.held_out)
    exporter = Exporter(
        frame=rows,
        training_set=training_set,
        wording=wording,
        pictures=PictureView(),
        config=config,
        resources=resources,
    )
    return exporter._full_model(fitted, exporter._graphs(fitted, encoder.folder), encoder.folder)


def measure(
    name: str, full: FullModel, gold: pd.DataFrame, steps: int, chosen: Sequence[str], line: Callable[[list[Any]], None]
) -> None:
    """A line for each model."""
    texts, truth = gold["text"].tolist(), gold["label_given"].tolist()
    eager = EagerModel(
        trunk=full.trunk, heads=full.heads, wording=full.wording, source=full.source, limit=full.limit
    ).answerer()

    def f1(answer: Any) -> float:
        codes = np.concatenate([np.asarray(answer(texts[start : start + 64])) for start in range(0, len(texts), 64)])
        labels = [full.tasks[0].labels[code] for code in codes]
        return float(scores(truth, labels)["macro_f1"])

    whole = f1(lambda some: eager(some)["label"][0])  # type: ignore[index]
    size = sum(value.numel() * 4 for value in full.trunk.parameters()) + (full.source / "tokenizer.json").stat().st_size
    line([name, "float32, eager", f"{size / 1e6:.1f}", "1.0", f"{whole:.4f}", "", "", "", "1.0", "1.0", ""])
    for label in chosen:
        begun, shape = time.process_time(), SHAPES[label](full.layers)
        candidate = make_candidate(
            full, shape, steps if needs_distillation(full, shape) else 0, label.replace(" ", "_")
        )
        made = time.process_time() - begun
        predictor = Predictor(candidate.folder, threads=1)
        reached = f1(lambda some, predictor=predictor: predictor.answers(some).codes["label"])
        fast = []
        for batch in (1, 32):
            times = seconds({"eager": eager, "it": predictor.answers}, texts, batch)
            fast.append(times["eager"] / times["it"])
        line(
            [
                name,
                label,
                f"{candidate.size / 1e6:.2f}",
                f"{size / candidate.size:.1f}",
                f"{reached:.4f}",
                f"{100 * (whole - reached):.2f}",
                "{:.2f} ({:.1f} to {:.1f})".format(candidate.loss.points, *candidate.loss.interval),
                len(candidate.loss.rows),
                f"{fast[0]:.1f}",
                f"{fast[1]:.1f}",
                f"{made:.0f}",
            ]
        )


def options(doc: str | None, sets: Sequence[str]) -> argparse.ArgumentParser:
    """What both benchmarks of smaller models take."""
    parser: argparse.ArgumentParser = _results.parser(doc, sets)
    parser.add_argument("--encoder", default="default", help="as of [encoder] model")
    parser.add_argument("--gold", type=int, help="gold rows that are drawn (default: all)")
    parser.add_argument("--cache", type=Path, help="a folder that keeps the embeddings")
    parser.add_argument("--config", default="{}", help="of [training], as JSON")
    return parser


def prepared(entry: str, arguments: argparse.Namespace, home: Path) -> tuple[str, pd.DataFrame, FullModel]:
    """A data set's name, its rows, and the night's model of them.

    Args:
        entry: of `--sets`: a name, and after a colon the rows a class, 0 for all.
        arguments: see `options`.
        home: a folder for what is made on the way.
    """
    name, _, per_class = entry.partition(":")
    (home / "scratch").mkdir()
    frame, task = rows_of(name, arguments.data, int(per_class or 0))
    gold = frame[frame["split"] == "gold"]
    if arguments.gold and arguments.gold < len(gold):
        frame = frame.drop(gold.sample(len(gold) - arguments.gold, random_state=0).index).reset_index(drop=True)
    config = Config.model_validate(json.loads(arguments.config))
    cache = Cache(arguments.cache or home / "cache")
    return name, frame, full_model(frame, task, config, cache, home / "scratch", arguments.encoder)


def about(doc: str | None) -> str:
    """What a benchmark's docstring says below its command."""
    return (doc or "").split("public", 1)[1].strip()


def main() -> None:
    """Run, print the table as it grows, and put it into its file of results."""
    parser = options(__doc__, ["banking77:0", "clinc150:0", "sms_spam_rules:0"])
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--steps", type=int, default=1000, help="batches of distillation")
    arguments = parser.parse_args()
    lines: list[list[Any]] = []

    def line(values: list[Any]) -> None:
        lines.append(values)
        print("| " + " | ".join(map(str, values)) + " |", flush=True)

    for entry in arguments.sets:
        with tempfile.TemporaryDirectory() as folder:
            name, frame, full = prepared(entry, arguments, Path(folder))
            gold = frame[frame["split"] == "gold"]
            measure(name, full, gold, arguments.steps, arguments.shapes, line)
    _results.write(
        "compression",
        "# Small and fast: what each step costs and brings\n\n"
        f"`python benchmarks/compression.py --sets {' '.join(arguments.sets)} --steps {arguments.steps}`, "
        f"{_results.machine()}, ONNX Runtime {onnxruntime.__version__}, one thread; `[training]` "
        f"`{arguments.config}`. {about(__doc__)}\n\n" + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
