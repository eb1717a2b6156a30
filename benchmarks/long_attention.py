"""Long texts by dynamic windows, beside full attention, a fixed window of the same budget and chunks.

    python benchmarks/long_attention.py --data data/public --seeds 1

The default encoder's weights, untrained for any of it. Speed: seconds of the processor on one thread in float32, and
what the process's memory grew by at most, for one text. Recall: a request of clinc150 at a random depth in the State of
the Union addresses, the classes some intents that the seed draws, as many rows of each; training and gold rows share
neither requests nor addresses. Reviews: movie_reviews. All is read in float32. Heads see vectors of blocks of 64
tokens, either their mean (a linear probe) or by what `fit_passage_pooling` learns of them; for each way the same.
Nothing was tuned on these sets.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from functools import cache, partial
from pathlib import Path
from typing import Any

import _results
import numpy as np
import pandas as pd
import torch
from _long_ways import ADAPTED, TRIES, WAYS, Way, adapt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from tilth.learn import fit_passage_pooling, fit_probe
from tilth.learn.encoder import Passages
from tilth.learn.encoder.attention.long_reader import NAME

WINDOW = 320
WORDS = "TF-IDF, linear"
SPEED = (
    "tokens",
    "way",
    "seconds",
    "times full attention's speed",
    "megabytes",
    "attention alone, seconds",
    "times full's",
    "bound",
)
_TRIED = """Tries at the rule of dynamic windows, of the same budget: by pairs, each block sees its neighbors and those
that it itself finds most relevant; by novelty, a block whose summary stands far from the text's mean is seen from
further away. Adapted: dynamic windows after so many steps on the addresses of the training rows, without requests.
"""


def speed(way: str, tokens: int) -> tuple[float, float, float]:
    """Seconds of the processor, megabytes that the process grew by in reading, and seconds of attention alone."""
    torch.set_num_threads(1)
    read = Way(way, WINDOW)
    ids = np.random.default_rng(0).integers(2000, 20000, tokens - 2).tolist()
    inside = _timed_attention()
    read.states(ids[:300])
    before, spent = _peak(), []
    for _ in range(3 if tokens <= 4096 else 1):
        inside.clear()
        started = time.process_time()
        read.states(ids)
        spent.append((time.process_time() - started, sum(inside)))
    return min(spent)[0], _peak() - before, min(spent)[1]


def _timed_attention() -> list[float]:
    """Wrap the attention of a `LongReader`: seconds of each layer's, without projections, go into the list."""
    inside: list[float] = []
    if NAME in ALL_ATTENTION_FUNCTIONS:
        attend = ALL_ATTENTION_FUNCTIONS[NAME]

        def timed(*inputs: Any, **options: Any) -> Any:
            started = time.process_time()
            found = attend(*inputs, **options)
            inside.append(time.process_time() - started)
            return found

        ALL_ATTENTION_FUNCTIONS.register(NAME, timed)
    return inside


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def speeds(lengths: list[int], keep: Path | None) -> list[list[object]]:
    """A line for each way and length, each in a process of its own, so that memory is its own too."""
    lines: list[list[object]] = []
    for tokens in lengths:
        full, attending = 0.0, 0.0
        for way in WAYS[:4]:
            seconds, memory, alone = _results.kept(keep, f"speed {tokens} {way}", partial(_of_its_own, way, tokens))
            if way == "full attention":
                full, attending = seconds, alone
            line: list[object] = [tokens, way, f"{seconds:.2f}", f"{full / seconds:.2f}", f"{memory:.0f}"]
            line += [f"{alone:.2f}", f"{attending / alone:.1f}"] if alone else ["", ""]
            lines.append([*line, f"{full / (full - attending):.2f}" if way == "full attention" else ""])
            print(lines[-1], flush=True)
    return lines


