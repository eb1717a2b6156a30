from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.small_table import HashingEncoder
from tests.unit.cleaning.label_errors.test_detection import CLASSES, FILLER, WORDS
from tilth import samples as table
from tilth.cleaning import Config
from tilth.cleaning.checks.copies import find_conflicts
from tilth.cleaning.label_errors.detection import find_label_errors
from tilth.cleaning.label_errors.multiannotator import consensus
from tilth.learn.shared_features import Evidence
from tilth.samples import Task
from tilth.store import Cache

NAMES = [f"class{code}" for code in range(CLASSES)]
SKILL = {"good": 0.95, "fair": 0.8, "poor": 0.6, "bad": 0.4}


def crowd(rows: int, seed: int = 0) -> tuple[np.ndarray, list[str], np.ndarray]:
    """The truth, three votes a row by annotators of unlike skill, and a model that is as often right as it is sure."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(CLASSES, size=rows)
    votes = []
    for code in truth:
        chosen = rng.choice(list(SKILL), size=3, replace=False)
        said = {
            str(n): int(code if rng.random() < SKILL[n] else (code + rng.integers(1, CLASSES)) % CLASSES)
            for n in chosen
        }
        votes.append(json.dumps({name: NAMES[label] for name, label in said.items()}))
    sure = rng.uniform(0.7, 1.0, rows)
    model = np.where(rng.random(rows) < sure, truth, (truth + 1) % CLASSES)
    probabilities = np.repeat((1 - sure)[:, None] / (CLASSES - 1), CLASSES, axis=1)
    probabilities[np.arange(rows), model] = sure
    return truth, votes, probabilities


def majority(votes: list[str]) -> np.ndarray:
    votes = [pd.Series(json.loads(text).values()).value_counts().index[0] for text in votes]
    return np.array([NAMES.index(name) for name in votes])


def test_the_consensus_is_nearer_the_truth_than_the_majority_and_ranks_the_annotators() -> None:
    truth, votes, probabilities = crowd(600)
    found = consensus(votes, NAMES, probabilities)
    assert found is not None
    assert found.several.all()
    assert (found.label == truth).mean() > (majority(votes) == truth).mean() + 0.05
    assert [one["annotator"] for one in found.annotators] == list(SKILL)
    assert [one["skill"] for one in found.annotators] == pytest.approx(list(SKILL.values()), abs=0.1)
    assert sum(one["votes"] for one in found.annotators) == 1800
    sure = found.quality > np.median(found.quality)
    assert (found.label == truth)[sure].mean() > (found.label == truth)[~sure].mean()


def test_rows_with_one_vote_are_left_to_the_filter_and_unknown_labels_are_counted() -> None:
    _, votes, probabilities = crowd(50)
    alone = json.dumps({"good": NAMES[0]})
    found = consensus(
        [*votes, alone, None, json.dumps({"good": "nothing", "bad": NAMES[1]})],
        NAMES,
        np.vstack([probabilities, probabilities[:3]]),
    )
    assert found is not None
    assert found.several[-3:].tolist() == [False, False, False]
    assert found.ignored == 1
    assert consensus([alone, None], NAMES, probabilities[:2]) is None


@pytest.fixture
def frame() -> tuple[pd.DataFrame, Task, np.ndarray]:
    truth, votes, _ = crowd(240)
    rng = np.random.default_rng(3)
    texts = [" ".join([*rng.choice(WORDS[c], 4), *rng.choice(FILLER, 3)]) for c in truth]
    task = Task(name="label", labels=tuple(NAMES))
    rows = pd.DataFrame(
        {"id": [f"r{i}" for i in range(len(truth))], "text": texts, "split": "train", "source": "input"}
    )
    rows["parent_id"], rows["status"], rows["reason"] = None, "active", None
    rows["label_given"], rows["label_annotations"] = [NAMES[c] for c in majority(votes)], votes
    return table.resolve(rows, [task]), task, truth


def test_the_consensus_comes_into_force_but_never_over_a_persons_answer(
    frame: tuple[pd.DataFrame, Task, np.ndarray], tmp_path: Path
) -> None:
    rows, task, truth = frame
    wrong = int(np.flatnonzero(majority(rows["label_annotations"].tolist()) != truth)[0])
    rows["label_answer"] = None
    rows.loc[wrong, "label_answer"] = rows.loc[wrong, "label_given"]
    evidence = Evidence(table.from_pandas(rows, [task]), encoder=HashingEncoder(), cache=Cache(tmp_path))
    metrics = find_label_errors(rows, [task], Config(), evidence, 0, find_conflicts(rows, [task]))["label"]
    after = table.resolve(rows, [task])
    names = np.array(NAMES, dtype=object)[truth]
    assert (after["label"] == names).mean() > (rows["label_given"] == names).mean() + 0.05
    changed = after["label"] != rows["label_given"]
    assert (after.loc[changed, "label_origin"] == "corrected").all()
    assert after.loc[wrong, "label"] == rows.loc[wrong, "label_given"]
    assert metrics["consensus"]["rows"] == len(rows)
    assert metrics["issues"] == int(rows["is_label_issue"].sum()) == int(changed.sum())


def test_a_policy_that_keeps_leaves_the_majority(frame: tuple[pd.DataFrame, Task, np.ndarray], tmp_path: Path) -> None:
    rows, task, _ = frame
    evidence = Evidence(table.from_pandas(rows, [task]), encoder=HashingEncoder(), cache=Cache(tmp_path))
    find_label_errors(rows, [task], Config(policy="keep"), evidence, 0, find_conflicts(rows, [task]))
    after = table.resolve(rows, [task])
    assert (after["label"] == rows["label_given"]).all()
    assert rows["is_label_issue"].any()


def test_crowdlab_is_one_setting_away() -> None:
    _, votes, probabilities = crowd(300)
    joint, crowdlab = (consensus(votes, NAMES, probabilities, method) for method in ("joint", "crowdlab"))
    assert joint is not None
    assert crowdlab is not None
    assert joint.annotators == crowdlab.annotators
    assert 0 < (joint.label != crowdlab.label).sum() < 100
