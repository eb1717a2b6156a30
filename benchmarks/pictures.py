"""What a picture adds to a text: emoji by name and picture, labels turned among them; and pictures in INT8.

    python benchmarks/pictures.py --data data/public --seeds 1

emoji, 9 categories: macro-F1 on the rows of its test file, by the training stage itself (`mode = "probe"`, no contract,
float), as its exported model answers: from names alone, from pictures alone (the same rows without their names), and
from both, pooled by the share that the stage chooses on train rows. Names of flags hold the word flag, and are left as
they came. The labels that both need for the better single one's score with all labels are read off a curve of label
counts, between its points by a straight line; as the last labels are of large classes alone, a single one may reach
that score with fewer, too. Subcategories are learned beside the categories, with all labels. `emoji_trunks` trains the
trunks for the categories, with all labels: the top of the model of pictures, then the encoder's top layers as well
(`mode = "top"`), each beside the frozen ones. Then cleaning: 20% of the
train labels are turned to another category at random, and found by the label errors' models with the pictures' view and
without it. Last, `pneumonia_mnist` (X-rays of 28 pixels, pictures alone; the model of pictures reads them at 224), by
the exported model: on the model of pictures as it came and with its top layers trained on the train rows
(`picture_mode = "top"`, held-out train rows choose the step), each in float, in static INT8 by plain rounding, and in
INT8 after quantization-aware training. Nothing was tuned on these sets, but for the cosine of `picture_duplicate`,
which is not used here.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import _results
import numpy as np
import pandas as pd
from datasets import Dataset
from PIL import Image
from sklearn.metrics import roc_auc_score

from tilth import cleaning, stage, training
from tilth.config import EncoderConfig, ImageConfig
from tilth.learn import Evidence
from tilth.learn.encoder import Encoder
from tilth.learn.pictures import PictureEncoder
from tilth.samples import Task, from_pandas, resolve
from tilth.store import Cache, digest
from tilth.training import Predictor
from tilth.training import stage as stage_of_training

COUNTS = (5, 10, 20, 40, 80)
"""Labels a class of the curve, below all."""
FOLDS = 5
WAYS = ("text alone", "picture alone", "both")
SETS = ["emoji", "emoji_trunks", "pneumonia_mnist"]
PLAIN = {"mode": "probe", "picture_mode": "probe", "contract": False, "quantize": False}
TRAINED = {
    "top": (("picture alone", "probe"), ("both", "probe"), ("both", "top")),
    "probe": (("text alone", "top"), ("both", "top")),
}
"""By `picture_mode`, ways and `mode` of the lines of `emoji_trunks`."""
TRUNKS = {"as it came": "probe", "top trained": "top"}
WEIGHTS = {"float": None, "INT8": "never", "INT8 after training for it": "always"}
"""Of an exported model of pictures, with `quantization_aware`."""


def rows_of(home: Path, most: int | None) -> pd.DataFrame:
    """Both files' rows, the test file's as gold, with references to their pictures."""
    files = {"train.csv": "train", "test.csv": "gold"}
    parts = [pd.read_csv(home / name).assign(split=split) for name, split in files.items()]
    frame = pd.concat([part.head(most) if most else part for part in parts], ignore_index=True)
    frame["picture_path"] = [str((home / name).resolve()) for name in frame["image"]]
    frame["picture_digest"] = [digest(Path(path).read_bytes()) for path in frame["picture_path"]]
    return frame


def as_table(frame: pd.DataFrame, labels: Mapping[str, Sequence[object]], tasks: Sequence[Task], way: str) -> Dataset:
    """The rows as a night's input, with what a way sees of them."""
    out = frame[["id", "text", "picture_digest", "picture_path", "split"]].copy()
    if way == WAYS[0]:
        out = out.drop(columns=["picture_digest", "picture_path"])
    elif way == WAYS[1]:
        out["text"] = ""
    for task in tasks:
        out[f"{task.name}_given"] = list(labels[task.name])
    out["source"], out["parent_id"], out["status"], out["reason"] = "input", None, "active", None
    return from_pandas(resolve(out, tasks), tasks)


