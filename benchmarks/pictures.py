"""What a picture adds to a text: emoji by name and picture, and labels turned among them.

    python benchmarks/pictures.py --data data/public --seeds 1

emoji, 9 categories: macro-F1 on the rows of its test file, by heads on the vectors of names (the default encoder), of
pictures (EfficientNet-Lite0) and by both, whose probabilities are pooled as logarithms; the share of each and the
temperature are those under which out-of-fold probabilities of the train rows make their labels likeliest. Names of
flags hold the word flag, and are left as they came. The labels that both need for the better single one's score with
all labels are read off a curve of label counts, between its points by a straight line; as the last labels are of large
classes alone, a single one may reach that score with fewer, too. Then cleaning:
20% of the train labels are turned to another category at random, and found by the label errors' models with the
pictures' view and without it. Training and the exported model do not use pictures yet: the pooled heads are this
script's, from `tilth.learn`. Nothing was tuned on the set, but for the cosine of `picture_duplicate`, which is not used
here.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import _results
import numpy as np
import pandas as pd
from datasets import Dataset

from tilth import cleaning, stage
from tilth.config import EncoderConfig, ImageConfig
from tilth.learn import Evidence, apply_temperature, cross_validate, fit_predict, fit_temperature, scores
from tilth.learn.encoder import Encoder
from tilth.learn.pictures import PictureEncoder
from tilth.samples import Task, from_pandas, resolve
from tilth.store import Cache, digest
from tilth.text import fold_of

COUNTS = (5, 10, 20, 40, 80)
"""Labels a class of the curve, below all."""
SHARES = np.linspace(0, 1, 21)
FOLDS = 5
WAYS = ("text alone", "picture alone", "both")


def rows_of(home: Path, most: int | None) -> pd.DataFrame:
    """Both files' rows, the test file's as gold, with references to their pictures."""
    files = {"train.csv": "train", "test.csv": "gold"}
    parts = [pd.read_csv(home / name).assign(split=split) for name, split in files.items()]
    frame = pd.concat([part.head(most) if most else part for part in parts], ignore_index=True)
    frame["picture_path"] = [str((home / name).resolve()) for name in frame["image"]]
    frame["picture_digest"] = [digest(Path(path).read_bytes()) for path in frame["picture_path"]]
    return frame


def as_table(frame: pd.DataFrame, labels: pd.Series, task: Task) -> Dataset:
    """The rows as a night's input."""
    out = frame[["id", "text", "picture_digest", "picture_path", "split"]].copy()
    out["category_given"] = labels
    out["source"], out["parent_id"], out["status"], out["reason"] = "input", None, "active", None
    return from_pandas(resolve(out, (task,)), (task,))


def pooled(views: list[np.ndarray], share: float, temperature: float) -> np.ndarray:
    """Of a text's and a picture's probabilities, the second counting by the share."""
    logs = [np.log(np.maximum(one, 1e-6)) for one in views]
    joint = np.exp((1 - share) * logs[0] + share * logs[1])
    return apply_temperature(joint / joint.sum(axis=1, keepdims=True), temperature)


def fuse(views: list[np.ndarray], codes: np.ndarray) -> tuple[float, float]:
    """The share and the temperature by which out-of-fold probabilities make the labels likeliest."""
    best = (np.inf, 0.5, 1.0)
    for share in SHARES:
        joint = pooled(views, share, 1.0)
        temperature = fit_temperature(np.log(np.maximum(joint, 1e-12)), codes, 0.2, 5.0)
        sure = apply_temperature(joint, temperature)[np.arange(len(codes)), codes]
        best = min(best, (float(-np.log(np.maximum(sure, 1e-6)).mean()), float(share), temperature))
    return best[1], best[2]


