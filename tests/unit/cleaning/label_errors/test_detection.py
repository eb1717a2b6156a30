from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from tests.small_table import HashingEncoder
from tilth import samples as table
from tilth.cleaning import Config
from tilth.cleaning.checks.copies import find_conflicts
from tilth.cleaning.label_errors.detection import find_label_errors
from tilth.cleaning.label_errors.filter_selection import verdict_by_filter
from tilth.cleaning.label_errors.filters import NAMES
from tilth.cleaning.label_errors.models.out_of_fold_models import NeighborGraph, fit_evidence_models
from tilth.errors import ConfigError
from tilth.learn.neighbors import nearest
from tilth.learn.shared_features import Evidence
from tilth.samples import Task
from tilth.stage.contract import Resources
from tilth.stage.registry import perform
from tilth.store import Cache

Run = Callable[..., tuple[pd.DataFrame, dict[str, Any]]]
CLASSES = 6
WORDS = [[f"word{c}x{k}" for k in range(12)] for c in range(CLASSES)]
FILLER = [f"filler{k}" for k in range(30)]


def blobs(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors around one center a class, near enough to each other that some are hard."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(CLASSES, 24))
    codes = rng.integers(CLASSES, size=rows)
    vectors = centers[codes] + 1.1 * rng.normal(size=(rows, 24))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), codes


def flipped(codes: np.ndarray, share: float, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(codes)) < share
    return np.where(wrong, (codes + 1 + rng.integers(2, size=len(codes))) % CLASSES, codes)


@pytest.fixture(scope="module")
def noisy() -> dict[str, Any]:
    vectors, truth = blobs(900)
    codes, folds = flipped(truth, 0.2), np.arange(900) % 5
    graph = NeighborGraph.of(nearest(vectors, 20))

    def refit(labels: np.ndarray) -> Any:
        return fit_evidence_models(vectors, graph, labels, folds, CLASSES, 3)

    probabilities = refit(codes)
    verdict = verdict_by_filter(codes, probabilities, refit, name="joint margin", least=200, min_precision=0.5, seed=0)
    return {"truth": truth, "codes": codes, "probabilities": probabilities, "refit": refit, "verdict": verdict}


def test_models_give_probabilities_nearer_the_truth_than_the_labels(noisy: dict[str, Any]) -> None:
    for probabilities in (
        noisy["probabilities"].joint,
        noisy["probabilities"].linear,
        noisy["probabilities"].neighbors,
    ):
        assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
        assert (probabilities.argmax(axis=1) == noisy["truth"]).mean() > 0.9 > (noisy["codes"] == noisy["truth"]).mean()


def test_a_filter_finds_the_errors_and_knows_how_well(noisy: dict[str, Any]) -> None:
    verdict, wrong = noisy["verdict"], noisy["codes"] != noisy["truth"]
    precision = (verdict.issue & wrong).sum() / verdict.issue.sum()
    recall = (verdict.issue & wrong).sum() / wrong.sum()
    assert precision > 0.85
    assert recall > 0.75  # the classes overlap, and an error rate that is not overstated costs some recall
    assert verdict.rate.share == pytest.approx(wrong.mean(), abs=0.05)
    assert verdict.measured[verdict.name].precision == pytest.approx(precision, abs=0.1)
    assert verdict.measured[verdict.name].recall == pytest.approx(recall, abs=0.1)
    assert verdict.wrong[wrong].mean() > 0.7
    assert verdict.wrong[~wrong].mean() < 0.1
    assert set(verdict.measured) == set(NAMES)


def test_clean_labels_are_left_alone() -> None:
    vectors, truth = blobs(900)
    graph, folds = NeighborGraph.of(nearest(vectors, 20)), np.arange(900) % 5

    def refit(labels: np.ndarray) -> Any:
        return fit_evidence_models(vectors, graph, labels, folds, CLASSES, 3)

    verdict = verdict_by_filter(truth, refit(truth), refit, name="joint margin", least=200, min_precision=0.5, seed=0)
    assert verdict.issue.mean() < 0.02
    assert verdict.rate is not None
    assert verdict.rate.share < 0.03


def test_the_same_seed_judges_alike_and_leaves_the_global_generator(noisy: dict[str, Any]) -> None:
    np.random.seed(7)  # noqa: NPY002 - what must not be touched
    expected = np.random.get_state()[1].tolist()  # noqa: NPY002
    codes, probabilities, refit = (noisy[name] for name in ("codes", "probabilities", "refit"))
    repeated = verdict_by_filter(codes, probabilities, refit, name="joint margin", least=200, min_precision=0.5, seed=0)
    assert repeated.wrong.tolist() == noisy["verdict"].wrong.tolist()
    assert np.random.get_state()[1].tolist() == expected  # noqa: NPY002


