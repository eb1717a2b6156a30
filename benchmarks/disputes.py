"""Claim: a given label that the functions and the texts together contradict is worth a person's look.

    python benchmarks/disputes.py [--data data/public] [--sets sms_spam_rules clinc150 sentfin] [--seeds 5]

Every row has a label, of which none or a tenth are turned to another class at random. Functions vote beside them: the
73 rules of sms_spam_rules, or three a label that are mined as in `mined_functions.py`. Whom each way contradicts: the
class of most votes, Snorkel's label model where it is as sure as tilth asks its own to be, and the model that tilth
chooses that night, which judges each row without its label. Cleaning, which comes first in a night, takes no part.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import _results
import mined_functions
import numpy as np
import weak_supervision

from tilth.config import EncoderConfig
from tilth.learn import Evidence
from tilth.learn.encoder import Encoder
from tilth.samples import Task
from tilth.store import Cache
from tilth.weak_supervision.config import Config
from tilth.weak_supervision.label_choice import MANY
from tilth.weak_supervision.models.joint_model import TextFeatures
from tilth.weak_supervision.models.model_selection import (
    TEXT_MODEL,
    LabelModelInputs,
    choose_label_model,
    held_out_probabilities,
)

RULES = "sms_spam_rules"
COLUMNS = ("data set", "labels turned", "contradicted by", "rows", "of them turned", "of the turned", "model")
SURE = Config().dispute_above


@dataclass(frozen=True)
class Rows:
    """Rows with their true classes as codes (rows,), votes (rows, functions), and what is known of their texts."""

    task: Task
    truth: np.ndarray
    votes: np.ndarray
    text: TextFeatures
    evidence: Evidence


@dataclass(frozen=True)
class Said:
    """Each row's class, -1 where none is said, as surely as is asked; and which model says so."""

    codes: np.ndarray
    model: str = ""


def load(name: str, data: Path, seeds: int, encoder: Encoder, cache: Cache) -> list[Rows]:
    """One data set a seed, which draws the rows that functions are mined from."""
    if name == RULES:
        spam = weak_supervision.Bench(data / name, cache)
        return [Rows(spam.task, spam.train.codes, spam.votes, spam.text, spam.evidence)] * seeds
    whole = mined_functions.load(name, data, encoder)
    mined = [mined_functions.Bench(*whole, seed, encoder, cache) for seed in range(seeds)]
    return [Rows(one.task, one.truth, one.votes, one.text, one.evidence) for one in mined]


def turned(truth: np.ndarray, classes: int, share: float, seed: int) -> np.ndarray:
    """Labels of which a share is another class."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(truth)) < share
    return np.where(wrong, (truth + rng.integers(1, classes, len(truth))) % classes, truth)


def majority(rows: Rows, given: np.ndarray, seed: int) -> Said:
    """The class of most votes, which is always as sure."""
    decided, codes = weak_supervision.voted_most(rows.votes, len(rows.task.labels))
    return Said(np.where(decided, codes, -1))


def snorkel(rows: Rows, given: np.ndarray, seed: int) -> Said:
    """Snorkel's label model, of the votes alone."""
    found = weak_supervision.fitted(rows.votes, len(rows.task.labels), seed).predict_proba(rows.votes)
    sure = (found.max(axis=1) >= SURE) & (rows.votes >= 0).any(axis=1)
    return Said(np.where(sure, found.argmax(axis=1), -1))


def tilth(rows: Rows, given: np.ndarray, seed: int) -> Said:
    """What a night does."""
    seen = LabelModelInputs(
        votes=rows.votes, known=given, given=given, text=rows.text, folds=rows.evidence.folds,
        classes=len(rows.task.labels), seed=seed,
        text_probabilities=(
            weak_supervision.probe_probabilities(rows.evidence, rows.task, given) if len(given) < MANY else None
        ),
    )  # fmt: skip
    choice = choose_label_model(seen)
    if choice.name == TEXT_MODEL:  # functions that say less than the text dispute nothing
        return Said(np.full(len(given), -1), choice.name)
    found = held_out_probabilities(choice.name, seen, choice.temperatures.get(choice.name, 1.0))
    found = np.nan_to_num(found)
    return Said(np.where(found.max(axis=1) >= SURE, found.argmax(axis=1), -1), choice.name)


WAYS: dict[str, Callable[[Rows, np.ndarray, int], Said]] = {
    "majority vote": majority,
    "Snorkel's label model": snorkel,
    "tilth": tilth,
}


def measure(name: str, share: float, rows: list[Rows]) -> list[list[str]]:
    """A line for each way over all seeds; printed too."""
    lines = []
    for way, says in WAYS.items():
        if not mined_functions.possible(way, rows[0].votes, len(rows[0].task.labels)):
            lines.append([name, f"{share:.0%}", way, "not run: too many functions and labels", "", "", ""])
            continue
        runs, models = [], set()
        for seed, one in enumerate(rows):
            given = turned(one.truth, len(one.task.labels), share, seed)
            said, wrong = says(one, given, seed), given != one.truth
            against = (said.codes >= 0) & (said.codes != given)
            models.add(said.model)
            hit = float((against & wrong).sum())
            precision = hit / against.sum() if against.any() else np.nan  # of nothing there is none
            runs.append([float(against.sum()), precision, hit / wrong.sum() if share else np.nan])
        count, *shares = zip(*runs, strict=True)
        told = f"{np.median(count):.0f} ({min(count):.0f} to {max(count):.0f})"
        found = [_results.shown(values) for values in shares] if share else ["", ""]
        lines.append([name, f"{share:.0%}", way, told, *found, ", ".join(sorted(models - {""}))])
        print("| " + " | ".join(lines[-1]) + " |", flush=True)
    return lines


def main() -> None:
    """Measure and write."""
    options = _results.parser(__doc__, [RULES, "clinc150", "sentfin"]).parse_args()
    lines: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        cache = Cache(Path(folder))
        encoder = Encoder(EncoderConfig(), cache)
        for name in options.sets:
            rows = load(name, options.data, options.seeds, encoder, cache)
            for share in (0.0, 0.1):
                lines += measure(name, share, rows)
    _results.write(
        "disputes",
        "# Given labels that weak supervision contradicts\n\n"
        f"`python benchmarks/disputes.py --sets {' '.join(options.sets)} --seeds {options.seeds}` "
        f"({_results.machine()})\n\nMedian over {options.seeds} seeds (smallest to largest), which draw the turned "
        f"labels, and the rows that functions are mined from. A model's word counts from a probability of {SURE}. "
        "Where no label is turned, what is contradicted may still be wrong: these sets have errors of their own.\n\n"
        + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
