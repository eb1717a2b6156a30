from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset
from modAL.batch import uncertainty_batch_sampling

from tests.conftest import ROWS, TASKS, HashingEncoder, make_table
from tilth import samples as table
from tilth import stage as stages
from tilth.active_learning import Config, query_strategies
from tilth.active_learning.learner import Learner
from tilth.active_learning.stage import finest
from tilth.errors import ConfigError
from tilth.learn.linear_probe import new_probe
from tilth.learn.shared_features import Evidence
from tilth.store import Cache


class Fixed:
    """A classifier whose probabilities are the rows themselves."""

    def __init__(self, labeled: np.ndarray | None = None) -> None:
        self.X_training, self.estimator, self.classes_ = labeled, self, np.array(["a", "b", "c"])

    def predict_proba(self, pool: np.ndarray) -> np.ndarray:
        return pool


POOL = np.array([[0.9, 0.1, 0.0], [0.4, 0.3, 0.3], [0.5, 0.5, 0.0]])


def perform(samples: Dataset, folder: Path, **config: Any) -> stages.StageResult:
    (folder / "scratch").mkdir(parents=True)
    evidence = Evidence(samples, encoder=HashingEncoder(), cache=Cache(folder / "cache"))  # type: ignore[arg-type]
    resources = stages.Resources(tasks=TASKS, seed=0, evidence=evidence, scratch=folder / "scratch")
    return stages.perform("active_learning", samples, Config(**config), resources)


@pytest.mark.parametrize(
    ("name", "order", "scores"),
    [
        ("uncertainty", [1, 2, 0], [0.1, 0.6, 0.5]),
        ("margin", [2, 1, 0], [0.2, 0.9, 1.0]),
        ("entropy", [1, 2, 0], [0.2959, 0.9912, 0.6309]),  # in nats 0.3251, 1.0889, 0.6931, over ln 3
    ],
)
def test_scores_and_order_by_hand(name: str, order: list[int], scores: list[float]) -> None:
    picks, found = query_strategies.get(name)(Fixed(), POOL, n_instances=3)
    assert picks.tolist() == order
    assert found == pytest.approx(scores, abs=1e-4)


def test_the_batch_scores_by_hand() -> None:
    labeled = np.array([[0.9, 0.1, 0.0]])  # the first of the pool is known already: distance 0, so only 1 - max p
    picks, scores = query_strategies.get("batch")(Fixed(labeled), POOL, n_instances=1)
    away = np.sqrt(0.25 + 0.04 + 0.09)
    expected = 0.75 * (1 - 1 / (1 + away)) + 0.25 * 0.6
    assert picks.tolist() == [1]
    assert scores[1] == pytest.approx(expected)
    assert scores[0] == pytest.approx(0.25 * 0.1, abs=1e-6)


def test_the_batch_picks_what_modal_picks() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(80, 8))
    labels = np.where(vectors[:, 0] > 0, "x", "y")
    learner = Learner(estimator=new_probe(), query_strategy=query_strategies.get("batch"))
    learner.teach(vectors[:20], labels[:20])
    ours, _ = query_strategies.get("batch")(learner, vectors[20:], n_instances=15)
    theirs = uncertainty_batch_sampling(learner, vectors[20:], n_instances=15)
    theirs = theirs[0] if isinstance(theirs, tuple) else theirs
    assert ours.tolist() == np.asarray(theirs).tolist()


def test_names_are_taken_once_and_unknown_ones_named() -> None:
    with pytest.raises(ValueError, match='"margin" is registered already'):
        query_strategies.strategy("margin")(lambda *_, **__: (np.array([]), np.array([])))
    with pytest.raises(ConfigError, match='did you mean "margin"'):
        query_strategies.get("margni")


def test_the_learner_adds_replaces_and_refuses_what_is_not_finite() -> None:
    learner = Learner(estimator=new_probe(), query_strategy=query_strategies.get("margin"))
    first, labels = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array(["a", "b"])
    learner.teach(first, labels)
    learner.teach(first, labels)
    assert learner.X_training.shape == (4, 2)
    learner.fit(first, labels)
    assert learner.X_training.shape == (2, 2)
    assert learner.predict(first).tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="NaN"):
        learner.teach(np.array([[np.nan, 1.0]]), np.array(["a"]))


def test_the_queue_asks_about_unlabeled_rows_alone(samples: Dataset, tmp_path: Path) -> None:
    result = perform(samples, tmp_path)
    frame = table.to_pandas(result.samples).set_index("id")
    assert sorted(frame["acquisition_rank"].dropna()) == [1, 2]
    assert set(frame.index[frame["acquisition_score"].notna()]) == {"u1", "u2"}
    queue = pd.read_csv(result.artifacts["queue.csv"])
    assert list(queue.columns) == [
        *("rank", "id", "text", "area_suggested", "area_confidence", "intent_suggested", "intent_confidence"),
        *("score", "area_answer", "intent_answer"),
    ]
    assert queue["rank"].tolist() == [1, 2]
    assert queue[["area_answer", "intent_answer"]].isna().all(axis=None)
    assert queue.set_index("id").loc["u1", "intent_suggested"] == "refund"
    assert frame.loc[queue["id"], "acquisition_rank"].tolist() == [1, 2]


def test_a_formula_in_a_text_is_harmless_in_the_queue(tmp_path: Path) -> None:
    rows = [(i, '=HYPERLINK("http://bad")' if i == "u1" else text, *rest) for i, text, *rest in ROWS]
    queue = pd.read_csv(perform(make_table(rows), tmp_path).artifacts["queue.csv"]).set_index("id")
    assert queue.loc["u1", "text"] == '\'=HYPERLINK("http://bad")'


def test_the_batch_bounds_the_queue_and_not_the_scores(samples: Dataset, tmp_path: Path) -> None:
    result = perform(samples, tmp_path, batch=1, strategy="margin")
    frame = table.to_pandas(result.samples)
    assert frame["acquisition_rank"].notna().sum() == 1
    assert frame["acquisition_score"].notna().sum() == 2
    assert frame.loc[frame["acquisition_rank"].eq(1), "acquisition_score"].item() == frame["acquisition_score"].max()


def test_it_says_why_it_did_nothing(samples: Dataset, tmp_path: Path) -> None:
    frame = table.to_pandas(samples)
    columns = ["id", "text", "split", "area_given", "intent_given"]
    bare = make_table(frame.loc[frame["split"] == "unlabeled", columns].to_numpy().tolist())
    full = make_table(frame.loc[frame["split"] != "unlabeled", columns].to_numpy().tolist())
    one = make_table(frame.loc[frame["id"].isin(["a1", "u1"]), columns].to_numpy().tolist())
    assert perform(bare, tmp_path / "bare").skipped == "no labels"
    assert perform(full, tmp_path / "full").skipped == "nothing to ask"
    assert perform(one, tmp_path / "one").skipped == "labels of one class only for intent"


def test_the_finest_task_is_the_child() -> None:
    assert finest(TASKS).name == "intent"
