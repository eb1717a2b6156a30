"""Claim: labels without labeling, from rules alone, or from rules and 50 labels.

    python benchmarks/weak_supervision.py [--data data/public] [--seeds 5]

`sms_spam_rules` (Almeida and Gomez Hidalgo; Awasthi et al. 2020) comes with 73 regular expressions for spam and ham.
Each becomes a labeling function and votes on train.csv. The end model is the linear probe everywhere: one logistic
regression, trained on the answers of each label model, and measured by the F1 of spam on rows that took no part:
test.csv (500 rows), and test.csv with valid.csv (1,000 rows).
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from datasets import Dataset
from sklearn.metrics import f1_score
from snorkel.labeling import LabelingFunction
from snorkel.labeling.model import LabelModel

sys.path.insert(0, str(Path(__file__).parent))
import _results

from tilth.config import EncoderConfig
from tilth.learn import Evidence, fit_predict
from tilth.learn.encoder import Encoder
from tilth.samples import Task
from tilth.store import Cache
from tilth.weak_supervision.config import Config
from tilth.weak_supervision.functions.loader import LoadedFunction
from tilth.weak_supervision.models.joint_model import prepare_texts
from tilth.weak_supervision.models.model_selection import (
    JOINTS,
    LabelModelInputs,
    choose_label_model,
    label_probabilities,
)
from tilth.weak_supervision.night_inputs import NEIGHBORS
from tilth.weak_supervision.voting.cached_applier import cast_votes

FLOORS = {"majority vote": 0.83, "Snorkel's label model": 0.76, "all labels": 0.94}
AIMS = {"joint, no label": 0.88, "joint, 50 labels": 0.91}
SPAM = 1
SURE = Config().min_confidence
SIZES = (50, 75, 100, 150, 200, 300, 400, 600, 800, 1200, 1600, 2400)


@dataclass(frozen=True)
class Corpus:
    """One part of the corpus.

    Attributes:
        texts: its messages.
        codes: 1 is spam, int64, shape (rows,).
        vectors: embeddings, float32, shape (rows, dimensions).
    """

    texts: list[str]
    codes: np.ndarray
    vectors: np.ndarray


def functions(file: Path) -> list[LoadedFunction]:
    """One labeling function a line of rule.txt: label, regular expression, example."""
    lines = [line.split("\t") for line in file.read_text(encoding="latin-1").split("\n") if line.strip()]

    def made(label: str, expression: str) -> Callable[[SimpleNamespace], str | None]:
        compiled = re.compile(expression)
        return lambda x: label if compiled.search(x.text) else None

    return [
        LoadedFunction(
            task="sms", name=f"rule_{i}", function=LabelingFunction(f"rule_{i}", made(line[0], line[1])), fingerprint=""
        )
        for i, line in enumerate(lines)
    ]


def read(folder: Path, name: str, encoder: Encoder) -> Corpus:
    """One file of the corpus."""
    frame = pd.read_csv(folder / f"{name}.csv", encoding="utf-8", encoding_errors="replace")
    texts = frame["v2"].astype(str).tolist()
    return Corpus(texts, frame["v1"].eq("spam").to_numpy(dtype=np.int64), encoder.encode(texts))


class Bench:
    """The votes, the texts, and how good a model becomes that learns from some answer."""

    def __init__(self, folder: Path, cache: Cache) -> None:
        encoder = Encoder(EncoderConfig(), cache)
        self.train, valid, self.test = (read(folder, name, encoder) for name in ("train", "valid", "test"))
        self.both = np.concatenate([self.test.vectors, valid.vectors])
        self.truth = np.concatenate([self.test.codes, valid.codes])
        self.task = task = Task(name="sms", labels=("ham", "spam"))
        frame = pd.DataFrame({"text": self.train.texts})
        cast = cast_votes(
            functions(folder / "rule.txt"), [task], frame, lambda: self.train.vectors, encoder.encode, Config()
        )
        assert not [one.error for one in cast if one.error]
        votes = np.column_stack([one.column for one in cast]).astype(np.int64)
        self.votes = votes[:, (votes >= 0).any(axis=0)]
        self.covered = (self.votes >= 0).any(axis=1)
        self.evidence = evidence_of(self.train.texts, encoder, cache)
        near = self.evidence.neighbors(NEIGHBORS)
        self.text = prepare_texts(self.train.vectors, near)

    def measure(self, rows: np.ndarray, codes: np.ndarray) -> tuple[float, float]:
        """F1 of spam on test.csv, and on it and valid.csv, of the linear probe that learned from these rows."""
        answer = fit_predict(self.train.vectors[rows], codes, self.both, 2).argmax(axis=1)
        count = len(self.test.codes)
        return (
            float(f1_score(self.truth[:count], answer[:count], pos_label=SPAM)),
            float(f1_score(self.truth, answer, pos_label=SPAM)),
        )

    def seen(self, known: np.ndarray, seed: int) -> LabelModelInputs:
        """What tilth's stage would see, with these labels."""
        return LabelModelInputs(
            votes=self.votes, known=known, given=known, text=self.text, folds=self.evidence.folds, classes=2, seed=seed,
            text_probabilities=probe_probabilities(self.evidence, self.task, known),
        )  # fmt: skip

    def some(self, count: int, seed: int) -> np.ndarray:
        """Labels of some rows drawn at random, -1 for the others."""
        rows = np.random.default_rng(seed).choice(len(self.train.codes), count, replace=False)
        known = np.full(len(self.train.codes), -1)
        known[rows] = self.train.codes[rows]
        return known