def trained(
    frame: pd.DataFrame, tasks: tuple[Task, ...], cache: Cache, root: Path, way: str, scratch: Path, **config: Any
) -> stage.StageResult:
    """The training stage on the rows, as a way sees them."""
    samples = as_table(frame, {task.name: frame[task.name] for task in tasks}, tasks, way)
    pictures = None if way == WAYS[0] else PictureEncoder(ImageConfig(), cache, root)
    evidence = Evidence(samples, encoder=Encoder(EncoderConfig(), cache), cache=cache, folds=FOLDS, pictures=pictures)
    resources = stage.Resources(tasks=tasks, seed=0, evidence=evidence, scratch=scratch)
    return training.run(samples, training.Config(**{**PLAIN, **config}), resources)


def gold_scores(
    frame: pd.DataFrame, tasks: tuple[Task, ...], cache: Cache, root: Path, way: str, **config: Any
) -> dict[str, float]:
    """Gold macro-F1 of one way, by task."""
    with tempfile.TemporaryDirectory() as scratch:
        result = trained(frame, tasks, cache, root, way, Path(scratch), **config)
    print(way, result.metrics["trunk"].get("held_out"), result.metrics.get("pictures"), flush=True)
    return {task.name: result.metrics["gold"][task.name]["macro_f1"] for task in tasks}


def labels_needed(counts: list[int], values: list[float], aim: float) -> float:
    """Where a curve first reaches an aim, between its points by a straight line; NaN where it does not."""
    for place, value in enumerate(values):
        if value >= aim:
            if place == 0:
                return counts[0]
            low, high = values[place - 1], value
            return counts[place - 1] + (counts[place] - counts[place - 1]) * (aim - low) / (high - low)
    return float("nan")


def found_errors(frame: pd.DataFrame, task: Task, cache: Cache, root: Path, seed: int, shown: bool) -> list[float]:
    """F1, precision and recall of cleaning at finding the 20% of train labels that were turned."""
    rng = np.random.default_rng(seed)
    train = frame["split"].eq("train").to_numpy()
    turned = train & (rng.random(len(frame)) < 0.2)
    codes = task.codes(frame["category"])
    other = (codes + rng.integers(1, len(task.labels), len(codes))) % len(task.labels)
    given = pd.Series(task.decoded(np.where(turned, other, codes)), index=frame.index)
    samples = as_table(frame, {task.name: given}, (task,), WAYS[2])
    pictures = PictureEncoder(ImageConfig(), cache, root) if shown else None
    evidence = Evidence(samples, encoder=Encoder(EncoderConfig(), cache), cache=cache, folds=FOLDS, pictures=pictures)
    with tempfile.TemporaryDirectory() as scratch:
        resources = stage.Resources(tasks=(task,), seed=seed, evidence=evidence, scratch=Path(scratch))
        after = stage.perform("cleaning", samples, cleaning.Config(), resources).samples.to_pandas()
    judged = train & after["status"].eq("active").to_numpy()
    flagged, wrong = after["is_category_issue"].fillna(False).to_numpy(dtype=bool)[judged], turned[judged]
    hits = int((flagged & wrong).sum())
    precision, recall = hits / max(int(flagged.sum()), 1), hits / max(int(wrong.sum()), 1)
    return [2 * hits / max(int(flagged.sum() + wrong.sum()), 1), precision, recall]


def x_rays(home: Path, folder: Path, task: Task, most: int | None) -> pd.DataFrame:
    """The rows of pneumonia_mnist, their pictures written into a folder; its val rows are train rows here."""
    arrays, rows = np.load(home / "pneumoniamnist.npz"), []
    for part, split in (("train", "train"), ("val", "train"), ("test", "gold")):
        images, labels = arrays[f"{part}_images"][:most], arrays[f"{part}_labels"][:most].ravel()
        for place, (image, label) in enumerate(zip(images, labels, strict=True)):
            path = folder / f"{part}{place}.png"
            Image.fromarray(image).save(path)
            rows.append((path.stem, "", digest(path.read_bytes()), path.name, split, task.labels[int(label)]))
    return pd.DataFrame(rows, columns=["id", "text", "picture_digest", "picture_path", "split", "finding"])


def quantized(home: Path, cache: Cache, most: int | None, keep: Path | None) -> list[list[object]]:
    """pneumonia_mnist by its pictures: accuracy and AUC on its test rows, size and time, by trunk and weights."""
    task = Task(name="finding", labels=("normal", "pneumonia"))
    lines = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frame = x_rays(home, folder, task, most)
        for trunk, mode in TRUNKS.items():
            with pictures_trained_once():  # and exported in three ways
                for weights in WEIGHTS:
                    compute = partial(exported_line, frame, task, cache, folder, mode, weights)
                    lines.append([trunk, weights, *_results.kept(keep, f"pneumonia {most} {trunk} {weights}", compute)])
                    print(lines[-1], flush=True)
    return lines