def test_a_filter_by_name_is_used(noisy: dict[str, Any]) -> None:
    found = verdict_by_filter(
        noisy["codes"],
        noisy["probabilities"],
        noisy["refit"],
        name="cleanlab both",
        least=50,
        min_precision=0.1,
        seed=0,
    )
    assert found.name == "cleanlab both"
    assert found.issue.any()


def messages(rows: int, share: float) -> tuple[pd.DataFrame, list[str]]:
    """A table of made-up messages of six classes, and the true labels."""
    rng = np.random.default_rng(3)
    truth = rng.integers(CLASSES, size=rows)
    given = flipped(truth, share, seed=4)
    texts = [" ".join([*rng.choice(WORDS[c], 6), *rng.choice(FILLER, 4)]) for c in truth]
    frame = pd.DataFrame({"id": [f"r{i}" for i in range(rows)], "text": texts, "split": "train", "source": "input"})
    frame["parent_id"], frame["status"], frame["reason"] = None, "active", None
    frame["area_given"] = [f"area{c % 2}" for c in given]
    frame["intent_given"] = [f"intent{c}" for c in given]
    return frame, [f"intent{c}" for c in truth]


TASKS = (
    Task(name="area", labels=("area0", "area1")),
    Task(
        name="intent",
        labels=tuple(f"intent{c}" for c in range(CLASSES)),
        parent="area",
        parent_of={f"intent{c}": f"area{c % 2}" for c in range(CLASSES)},
    ),
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """Of all tests here: many look at the same rows with another config."""
    return Cache(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def run(cache: Cache, tmp_path: Path) -> Run:
    return lambda frame, **config: clean(frame, cache, tmp_path, **config)


def clean(frame: pd.DataFrame, cache: Cache, folder: Path, **config: Any) -> tuple[pd.DataFrame, dict[str, Any]]:
    samples = table.from_pandas(table.resolve(frame, TASKS), TASKS)
    (folder / "scratch").mkdir(exist_ok=True)
    evidence = Evidence(samples, encoder=HashingEncoder(), cache=cache)  # type: ignore[arg-type]
    resources = Resources(tasks=TASKS, seed=0, evidence=evidence, scratch=folder / "scratch")
    result = perform("cleaning", samples, Config(**config), resources)
    return table.to_pandas(result.samples), dict(result.metrics)


def test_the_policy_follows_the_odds(run: Run) -> None:
    frame, truth = messages(600, 0.15)
    out, metrics = run(frame, correct_above=0.7)
    wrong = out["intent_given"] != truth
    assert (wrong & out["is_intent_issue"]).sum() > 0.85 * wrong.sum()
    corrected = out["intent_action"] == "correct"
    assert corrected.sum() > 0.5 * wrong.sum()
    assert (out.loc[corrected, "intent"] == pd.Series(truth)[corrected]).mean() > 0.95
    assert (out.loc[corrected, "intent_origin"] == "corrected").all()
    assert (out.loc[out["intent_action"] == "set_aside", "intent"].isna()).all()
    assert metrics["tasks"]["intent"]["actions"]["correct"] == corrected.sum()
    assert set(metrics["tasks"]) == {"area", "intent"}


@pytest.mark.parametrize(("above", "suggested"), [(0.5, True), (1.0, False)])
def test_the_likelier_label_counts_for_one_that_is_surely_wrong(above: float, suggested: bool, run: Run) -> None:
    frame, truth = messages(600, 0.15)
    out, metrics = run(frame, correct_above=0.99, suggest_above=above)
    mine = out["intent_action"] == "suggest"
    assert metrics["tasks"]["intent"]["actions"]["suggest"] == mine.sum()
    assert (mine.sum() > 20) == suggested
    assert out.loc[mine, "is_intent_issue"].all()
    assert (out.loc[mine, "intent_suggested_confidence"] > 0.5).all()
    taken = out.loc[mine & out["intent"].notna()]
    assert (taken["intent_origin"] == "suggested").all()
    assert (len(taken) > 10) == suggested
    if suggested:
        assert (taken["intent"] == pd.Series(truth)[taken.index]).mean() > 0.8


def test_quality_is_the_probability_that_the_label_is_right(run: Run) -> None:
    frame, truth = messages(600, 0.15)
    out, metrics = run(frame)
    right = (out["intent_given"] == truth).to_numpy()
    assert out["intent_quality"].mean() == pytest.approx(right.mean(), abs=0.03)
    for low, high in ((0, 0.2), (0.8, 1)):
        rows = out["intent_quality"].between(low, high).to_numpy()
        assert low - 0.05 <= right[rows].mean() <= high
    low, high = metrics["tasks"]["intent"]["error_rate_interval"]
    assert low <= (~right).mean() <= high


def test_what_is_preferred_moves_the_cut(run: Run) -> None:
    frame, _ = messages(600, 0.15)
    flagged = {}
    for prefer in ("precision", "balanced", "recall"):
        out, metrics = run(frame, prefer=prefer)
        flagged[prefer] = int(out["is_intent_issue"].sum())
        assert metrics["tasks"]["intent"]["prefer"] == prefer
    assert 0 < flagged["precision"] <= flagged["balanced"] <= flagged["recall"]
    assert flagged["precision"] < flagged["recall"]


@pytest.mark.parametrize("policy", ["set_aside", "review", "keep"])
def test_a_fixed_policy_is_one_action(policy: str, run: Run) -> None:
    frame, _ = messages(300, 0.15)
    out, _ = run(frame, policy=policy)
    assert set(out.loc[out["is_intent_issue"], "intent_action"]) == {policy}


def test_what_a_person_answered_is_learned_from_and_never_flagged(run: Run) -> None:
    frame, truth = messages(600, 0.15)
    wrong = frame["intent_given"] != truth
    frame["intent_answer"] = frame["intent_given"].where(wrong)  # people insist on every wrong label
    out, _ = run(frame)
    assert not out.loc[wrong, "is_intent_issue"].any()
    assert (out.loc[wrong, "intent"] == frame.loc[wrong, "intent_given"]).all()
    assert (out.loc[wrong, "intent_origin"] == "annotator").all()


def test_a_class_of_one_row_is_never_flagged(run: Run) -> None:
    frame, _ = messages(120, 0.0)
    frame.loc[0, "intent_given"] = "intent5"
    frame = frame[(frame["intent_given"] != "intent5") | (frame.index == 0)].reset_index(drop=True)
    out, metrics = run(frame)
    assert metrics["tasks"]["intent"]["single_row_classes"] == ["intent5"]
    assert out.loc[0, "intent_action"] is None or pd.isna(out.loc[0, "intent_action"])
    assert out.loc[0, "intent"] == "intent5"


def test_a_parent_uses_its_childrens_probabilities(tmp_path: Path) -> None:
    """The words tell intents apart, and areas only through them: with children the parent's errors are seen better."""
    frame, truth = messages(400, 0.15)
    samples = table.from_pandas(table.resolve(frame, TASKS), TASKS)
    wrong = frame["area_given"] != [f"area{int(label[-1]) % 2}" for label in truth]
    evidence = Evidence(samples, encoder=HashingEncoder(), cache=Cache(tmp_path))  # type: ignore[arg-type]
    found = {}
    for name, tasks in (("with", TASKS), ("without", TASKS[:1])):
        one = table.to_pandas(samples)
        config = Config(planted=50, filter="joint margin")  # the evidence models alone, without the words
        find_label_errors(one, tasks, config, evidence, 0, find_conflicts(one, tasks))
        found[name] = roc_auc_score(wrong, -one["area_quality"])
    assert found["with"] > found["without"] > 0.5


def test_too_few_rows_to_measure_on_are_judged_with_caution(run: Run) -> None:
    frame, _ = messages(60, 0.1)
    _, metrics = run(frame)
    assert metrics["tasks"]["intent"]["error_rate"] is None
    assert metrics["tasks"]["intent"]["measured"] == {}


def test_an_unknown_filter_names_the_nearest(run: Run) -> None:
    frame, _ = messages(60, 0.1)
    with pytest.raises(ConfigError, match='did you mean "joint margin"'):
        run(frame, filter="joint margins")


def test_with_few_labels_a_class_no_label_is_judged_wrong(run: Run) -> None:
    frame, _ = messages(20, 0.2)
    out, metrics = run(frame)
    assert not out["is_intent_issue"].any()
    assert metrics["tasks"]["intent"]["filter"] == "none: too few labels a class"
    assert out["intent_quality"].notna().sum() > 15  # what can be told of them is