def evidence_of(texts: Sequence[str], encoder: Encoder, cache: Cache) -> Evidence:
    """Evidence on texts that nobody labeled."""
    ids = [str(i) for i in range(len(texts))]
    rows = Dataset.from_dict({"id": ids, "text": list(texts), "split": ["unlabeled"] * len(ids)})
    return Evidence(rows, encoder=encoder, cache=cache)


def probe_probabilities(evidence: Evidence, task: Task, known: np.ndarray) -> np.ndarray | None:
    """What linear probes of the known labels say of rows whose label they did not learn from; None without labels."""
    if (known < 0).all():
        return None
    return evidence.out_of_fold(task, task.decoded(known).tolist()).probabilities


def voted_most(votes: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows on which one class has more votes than any other, and each row's class of most votes."""
    counts = np.stack([(votes == code).sum(axis=1) for code in range(classes)], axis=1)
    best = np.sort(counts, axis=1)[:, -2:]
    return best[:, 1] > best[:, 0], counts.argmax(axis=1)


def fitted(votes: np.ndarray, classes: int, seed: int) -> LabelModel:
    """Snorkel's label model: 500 epochs, as its documentation has it."""
    model = LabelModel(cardinality=classes, verbose=False)
    model.fit(votes, n_epochs=500, seed=seed, progress_bar=False)
    return model


def by_snorkel(votes: np.ndarray, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows that some function votes on, and their classes."""
    covered, model = (votes >= 0).any(axis=1), fitted(votes, classes, seed)
    codes = np.zeros(len(votes), dtype=np.int64)
    codes[covered] = model.predict(votes[covered], tie_break_policy="random")
    return covered, codes


def majority(bench: Bench, seed: int) -> tuple[float, float]:
    """Where as many rules say ham as spam, the row teaches nothing."""
    rows, codes = voted_most(bench.votes, 2)
    return bench.measure(rows, codes[rows])


def snorkel(bench: Bench, seed: int) -> tuple[float, float]:
    """Snorkel's label model."""
    rows, codes = by_snorkel(bench.votes, 2, seed)
    return bench.measure(rows, codes[rows])


def all_labels(bench: Bench, seed: int) -> tuple[float, float]:
    """Plain training on every label."""
    return bench.measure(np.ones(len(bench.train.codes), dtype=bool), bench.train.codes)


def tilth(labels: int) -> Callable[[Bench, int], tuple[float, float]]:
    """What a night does: choose a label model, and train on the rows that it is sure of and on the labels."""

    def measured(bench: Bench, seed: int) -> tuple[float, float]:
        known = bench.some(labels, seed)
        seen = bench.seen(known, seed)
        choice = choose_label_model(seen)
        assert choice.name in JOINTS, choice
        found = label_probabilities(choice.name, seen, choice.temperatures[choice.name])
        code = np.where(known >= 0, known, found.argmax(axis=1))
        rows = (found.max(axis=1) >= SURE) | (known >= 0)
        return bench.measure(rows, code[rows])

    return measured


def plain(bench: Bench, count: int, seed: int) -> tuple[float, float]:
    """The linear probe on some labels alone."""
    known = bench.some(count, seed)
    return bench.measure(known >= 0, known[known >= 0])


def saved(bench: Bench, reached: float, used: int, seeds: Sequence[int]) -> str:
    """Which share of the labels that plain training needs to come as far were not needed."""
    for count in SIZES:
        if np.median([plain(bench, count, seed)[1] for seed in seeds]) >= reached:
            return f"{1 - used / count:.0%} ({used} in place of {count})"
    return f"over {1 - used / SIZES[-1]:.0%} ({used} in place of more than {SIZES[-1]})"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/public"))
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _measure(Bench(options.data / "sms_spam_rules", Cache(Path(folder))), range(options.seeds))


def _measure(bench: Bench, seeds: Sequence[int]) -> None:
    """Every way's figures, into its file of results."""
    ways: dict[str, Callable[[Bench, int], tuple[float, float]]] = {
        "majority vote": majority,
        "Snorkel's label model": snorkel,
        "joint, no label": tilth(0),
        "joint, 50 labels": tilth(50),
        "50 labels, no rule": lambda bench, seed: plain(bench, 50, seed),
        "all labels": all_labels,
    }
    lines, reached = [], {}
    for name, way in ways.items():
        scores = np.array([way(bench, seed) for seed in seeds])
        reached[name] = float(np.median(scores[:, 1]))
        aim = FLOORS.get(name) or AIMS.get(name) or ""
        lines.append([name, *(_spread(scores[:, column]) for column in (0, 1)), aim])
    text = (
        f"# Weak supervision: 73 rules for spam, {len(bench.train.texts):,} messages, "
        f"{bench.covered.mean():.0%} of them covered\n\n"
        f"`python benchmarks/weak_supervision.py --seeds {len(seeds)}`\n\n"
    )
    text += _results.table(["labels from", "F1, test.csv", "F1, test.csv and valid.csv", "floor or aim"], lines)
    text += f"\n\nHand labels saved: with no label {saved(bench, reached['joint, no label'], 0, seeds)}; "
    text += f"with 50 {saved(bench, reached['joint, 50 labels'], 50, seeds)}. "
    text += f"Median of {len(seeds)} seeds, smallest and largest in brackets; {_results.machine()}. "
    text += (
        "The joint model's constants were set while its F1 on train, valid and test was in sight, so that its figures "
        "here are optimistic."
    )
    _results.write("weak_supervision", text)


def _spread(scores: np.ndarray) -> str:
    low, high = scores.min(), scores.max()
    return f"{np.median(scores):.3f}" + (f" [{low:.3f}, {high:.3f}]" if high - low > 5e-4 else "")


if __name__ == "__main__":
    main()