@contextmanager
def pictures_trained_once() -> Iterator[None]:
    """Within the block the model of pictures is trained the first time; pictures and labels are to stay the same."""
    train, found = stage_of_training.tune_pictures, list[Any]()

    def tune_pictures(rows: Any, *others: Any) -> Any:
        if rows is None:
            return train(rows, *others)
        if not found:
            found.append(train(rows, *others))
        return replace(found[0], rows=replace(found[0].rows, has_text=rows.has_text))

    stage_of_training.tune_pictures = tune_pictures
    try:
        yield
    finally:
        stage_of_training.tune_pictures = train


def trained_trunks(home: Path, cache: Cache, most: int | None, keep: Path | None) -> list[list[object]]:
    """emoji, categories by all labels: gold macro-F1 on trained trunks."""
    frame = rows_of(home, most)
    tasks = (Task(name="category", labels=tuple(sorted(frame["category"].unique()))),)
    lines = []
    for pictures, runs in TRAINED.items():
        with pictures_trained_once():
            for way, texts in runs:
                name = f"emoji trunks {most} {way} {pictures} {texts}"
                compute = partial(gold_scores, frame, tasks, cache, home, way, picture_mode=pictures, mode=texts)
                found = _results.kept(keep, name, compute)["category"]
                lines.append([way, pictures, texts, f"{found:.3f}"])
                print(lines[-1], flush=True)
    return lines


def exported_line(frame: pd.DataFrame, task: Task, cache: Cache, folder: Path, mode: str, weights: str) -> list[object]:
    """One exported model's figures."""
    gold = frame[frame["split"].eq("gold")]
    truth, paths = gold["finding"].eq("pneumonia").to_numpy(), [folder / path for path in gold["picture_path"]]
    aware = WEIGHTS[weights]
    config = {"quantize": aware is not None, "quantization_aware": aware or "never", "contract": {"points_lost": 100}}
    with tempfile.TemporaryDirectory() as scratch:
        result = trained(frame, (task,), cache, folder, WAYS[1], Path(scratch), picture_mode=mode, **config)
        model = result.artifacts["model"]
        predictor = Predictor.load(model, threads=1)
        predictor.answers(pictures=paths[:5])
        start = time.process_time()
        predictor.answers(pictures=paths[:200])
        spent = (time.process_time() - start) / len(paths[:200])
        answers = predictor.answers(pictures=paths)
        size = sum((model / file).stat().st_size for file in ("pictures.onnx", "pictures.npz")) / 1e6
    right = answers.codes["finding"] == truth
    auc = roc_auc_score(truth, answers.probabilities["finding"][:, 1])
    facts = result.metrics["export"]["pictures"]
    print(facts, result.metrics["pictures"], flush=True)
    lost = facts.get("quantization_aware", facts).get("points_lost", "")
    return [f"{right.mean():.4f}", f"{auc:.4f}", f"{size:.2f}", f"{1e3 * spent:.1f}", lost]


def main() -> None:
    """Measure, and write the page."""
    parser = _results.parser(__doc__, SETS)
    parser.add_argument("--cache", type=Path, help="a folder that keeps the vectors for the next run")
    parser.add_argument("--most", type=int, help="rows of each file, for a try")
    parser.add_argument("--keep", type=Path, help="a folder for finished parts, which are not measured again")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cache = Cache(arguments.cache or Path(folder))
        parts, option = [], f" --most {arguments.most}" if arguments.most else ""
        if "emoji" in arguments.sets:
            parts.append(emoji(arguments, cache))
        lines = []
        if "pneumonia_mnist" in arguments.sets:
            lines = quantized(arguments.data / "pneumonia_mnist", cache, arguments.most, arguments.keep)
        if "emoji_trunks" in arguments.sets:
            trunks = trained_trunks(arguments.data / "emoji", cache, arguments.most, arguments.keep)
            columns = ("emoji, all labels", "picture_mode", "mode", "gold macro-F1")
            parts.append(_results.table(columns, trunks))
        columns = (
            "model of pictures",
            "weights",
            "accuracy",
            "AUC",
            "MB",
            "CPU ms a picture",
            "points of macro-F1 lost",
        )
        parts.append(
            f"pneumonia_mnist:\n\n{_results.table(columns, lines)}"
            if lines
            else "`pneumonia_mnist`: not run in this run."
        )
    if arguments.sets != SETS:
        option += f" --sets {' '.join(arguments.sets)}"
    text = "\n\n".join(parts)
    _results.write(
        "pictures",
        f"""# What a picture adds to a text

    python benchmarks/pictures.py --seeds {arguments.seeds}{option}

{__doc__.partition("--seeds 1")[2].strip()}

{text}

{_results.machine()}.
""",
    )


