"""Claim: the label model that sees the text carries over to data that none of its constants was set on.

    python benchmarks/mined_functions.py [--data data/public] [--sets clinc150 sentfin banking77] [--seeds 5]

Labeling functions are what `tilth lf suggest` mines from a fifth of the train rows, which take no further part: it
stands for what their author knows of the data. Three a label, of phrases that are right on 90, 75 and 60% of that
fifth, so that they differ in how good they are. They vote on the other rows, which have no label, or five a class. The
linear probe learns from what each label model is sure of, and is measured on gold. `clinc150` is by its ten domains.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import _results
import numpy as np
import pandas as pd
from cleaning import read
from weak_supervision import by_snorkel, evidence_of, probe_probabilities, voted_most

from tilth import samples as table
from tilth.config import EncoderConfig
from tilth.learn import fit_predict, scores
from tilth.learn.encoder import Encoder
from tilth.samples import Source, Split, Status, Task
from tilth.store import Cache
from tilth.weak_supervision.config import Config
from tilth.weak_supervision.functions.phrase_mining import suggest_functions
from tilth.weak_supervision.functions.phrases import phrase_pattern
from tilth.weak_supervision.models import label_model
from tilth.weak_supervision.models.joint_model import prepare_texts
from tilth.weak_supervision.models.model_selection import (
    TEXT_MODEL,
    LabelModelInputs,
    choose_label_model,
    label_probabilities,
)
from tilth.weak_supervision.models.propagation import propagate
from tilth.weak_supervision.night_inputs import NEIGHBORS

COLUMNS = ("data set", "labels from", "gold macro-F1", "rows taught", "of them right", "model of the night")
PRECISIONS = (0.9, 0.75, 0.6)
AUTHORS = 5  # one row in so many is its functions' author's
KNOWN = 5
SURE = Config().min_confidence


@dataclass(frozen=True)
class Rows:
    """Rows of one data set with their true classes as codes, and their embeddings."""

    texts: list[str]
    codes: np.ndarray
    vectors: np.ndarray


@dataclass(frozen=True)
class Taught:
    """Rows that the linear probe learns from, their classes (of all rows), which model gave them, and weights."""

    rows: np.ndarray
    codes: np.ndarray
    model: str = ""
    weights: np.ndarray | None = None


def load(name: str, folder: Path, encoder: Encoder) -> tuple[Task, Rows, Rows]:
    """The task, train and gold."""
    train, gold = read(name, folder)
    if name == "clinc150":
        train, gold = (part.assign(label=part["domain"]) for part in (train, gold))
    task = Task(name="label", labels=tuple(sorted(train["label"].unique())))

    def rows(part: pd.DataFrame) -> Rows:
        texts = part["text"].astype(str).tolist()
        return Rows(texts, task.codes(part["label"]), encoder.encode(texts))

    return task, rows(train), rows(gold)


class Bench:
    """The votes of one seed's functions on the rows that their author did not see."""

    def __init__(self, task: Task, train: Rows, gold: Rows, seed: int, encoder: Encoder, cache: Cache) -> None:
        rng = np.random.default_rng(seed)
        author = rng.random(len(train.texts)) < 1 / AUTHORS
        own = np.flatnonzero(author)
        found = [
            (one, task.labels.index(one.label))
            for precision in PRECISIONS
            for one in suggest_functions(
                [train.texts[row] for row in own], train.codes[own], task, np.zeros(len(own), dtype=bool),
                precision=precision,
            )
        ]  # fmt: skip
        rest = np.flatnonzero(~author)
        texts = [train.texts[row] for row in rest]
        compiled = [(re.compile(phrase_pattern(one.phrases), re.IGNORECASE), code) for one, code in found]
        votes = np.array([[code if one.search(text) else -1 for one, code in compiled] for text in texts])
        self.votes = votes[:, (votes >= 0).any(axis=0)]
        self.seed, self.task, self.gold, self.truth = seed, task, gold, train.codes[rest]
        self.vectors = train.vectors[rest]
        self.evidence = evidence_of(texts, encoder, cache)
        near = self.evidence.neighbors(NEIGHBORS)
        self.text = prepare_texts(self.vectors, near)
        order = rng.permutation(len(rest))
        self.some = np.concatenate([order[self.truth[order] == code][:KNOWN] for code in range(len(task.labels))])

    def known(self, labels: bool) -> np.ndarray:
        """The labels of a few rows of each class, or of none."""
        found = np.full(len(self.truth), -1)
        if labels:
            found[self.some] = self.truth[self.some]
        return found

    def measure(self, taught: Taught) -> list[float]:
        """Gold macro-F1 of the linear probe, the share of rows it learned from, and how many of those are right."""
        count = len(self.task.labels)
        weights = None if taught.weights is None else taught.weights[taught.rows]
        answer = fit_predict(self.vectors[taught.rows], taught.codes[taught.rows], self.gold.vectors, count, weights)
        names = np.array(self.task.labels, dtype=object)
        macro = scores(names[self.gold.codes].tolist(), names[answer.argmax(axis=1)].tolist())["macro_f1"]
        return [macro, float(taught.rows.mean()), float((taught.codes == self.truth)[taught.rows].mean())]


