"""Paraphrases of few labeled rows: do they keep their label, are they new, and what do other ways give?

    python benchmarks/paraphrases.py --data data/public        (nlpaug beside it: pip install nlpaug)

A few rows of each class have their label, all other texts have none. The oracle is the judge, trained on every label of
the train file. Nothing of tilth was tuned on banking77 or sentfin for this; the shipped denoiser has seen clinc150.
"""

from __future__ import annotations

import argparse
import difflib
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import _results
import numpy as np
import pandas as pd
import torch
from cleaning import read

from tilth import samples as table
from tilth import stage as stages
from tilth.augmentation import examples
from tilth.augmentation.config import Config
from tilth.augmentation.weights import load
from tilth.config import EncoderConfig
from tilth.encoder import Encoder
from tilth.evidence import Evidence
from tilth.judge import judge
from tilth.samples import Task
from tilth.store import Cache
from tilth.text import normal_form

COLUMNS = (
    "data set", "way", "texts", "a source", "keep their label", "keep their numbers", "similarity", "edit distance",
    "distinct-1", "distinct-4", "copies", "a second",
)  # fmt: skip
_NUMBERS = re.compile(r"\d+(?:[.,]\d+)*|\b(?:not|no|never|\w+n't)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Given:
    """A data set with few labels: the table, the sources' places, every text's true class, and the oracle."""

    frame: pd.DataFrame
    task: Task
    sources: np.ndarray
    truth: np.ndarray
    oracle: Any
    ceiling: float


def prepare(name: str, folder: Path, per_class: int, seed: int, encoder: Encoder) -> Given:
    """`per_class` labels a class, drawn by the seed."""
    train, gold = read(name, folder)
    train = train.drop_duplicates("text").sample(frac=1, random_state=seed).reset_index(drop=True)
    labels = tuple(sorted(train["label"].unique()))
    code = {label: number for number, label in enumerate(labels)}
    truth = train["label"].map(code).to_numpy()
    labeled = (train.groupby("label").cumcount() < per_class).to_numpy()
    frame = pd.DataFrame({"id": [f"r{i}" for i in range(len(train))], "text": train["text"].astype(str)})
    frame["split"], frame["source"], frame["parent_id"] = np.where(labeled, "train", "unlabeled"), "input", None
    frame["status"], frame["reason"] = "active", None
    frame["label_given"] = train["label"].where(labeled, None)
    task = Task(name="label", labels=labels)
    oracle = judge().fit(encoder.encode(frame["text"].tolist()), truth)
    right = oracle.predict(encoder.encode(gold["text"].astype(str).tolist())) == gold["label"].map(code).to_numpy()
    return Given(table.resolve(frame, [task]), task, np.flatnonzero(labeled), truth, oracle, float(right.mean()))


Made = list[tuple[int, str]]
"""Texts with the place of their source."""


def by_tilth(given: Given, config: Config, encoder: Encoder, cache: Cache, seed: int, scratch: Path) -> dict[str, Any]:
    """The stage itself: all candidates, those that the gate lets through, and the folder of the adapted denoiser."""
    samples = table.from_pandas(given.frame, [given.task])
    evidence = Evidence(samples, encoder=encoder, cache=cache)
    scratch.mkdir(parents=True)
    resources = stages.Resources(tasks=(given.task,), seed=seed, evidence=evidence, scratch=scratch)
    found = stages.perform("augmentation", samples, config, resources)
    rows = table.to_pandas(found.samples)
    rows = rows[rows["source"] == "paraphrase"]
    place = pd.Series(given.frame.index, index=given.frame["id"])
    made = list(zip(place[rows["parent_id"]], rows["text"], strict=True))
    accepted = rows["accepted"].to_numpy(dtype=bool)
    return {
        "all": [one for one in made if one[1]],
        "accepted": [one for one, good in zip(made, accepted, strict=True) if good],
        "metrics": found.metrics,
        "denoiser": found.carried,
    }


def substituted(given: Given, denoiser: Path, count: int, seed: int) -> Made:
    """Contextual substitution: 30% of the tokens masked and drawn again, by the same denoiser without a source."""
    pipeline = load(str(denoiser), Config().scheduler)
    rng, draw = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    made: Made = []
    tokenizer, model = pipeline.tokenizer, pipeline.denoiser
    for place in given.sources:
        ids = tokenizer(given.frame["text"].iloc[place], add_special_tokens=False)["input_ids"][:60]
        for _ in range(count):
            row = torch.tensor([[examples.CLS, examples.SEP, *ids, examples.SEP]])
            masked = 2 + rng.choice(len(ids), max(1, round(0.3 * len(ids))), replace=False)
            where = torch.zeros_like(row, dtype=torch.bool)
            where[0, masked] = True
            level = torch.zeros(1, dtype=torch.long)
            segments = torch.ones_like(row)
            segments[0, :2] = 0
            with torch.inference_mode():
                logits = model(row.masked_fill(where, examples.MASK), segments, level, level, where).float()
            best = logits.topk(20, dim=-1)
            drawn = torch.multinomial(torch.softmax(best[0] / 0.8, dim=-1), 1, generator=draw)
            row[where] = model.shortlist[best[1].gather(1, drawn)[:, 0]]
            made.append((int(place), tokenizer.decode(row[0, 2:-1], skip_special_tokens=True)))
    return made


def by_nlpaug(given: Given, count: int, seed: int) -> Made:
    """EDA's swap and deletion, by nlpaug; its synonyms need WordNet, which has to be downloaded."""
    import nlpaug.augmenter.word as words

    np.random.seed(seed)  # noqa: NPY002 - nlpaug draws from the global generators
    ways = [words.RandomWordAug(action=action) for action in ("swap", "delete")]
    made: Made = []
    for place in given.sources:
        text = given.frame["text"].iloc[place]
        for number in range(count):
            made += [(int(place), one) for one in ways[number % 2].augment(text, n=1)]
    return made


def measure(given: Given, made: Made, encoder: Encoder, seconds: float) -> list[float]:
    """The columns from `texts` on; NaN where there is no text."""
    if not made:
        return [0.0, 0.0, *[float("nan")] * 8]
    places, texts = np.array([place for place, _ in made]), [text for _, text in made]
    sources = given.frame["text"].iloc[places].tolist()
    vectors, before = encoder.encode(texts), encoder.encode(sources)
    known = {normal_form(text) for text in given.frame["text"]}
    words = [normal_form(text).split() for text in texts]
    same = [Counter(_found(old)) == Counter(_found(new)) for old, new in zip(sources, texts, strict=True)]
    return [
        float(len(texts)),
        len(texts) / len(given.sources),
        float((given.oracle.predict(vectors) == given.truth[places]).mean()),
        float(np.mean(same)),
        float((vectors * before).sum(axis=1).mean()),
        float(np.median([_distance(old, new) for old, new in zip(sources, words, strict=True)])),
        _distinct(words, 1),
        _distinct(words, 4),
        float(np.mean([normal_form(text) in known for text in texts])),
        len(texts) / seconds if seconds else float("nan"),
    ]


def _found(text: str) -> list[str]:
    return [word.lower() for word in _NUMBERS.findall(text)]


def _distance(source: str, words: Sequence[str]) -> float:
    return 1 - difflib.SequenceMatcher(None, normal_form(source).split(), words, autojunk=False).ratio()


def _distinct(words: Sequence[Sequence[str]], size: int) -> float:
    grams = [tuple(row[k : k + size]) for row in words for k in range(len(row) - size + 1)]
    return len(set(grams)) / max(len(grams), 1)


def timed(make: Callable[[], Any]) -> tuple[Any, float]:
    """What it makes, and in how many seconds."""
    begun = time.perf_counter()
    return make(), time.perf_counter() - begun


def one(name: str, arguments: argparse.Namespace, seed: int, encoder: Encoder, home: Path) -> dict[str, list[float]]:
    """Every way's figures on one draw of the labels."""
    given = prepare(name, arguments.data, arguments.labels, seed, encoder)
    config = Config(denoiser=arguments.denoiser, sources=len(given.sources))
    cache = Cache(home / f"{name}-{seed}")
    ours = by_tilth(given, config, encoder, cache, seed, home / f"scratch-{name}-{seed}")
    found = {
        "tilth, accepted": measure(given, ours["accepted"], encoder, 0),
        "tilth, before the gate": measure(given, ours["all"], encoder, 0),
    }
    made, seconds = timed(lambda: substituted(given, ours["denoiser"] / "denoiser", 3, seed))
    found["contextual substitution"] = measure(given, made, encoder, seconds)
    try:
        made, seconds = timed(lambda: by_nlpaug(given, 3, seed))
        found["EDA's swap and deletion, by nlpaug"] = measure(given, made, encoder, seconds)
    except ImportError as error:
        print(f"nlpaug: not run: {error}")
    real = np.setdiff1d(np.arange(len(given.frame)), given.sources)[:: max(1, len(given.frame) // 2000)]
    found["real rows that are held out (the oracle's ceiling)"] = [
        float("nan"), float("nan"), given.ceiling, *[float("nan")] * 7,
    ]  # fmt: skip
    print(name, seed, len(real), {k: v for k, v in ours["metrics"].items() if "loss" in k or "macro" in k}, flush=True)
    for number in np.random.default_rng(0).permutation(len(ours["accepted"]))[: arguments.show]:
        place, text = ours["accepted"][number]
        print(f"    {given.frame['text'].iloc[place]}  →  {text}")
    return found


def main() -> None:
    """Run, print the table, and put it into RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data/public"))
    parser.add_argument("--sets", nargs="+", default=["banking77", "clinc150"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--labels", type=int, default=5, help="labels a class")
    parser.add_argument("--denoiser", default="pretrained", help="the denoiser that a night starts from")
    parser.add_argument("--show", type=int, default=0, help="accepted paraphrases to print")
    arguments = parser.parse_args()
    lines: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        encoder = Encoder(EncoderConfig(), Cache(home / "embeddings"))
        for name in arguments.sets:
            runs = [one(name, arguments, seed, encoder, home) for seed in range(arguments.seeds)]
            lines += _results.compared([name], runs)
    _results.write(
        "paraphrases",
        f"## Paraphrases of few labeled rows\n\n`python benchmarks/paraphrases.py --sets {' '.join(arguments.sets)} "
        f"--seeds {arguments.seeds}` ({_results.machine()})\n\n"
        f"{arguments.labels} labels a class, all other texts unlabeled; median over {arguments.seeds} seeds (smallest "
        "to largest). A label is kept where an oracle trained on all labels gives the source's. Numbers and negations "
        "are read by a regular expression that the gate does not use. Copies are of any text in the data.\n\n"
        + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
