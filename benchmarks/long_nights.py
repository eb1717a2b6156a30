"""Whole nights on long texts: requests hidden among 800 to 1,500 words, read by passages and in averaged chunks.

    python benchmarks/long_nights.py --data data/public --seeds 3

Requests of clinc150, of 18 intents that the seed draws, each put behind a random word of a stretch of the State of the
Union addresses; training and gold rows share neither requests nor addresses. A night of the command line with an empty
cache each, with the defaults but for `encoder.long_texts`: gold macro-F1 of the exported model, processor time of all
its processes, and how often the sentence that it says it went by holds the request. Beside it a logistic regression on
TF-IDF of words and pairs. The way was found on rows like those of seed 0.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import _results
import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from tilth.learn import scores

CLASSES, SHORTEST, LONGEST = 18, 800, 1500
COLUMNS = ("way", "gold macro-F1", "accuracy", "minutes of the processor", "request found")


def hidden(home: Path, seed: int, rows: int, gold: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train and gold rows: text, label, and the request."""
    random = np.random.default_rng(seed)
    sets = {part: pd.read_csv(home / "clinc150" / f"{part}.csv") for part in ("train", "test")}
    names = random.choice(sorted(set(sets["train"]["intent"]) - {"oos"}), CLASSES, replace=False)
    speeches = pd.read_json(home / "state_union" / "state_union_docs.jsonl", lines=True)["text"]
    of_train = np.arange(len(speeches)) % 4 != 3
    found = []
    for part, count, own in (("train", rows, of_train), ("test", gold, ~of_train)):
        words = [word for speech in speeches[own] for word in speech.split()]
        requests = sets[part][sets[part]["intent"].isin(names)]
        requests = requests.sample(min(count, len(requests)), random_state=seed)
        lines = []
        for request, label in zip(requests["text"], requests["intent"], strict=True):
            length = int(random.integers(SHORTEST, LONGEST + 1))
            start = int(random.integers(len(words) - length))
            place = int(random.random() * length)
            stretch = words[start : start + length]
            lines.append((" ".join([*stretch[:place], f"{request}.", *stretch[place:]]), label, request))
        found.append(pd.DataFrame(lines, columns=["text", "label", "request"]))
    return found[0], found[1]


def night(way: str, train: pd.DataFrame, gold: pd.DataFrame) -> list[float]:
    """Gold macro-F1, accuracy, minutes, and the share of gold rows of which the request was found."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        train[["text", "label"]].to_csv(home / "train.csv", index=False)
        gold[["text", "label"]].to_csv(home / "gold.csv", index=False)
        (home / "tilth.toml").write_text(f'[encoder]\nlong_texts = "{way}"\n')
        files = ["--input", "train.csv", "--gold", "gold.csv", "--text", "text", "--label", "label"]
        before = _spent()
        command = [sys.executable, "-m", "tilth.cli", "run", *files, "-c", "tilth.toml", "--out", "runs", "--json"]
        environment = {**os.environ, "XDG_CACHE_HOME": str(home / "cache")}
        done = subprocess.run(command, cwd=home, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        record = json.loads(done.stdout)
        print([(one["name"], round(one["seconds"])) for one in record["stages"]], _spent() - before, flush=True)
        frame = pd.read_parquet(home / "runs" / record["run_id"] / "5-training.parquet")
        print(next(one for one in record["stages"] if one["name"] == "training")["metrics"]["trunk"], flush=True)
        found = float("nan")
        if "passage" in frame:
            said = frame[frame["split"] == "gold"].set_index("text")["passage"].reindex(gold["text"])
            found = float(np.mean([str(r) in str(s) for r, s in zip(gold["request"], said, strict=True)]))
    measured = record["gold"]["label"]
    return [measured["macro_f1"], measured["accuracy"], (_spent() - before) / 60, found]


def by_words(train: pd.DataFrame, gold: pd.DataFrame) -> list[float]:
    """The same of TF-IDF with a logistic regression."""
    features = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    model = LogisticRegression(C=10, max_iter=300).fit(features.fit_transform(train["text"]), train["label"])
    found = scores(gold["label"].tolist(), model.predict(features.transform(gold["text"])).tolist())
    return [found["macro_f1"], found["accuracy"], float("nan"), float("nan")]


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/public"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--train", type=int, default=1500)
    parser.add_argument("--gold", type=int, default=360)
    parser.add_argument("--ways", nargs="+", default=["passages", "chunks"])
    parser.add_argument("--keep", type=Path, help="a folder for finished nights, which are not run again")
    arguments = parser.parse_args()
    found: dict[str, list[list[float]]] = {way: [] for way in (*arguments.ways, "TF-IDF, linear")}
    for seed in range(arguments.seeds):
        train, gold = hidden(arguments.data, seed, arguments.train, arguments.gold)
        for way, measured in found.items():
            compute = partial(night, way) if way in arguments.ways else by_words
            name = f"{way}-{seed}-{len(train)}-{len(gold)}"
            measured.append(_results.kept(arguments.keep, name, partial(compute, train, gold)))
            print(seed, way, measured[-1], flush=True)
    lines = [[way, *map(_results.shown, zip(*measured, strict=True))] for way, measured in found.items()]
    missing = [way for way in ("passages", "chunks") if way not in arguments.ways]
    left_out = f"Not run, for want of time: {', '.join(missing)}.\n" if missing else ""
    words = [f"--seeds {arguments.seeds} --train {arguments.train} --gold {arguments.gold}"]
    words += [f"--ways {' '.join(arguments.ways)}"] if missing else []
    said = (__doc__ or "").partition("--seeds 3")[2].strip()
    _results.write(
        "long_nights",
        f"""# Whole nights on long texts

    python benchmarks/long_nights.py {" ".join(words)}

{said}

{CLASSES} classes, {arguments.train} train rows and {arguments.gold} gold rows a seed, {arguments.seeds} seed(s).
{left_out}
{_results.table(COLUMNS, lines)}

{_results.machine()}, two cores that other work shared.
""",
    )


if __name__ == "__main__":
    main()