def three_scores(
    vectors: list[np.ndarray], codes: np.ndarray, chosen: np.ndarray, gold: np.ndarray, folds: np.ndarray, task: Task
) -> dict[str, list[float]]:
    """Gold macro-F1 of text, picture and both, learned from the chosen rows."""
    classes, truth = len(task.labels), task.decoded(codes[gold]).tolist()
    held = [
        cross_validate(
            one[chosen], codes[chosen], folds[chosen], classes=classes, fold_count=FOLDS, model=fit_predict
        ).probabilities
        for one in vectors
    ]
    views = [fit_predict(one[chosen], codes[chosen], one[gold], classes) for one in vectors]
    share, temperature = fuse(held, codes[chosen])
    answers = [*views, pooled(views, share, temperature)]
    predicted = [task.decoded(one.argmax(axis=1)).tolist() for one in answers]
    return {way: [scores(truth, one)["macro_f1"]] for way, one in zip(WAYS, predicted, strict=True)}


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
    samples = as_table(frame, given, task)
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


def main() -> None:
    """Measure, and write the page."""
    parser = _results.parser(__doc__, ["emoji"])
    parser.add_argument("--cache", type=Path, help="a folder that keeps the vectors for the next run")
    parser.add_argument("--most", type=int, help="rows of each file, for a try")
    arguments = parser.parse_args()
    home = arguments.data / "emoji"
    frame = rows_of(home, arguments.most)
    task = Task(name="category", labels=tuple(sorted(frame["category"].unique())))
    with tempfile.TemporaryDirectory() as folder:
        _measure(frame, task, Cache(arguments.cache or Path(folder)), arguments.seeds, arguments.most, home)


def _measure(frame: pd.DataFrame, task: Task, cache: Cache, seeds: int, most: int | None, home: Path) -> None:
    codes, folds = task.codes(frame["category"]), np.array([fold_of(one, FOLDS) for one in frame["id"]])
    train, gold = (np.flatnonzero(frame["split"].eq(split)) for split in ("train", "gold"))
    paths = dict(zip(frame["picture_digest"], frame["picture_path"], strict=True))
    pictures = PictureEncoder(ImageConfig(), cache, home).encode(paths)
    place = {one: row for row, one in enumerate(paths)}
    vectors = [
        Encoder(EncoderConfig(), cache).encode(frame["text"].tolist()),
        pictures[[place[one] for one in frame["picture_digest"]]],
    ]
    curve: dict[int | None, list[dict[str, list[float]]]] = {None: []}
    curve[None] = [three_scores(vectors, codes, train, gold, folds, task)]
    sizes: dict[int, list[int]] = {}
    for count in COUNTS:
        for seed in range(seeds):
            order = np.random.default_rng(seed).permutation(train)
            ranks = pd.Series(codes[order]).groupby(codes[order]).cumcount().to_numpy()
            chosen = np.sort(order[ranks < count])
            sizes.setdefault(count, []).append(len(chosen))
            curve.setdefault(count, []).append(three_scores(vectors, codes, chosen, gold, folds, task))
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
        {way: found_errors(frame, task, cache, home, seed, way != WAYS[0]) for way in (WAYS[0], "with pictures")}
        for seed in range(seeds)
    ]
    option = f" --most {most}" if most else ""
    _results.write(
        "pictures",
        f"""# What a picture adds to a text

    python benchmarks/pictures.py --seeds {seeds}{option}

{__doc__.partition("--seeds 1")[2].strip()}

{len(train)} train rows, {len(gold)} gold rows, {seeds} seed(s).

{_results.table(("labels", "way", "gold macro-F1"), lines)}

The better single one is {single}, with {aim:.3f} from all labels, a score that it first reaches with {alone:.0f}.
Both take {both:.0f}: {1 - both / len(train):.0%} fewer than all, and {1 - both / alone:.0%} fewer than
{single} (aim: 23% fewer).

{_results.table(("20% of labels turned", "F1", "precision", "recall"), _results.compared([], cleaned))}

`pneumonia_mnist`, the 97 subcategories, and the INT8 export of a picture model: not run, for they are not there yet.

{_results.machine()}.
""",
    )


if __name__ == "__main__":
    main()