def _of_its_own(way: str, tokens: int) -> list[float]:
    command = [sys.executable, __file__, "--one", way, "--lengths", str(tokens)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: list[float] = json.loads(output.splitlines()[-1])
    return found


def hidden_requests(home: Path, split: str, rows: int, tokens: int, seed: int, classes: int) -> pd.DataFrame:
    """Requests of clinc150 in speeches of so many tokens (four letters and a half a token): text, label, depth."""
    random = np.random.default_rng([seed, split == "train"])
    requests = pd.read_csv(home / "clinc150" / f"{split}.csv")
    names = sorted(set(requests["intent"]) - {"oos"})
    names = np.random.default_rng(seed).choice(names, classes, replace=False).tolist()
    requests = requests[requests["intent"].isin(names)].groupby("intent").sample(rows // classes, random_state=seed)
    speeches = pd.read_json(home / "state_union" / "state_union_docs.jsonl", lines=True)["text"]
    speeches = speeches[np.arange(len(speeches)) % 4 != 3] if split == "train" else speeches[3::4]
    speeches = speeches[speeches.str.len() > tokens * 5]
    lines = []
    for request, label in zip(requests["text"], requests["intent"], strict=True):
        speech = speeches.iloc[random.integers(len(speeches))]
        start = random.integers(len(speech) - int(tokens * 4.5) + 1)
        words = speech[start : start + int(tokens * 4.5)].split()
        depth = random.random()
        place = int(depth * len(words))
        lines.append((" ".join([*words[:place], request + ".", *words[place:]]), label, depth))
    return pd.DataFrame(lines, columns=["text", "label", "depth"])


@cache
def _way(name: str, adapted: Path | None = None) -> Way:
    return Way(name, WINDOW, adapted)


def adapted_weights(home: Path, keep: Path, steps: int) -> Path:
    """The folder of the default encoder, adapted to the addresses of the training rows, without requests."""
    speeches = pd.read_json(home / "state_union" / "state_union_docs.jsonl", lines=True)["text"]
    speeches = speeches[(np.arange(len(speeches)) % 4 != 3) & (speeches.str.len() > 1024 * 5)]
    adapt(keep / f"adapted {steps}", speeches.tolist(), WINDOW, steps)
    return keep / f"adapted {steps}"


def heads(name: str, train: pd.DataFrame, gold: pd.DataFrame, adapted: Path | None = None) -> dict[str, list[bool]]:
    """Which gold rows are right, by the mean of the blocks and by the pooling that is learned."""
    names, codes = np.unique(train["label"], return_inverse=True)
    blocks = [[_way(name, adapted).blocks(text) for text in frame["text"]] for frame in (train, gold)]
    means = [np.stack([one.mean(axis=0) for one in part]) for part in blocks]
    means = [one / np.linalg.norm(one, axis=1, keepdims=True) for one in means]
    by_mean = fit_probe(means[0], codes, len(names)).probabilities(means[1])
    owners = [np.repeat(np.arange(len(part)), [*map(len, part)]) for part in blocks]
    bags = [Passages.of(of, np.concatenate(part), len(part)) for of, part in zip(owners, blocks, strict=True)]
    by_blocks = fit_passage_pooling(bags[0], codes, classes=len(names)).probabilities(bags[1])
    predicted = {"mean": by_mean.argmax(axis=1), "learned": by_blocks.argmax(axis=1)}
    return {pooling: (names[one] == gold["label"].to_numpy()).tolist() for pooling, one in predicted.items()}


def by_words(train: pd.DataFrame, gold: pd.DataFrame) -> dict[str, list[bool]]:
    """Which gold rows TF-IDF of words and pairs with a logistic regression has right."""
    features = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    model = LogisticRegression(C=10, max_iter=300).fit(features.fit_transform(train["text"]), train["label"])
    return {"": (model.predict(features.transform(gold["text"])) == gold["label"].to_numpy()).tolist()}


def compared(
    name: str,
    splits: list[tuple[pd.DataFrame, pd.DataFrame]],
    ways: list[str],
    keep: Path | None,
    thirds: bool,
    adapted: Path | None,
) -> list[list[object]]:
    """Gold accuracy of each way over the seeds, and by depth of the request where there is one."""
    lines: list[list[object]] = []
    for way in (*ways, WORDS):
        found: dict[str, list[tuple[np.ndarray, pd.DataFrame]]] = {}
        for seed, (train, gold) in enumerate(splits):
            compute = partial(by_words, train, gold) if way == WORDS else partial(heads, way, train, gold)
            if way == ADAPTED:
                compute = partial(heads, way, train, gold, adapted)
            rights = _results.kept(keep, f"{name} {way} {seed} {len(train)} {len(gold)}", compute)
            for pooling, right in rights.items():
                found.setdefault(pooling, []).append((np.array(right), gold))
        for pooling, outcomes in found.items():
            line: list[object] = [name, way, pooling, _results.shown([float(right.mean()) for right, _ in outcomes])]
            lines.append(line + (_by_depth(outcomes) if thirds else []))
            print(lines[-1], flush=True)
    return lines


def _by_depth(outcomes: list[tuple[np.ndarray, pd.DataFrame]]) -> list[object]:
    right = np.concatenate([one for one, _ in outcomes])
    third = np.concatenate([np.minimum(gold["depth"].to_numpy() * 3, 2).astype(int) for _, gold in outcomes])
    return [" / ".join(f"{right[third == place].mean():.2f}" for place in range(3))]


def reviews(home: Path, counts: list[int], seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of movie_reviews, drawn by the seed."""
    train, gold = (
        frame.sample(min(rows, len(frame)), random_state=seed)
        for part, rows in zip(("train", "test"), counts, strict=True)
        for frame in [pd.read_json(home / "movie_reviews" / f"{part}.jsonl", lines=True)]
    )
    return train, gold


def hidden(arguments: argparse.Namespace, tokens: int) -> list[list[object]]:
    """Recall of requests in speeches of one length."""
    splits = []
    for seed in range(arguments.seeds):
        parts = [("train", arguments.train), ("test", arguments.gold)]
        train, gold = (
            hidden_requests(arguments.data, part, rows, tokens, seed, arguments.classes) for part, rows in parts
        )
        splits.append((train, gold))
    return compared(str(tokens), splits, arguments.ways, arguments.keep, thirds=True, adapted=arguments.adapted)


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/public"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--lengths", type=int, nargs="+", default=[512, 1024, 2048, 4096, 8192])
    parser.add_argument(
        "--hidden", type=int, nargs="+", default=[1000, 2000, 4000, 8000], help="tokens of the speeches"
    )
    parser.add_argument("--train", type=int, default=1000)
    parser.add_argument("--gold", type=int, default=400)
    parser.add_argument("--review-rows", type=int, nargs=2, default=[1600, 400], help="0 0: none are read")
    parser.add_argument("--ways", nargs="+", default=list(WAYS))
    parser.add_argument("--classes", type=int, default=10, help="intents of the hidden requests")
    parser.add_argument("--review-seeds", type=int, help="seeds of the reviews, where not as many as of requests")
    parser.add_argument("--keep", type=Path, help="a folder for finished parts, which are not measured again")
    parser.add_argument("--adapt-steps", type=int, default=40, help=f"of the way '{ADAPTED}', which takes --keep")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(speed(arguments.one, arguments.lengths[0])))
        return
    torch.set_num_threads(1)
    if ADAPTED in arguments.ways and arguments.keep is None:
        parser.error(f"--ways '{ADAPTED}' needs --keep FOLDER, where its weights are written")
    by_steps = ADAPTED in arguments.ways
    arguments.adapted = adapted_weights(arguments.data, arguments.keep, arguments.adapt_steps) if by_steps else None
    seeds = range(arguments.review_seeds or arguments.seeds)
    of_reviews = all(arguments.review_rows)
    drawn = [reviews(arguments.data, arguments.review_rows, seed) for seed in seeds] if of_reviews else []
    timed = speeds(arguments.lengths, arguments.keep)
    recall: list[list[object]] = []
    for tokens in arguments.hidden:
        recall += hidden(arguments, tokens)
    named = ("movie_reviews", drawn, arguments.ways, arguments.keep)
    real = compared(*named, thirds=False, adapted=arguments.adapted) if of_reviews else []
    words = iter(sys.argv[1:])
    chosen = [word for word in words if word not in ("--data", "--keep") or not next(words)]
    command = " ".join(["python benchmarks/long_attention.py", *map(_quoted, chosen)])
    _results.write("long_attention", page(command, arguments, timed, recall, real))


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word


def page(
    command: str,
    arguments: argparse.Namespace,
    timed: list[list[object]],
    recall: list[list[object]],
    real: list[list[object]],
) -> str:
    """The whole page."""
    tried = any(way in arguments.ways for way in TRIES)
    said = (__doc__ or "").partition("--seeds 1")[2].strip()
    few, gold = arguments.review_rows
    of_reviews = f" Reviews: {few} and {gold}, {arguments.review_seeds or arguments.seeds} seed(s)." if real else ""
    missing = [way for way in WAYS if way not in arguments.ways]
    left_out = f"Not run beside recall and reviews, for want of time: {', '.join(missing)}.\n" if missing else ""
    return f"""# Long texts: dynamic windows beside full attention, a fixed window and chunks

    {command}

{said}

Windows of {WINDOW} tokens on average, both. Recall: {arguments.classes} classes, {arguments.train} rows to learn from
and {arguments.gold} gold rows a seed, {arguments.seeds} seed(s).{of_reviews}
{left_out}{_TRIED if tried else ""}
## Speed and memory of one text

Attention alone is all layers' without projections. The bound is what free attention would give.

{_results.table(SPEED, timed)}

## Recall of a request hidden in a speech

{_results.table(("tokens", "way", "pooling", "accuracy", "request in the first / second / last third"), recall)}

## Movie reviews

{_results.table(("set", "way", "pooling", "gold accuracy"), real) if real else "Not run in this run."}

{_results.machine()}, two cores that other work shared.
"""


if __name__ == "__main__":
    main()