def majority(bench: Bench) -> Taught:
    """Where two classes have as many votes the row teaches nothing."""
    return Taught(*voted_most(bench.votes, len(bench.task.labels)))


def snorkel(bench: Bench) -> Taught:
    """Snorkel's label model."""
    return Taught(*by_snorkel(bench.votes, len(bench.task.labels), bench.seed))


def tilth(labels: bool) -> Callable[[Bench], Taught]:
    """What a night does: choose a label model, and train on the rows that it is sure of and on the labels."""

    def taught(bench: Bench) -> Taught:
        known = bench.known(labels)
        seen = LabelModelInputs(
            votes=bench.votes, known=known, given=known, text=bench.text, folds=bench.evidence.folds,
            classes=len(bench.task.labels), seed=bench.seed,
            text_probabilities=probe_probabilities(bench.evidence, bench.task, known),
        )  # fmt: skip
        choice = choose_label_model(seen)
        if choice.name == TEXT_MODEL:
            return by_text(bench, known)
        found = np.nan_to_num(label_probabilities(choice.name, seen, choice.temperatures.get(choice.name, 1.0)))
        confidence = np.where(known >= 0, 1.0, found.max(axis=1))
        codes = np.where(known >= 0, known, found.argmax(axis=1))
        return Taught(confidence >= SURE, codes, choice.name)

    return taught


def by_text(bench: Bench, known: np.ndarray) -> Taught:
    """What the text says of the rows without a label, where functions say less."""
    frame = pd.DataFrame({"label_given": bench.task.decoded(known)}).assign(
        split=np.where(known >= 0, Split.TRAIN, Split.UNLABELED), source=Source.INPUT, status=Status.ACTIVE, reason=None
    )
    found = propagate(table.resolve(frame, [bench.task]), bench.task, known, bench.evidence, "auto")
    assert found is not None
    codes = np.where(known >= 0, known, found.label)
    return Taught(codes >= 0, codes, TEXT_MODEL, np.where(known >= 0, 1.0, found.confidence))


def plain(bench: Bench) -> Taught:
    """The few labels alone."""
    known = bench.known(True)
    return Taught(known >= 0, known)


def everything(bench: Bench) -> Taught:
    """The true label of every row."""
    return Taught(np.ones(len(bench.truth), dtype=bool), bench.truth)


def possible(way: str, votes: np.ndarray, classes: int) -> bool:
    """Whether it ends in minutes; says so where it does not."""
    if way == "Snorkel's label model" and votes.shape[1] * classes > label_model.LARGEST:
        print(f"{way}: not run: {votes.shape[1]} functions for {classes} labels take it hours")
        return False
    return True


WAYS: dict[str, Callable[[Bench], Taught]] = {
    "majority vote": majority,
    "Snorkel's label model": snorkel,
    "tilth, no label": tilth(False),
    f"tilth, {KNOWN} labels a class": tilth(True),
    f"{KNOWN} labels a class, no function": plain,
    "all labels": everything,
}


def main() -> None:
    """Measure and write."""
    options = _results.parser(__doc__, ["clinc150", "sentfin", "banking77"]).parse_args()
    lines: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        cache = Cache(Path(folder))
        encoder = Encoder(EncoderConfig(), cache)
        for name in options.sets:
            task, train, gold = load(name, options.data, encoder)
            benches = [Bench(task, train, gold, seed, encoder, cache) for seed in range(options.seeds)]
            for way, taught in WAYS.items():
                if not possible(way, benches[0].votes, len(task.labels)):
                    lines.append([name, way, "not run: too many functions and labels", "", "", ""])
                    continue
                found = [taught(bench) for bench in benches]
                runs = [bench.measure(one) for bench, one in zip(benches, found, strict=True)]
                models = ", ".join(sorted({one.model for one in found if one.model}))
                lines.append([name, way, *map(_results.shown, zip(*runs, strict=True)), models])
                print("| " + " | ".join(lines[-1]) + " |", flush=True)
    text = (
        "# Weak supervision by mined functions\n\n"
        f"`python benchmarks/mined_functions.py --sets {' '.join(options.sets)} --seeds {options.seeds}` "
        f"({_results.machine()})\n\nMedian over {options.seeds} seeds (smallest to largest), which draw the fifth of "
        "the rows that three functions a label are mined from, and the labeled rows. No constant of tilth's label "
        "model was set on these sets.\n\n" + _results.table(COLUMNS, lines)
    )
    _results.write("mined_functions", text)


if __name__ == "__main__":
    main()