def emoji(arguments: argparse.Namespace, cache: Cache) -> str:
    """The curve of labels, both tasks, and cleaning, as the page shows them."""
    home, seeds, most = arguments.data / "emoji", arguments.seeds, arguments.most
    frame = rows_of(home, most)
    task, finer = (Task(name=name, labels=tuple(sorted(frame[name].unique()))) for name in ("category", "subcategory"))
    codes = task.codes(frame["category"])
    train, gold = (np.flatnonzero(frame["split"].eq(split)) for split in ("train", "gold"))
    curve: dict[int | None, list[dict[str, list[float]]]] = {}
    sizes: dict[int, list[int]] = {}

    def measure(chosen: np.ndarray, name: str) -> dict[str, list[float]]:
        rows = frame.iloc[np.concatenate([chosen, gold])].reset_index(drop=True)
        found = {
            way: [part(f"curve {name} {way}", partial(gold_scores, rows, (task,), cache, home, way))["category"]]
            for way in WAYS
        }
        print(len(chosen), found, flush=True)
        return found

    def part(name: str, compute: Callable[[], Any]) -> Any:
        return _results.kept(arguments.keep, f"emoji {most} {name}", compute)

    curve[None] = [measure(train, "all")]
    for count in COUNTS:
        for seed in range(seeds):
            order = np.random.default_rng(seed).permutation(train)
            ranks = pd.Series(codes[order]).groupby(codes[order]).cumcount().to_numpy()
            chosen = np.sort(order[ranks < count])
            sizes.setdefault(count, []).append(len(chosen))
            curve.setdefault(count, []).append(measure(chosen, f"{count} {seed}"))
    lines = [
        line
        for count in (*COUNTS, None)
        for line in _results.compared([f"{count} a class" if count else f"all ({len(train)})"], curve[count])
    ]
    single = max(WAYS[:2], key=lambda way: curve[None][0][way][0])
    aim = curve[None][0][single][0]
    points = [*(int(np.median(sizes[count])) for count in COUNTS), len(train)]
    middle = {
        way: [float(np.median([one[way][0] for one in curve[count]])) for count in (*COUNTS, None)] for way in WAYS
    }
    both, alone = (labels_needed(points, middle[way], aim) for way in (WAYS[2], single))
    cleaned = [
        {
            way: part(f"turned {way} {seed}", partial(found_errors, frame, task, cache, home, seed, way != WAYS[0]))
            for way in (WAYS[0], "with pictures")
        }
        for seed in range(seeds)
    ]
    of = frame.groupby("subcategory")["category"].first().to_dict()
    child = Task(name="subcategory", labels=finer.labels, parent="category", parent_of=of)
    together = {
        way: part(f"both tasks {way}", partial(gold_scores, frame, (task, child), cache, home, way)) for way in WAYS
    }
    tasks = [[one.name, way, f"{together[way][one.name]:.3f}"] for one in (task, child) for way in WAYS]
    return f"""emoji: {len(train)} train rows, {len(gold)} gold rows, {seeds} seed(s).

{_results.table(("labels", "way", "gold macro-F1"), lines)}

The better single one is {single}, with {aim:.3f} from all labels, a score that it first reaches with {alone:.0f}.
Both take {both:.0f}: {1 - both / len(train):.0%} fewer than all, and {1 - both / alone:.0%} fewer than
{single} (aim: 23% fewer).

{_results.table(("two tasks, all labels", "way", "gold macro-F1"), tasks)}

{_results.table(("20% of labels turned", "F1", "precision", "recall"), _results.compared([], cleaned))}"""


if __name__ == "__main__":
    main()
