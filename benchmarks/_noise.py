"""Given labels as people and older models make them: by rules, by a weak model, by one of several annotators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from annotators import ANNOTATORS, vote
from cleaning import Rows, noisy, prepare, table_of
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from weak_supervision import functions

from tilth.learn.encoder import Encoder
from tilth.samples import Task
from tilth.store import Cache
from tilth.weak_supervision.config import Config
from tilth.weak_supervision.voting.cached_applier import cast_votes

RULES = "sms_spam_rules"
A_CLASS = 5
"""Labels of each class that the weak model learns from."""
SKILLS = (0.5, 0.95)
"""Of the annotators: shares of right votes, drawn evenly."""
PLANTED = ("confusable", "feature", "uniform")


def rows_of(name: str, folder: Path, encoder: Encoder, cache: Cache) -> Rows:
    """A data set with its true labels; of the messages those that a rule votes on."""
    if name != RULES:
        return prepare(name, folder, encoder, cache)
    train, gold = (pd.read_csv(folder / name / f"{part}.csv", encoding_errors="replace") for part in ("train", "test"))
    votes = rule_votes(train["v2"].astype(str), folder / name / "rule.txt", encoder)
    train = train[(votes >= 0).any(axis=1)]
    frame = table_of(train["v2"].astype(str).tolist(), train["v1"].tolist())
    task = Task(name="label", labels=("ham", "spam"))
    belief = np.zeros((len(frame), 2), dtype=np.float32)
    return Rows(
        frame, task, task.codes(frame["label_given"]), (gold["v2"].astype(str).tolist(), gold["v1"].tolist()), belief
    )


def rule_votes(texts: pd.Series, file: Path, encoder: Encoder) -> np.ndarray:
    """What each rule says of each message, -1 where it says nothing, shape (rows, rules)."""
    frame = pd.DataFrame({"text": texts.tolist()})
    task = Task(name="sms", labels=("ham", "spam"))
    cast = cast_votes(functions(file), [task], frame, lambda: encoder.encode(texts.tolist()), encoder.encode, Config())
    return np.column_stack([one.column for one in cast]).astype(np.int64)


def given(rows: Rows, kind: str, rate: float, seed: int, file: Path, encoder: Encoder) -> np.ndarray:
    """The given labels as codes, shape (rows,).

    Args:
        rows: with their true labels.
        kind: `none`, one of `PLANTED`, `rules` (of each message the vote of one rule, taken at random), `missed` (a
            share of the rarest class has the label of the most frequent one), `weak_model` (predictions of a model of
            words, learned from five true labels a class, which keep theirs) or `annotator` (twelve of unlike skill
            vote, where they err as models do; one vote a row is taken at random).
        rate: share of wrong labels, of the planted kinds; of the rarest class's, where it is missed.
        seed: of every draw.
        file: the rules.
        encoder: for rules that ask it.
    """
    rng = np.random.default_rng(seed)
    if kind == "none":
        return rows.truth
    if kind in PLANTED:
        return noisy(rows, kind, rate, seed)
    if kind == "missed":
        rarest, most = (np.bincount(rows.truth).argsort(kind="stable")[place] for place in (0, -1))
        return np.where((rows.truth == rarest) & (rng.random(len(rows.truth)) < rate), most, rows.truth)
    if kind == "rules":
        votes = rule_votes(rows.frame["text"], file, encoder)
        return one_of(np.where(votes >= 0, votes, np.nan), rng)
    if kind == "annotator":
        return one_of(vote(rows, rng.uniform(*SKILLS, ANNOTATORS), (1, 3), rng), rng)
    return weakly_predicted(rows.frame["text"].tolist(), rows.truth, rng)


def one_of(votes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One vote of each row, taken at random; NaN is none, shape (rows, voters)."""
    turn = np.where(np.isnan(votes), -1.0, rng.random(votes.shape)).argmax(axis=1)
    return votes[np.arange(len(votes)), turn].astype(np.int64)


def weakly_predicted(texts: list[str], truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Predictions of a logistic regression on words of five rows a class; those rows keep their labels."""
    known = np.concatenate([
        rng.choice(np.flatnonzero(truth == code), min(A_CLASS, int((truth == code).sum())), replace=False)
        for code in np.unique(truth)
    ])  # fmt: skip
    words = TfidfVectorizer(sublinear_tf=True).fit([texts[row] for row in known]).transform(texts)
    with threadpool_limits(limits=1):
        said = LogisticRegression(C=10, max_iter=300).fit(words[known], truth[known]).predict(words)
    said[known] = truth[known]
    return np.asarray(said, dtype=np.int64)
