"""Every mode that trains: it learns, it is repeatable, and a night keeps it only where held-out rows gain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.small_table import ROWS, TASKS, make_table
from tests.unit.training.tiny_encoder import TUNED, FolderEncoder, resources
from tilth import samples as table
from tilth.config import EncoderConfig
from tilth.learn import decide
from tilth.learn.encoder import Trunk, encode_with_trunk
from tilth.samples import Task
from tilth.store import Cache
from tilth.training import evaluation
from tilth.training.fitting import FittedModel, fit_model, fitting, sharing
from tilth.training.heads import fit_head, predict_probabilities
from tilth.training.inputs.training_set import training_set_of
from tilth.training.modes import MODES, TuningJob
from tilth.training.modes.top import drawn_rows
from tilth.training.trainer import TuningRows
from tilth.training.views.view_pooling import WordingTrial


def fitted(samples: Any, mode: str, folder: Path, home: Path, steps: int = 24) -> FittedModel:
    """The night's model before its export."""
    own, frame = resources(samples, FolderEncoder(folder), home), table.to_pandas(samples)
    tasks = tuple(task for task in TASKS if table.learnable(frame, task.name).any())
    config = TUNED.model_copy(update={"mode": mode, "steps": steps})
    rows = training_set_of(frame, tasks, own)
    return fit_model(frame, rows, WordingTrial(frame["text"].tolist(), rows, config), config, own, folder)


@pytest.mark.parametrize("mode", [name for name, mode in MODES.items() if mode.train is not None])
def test_a_mode_learns_and_gives_the_same_again(folder: Path, tmp_path: Path, mode: str) -> None:
    one, two = (fitted(make_table(), mode, folder, tmp_path / name) for name in "ab")
    assert one.facts == two.facts
    assert (one.facts["mode"], one.facts["chosen"]) == (mode, "tuned")
    assert np.array_equal(one.embeddings, two.embeddings)
    assert np.mean(one.losses[-4:]) < np.mean(one.losses[:4])
    probabilities = predict_probabilities(one.heads, one.embeddings)
    decided = decide([task.to_json() for task in TASKS], probabilities)
    area, intent = (decided[task.name][0] for task in TASKS)  # a child's label lies under its parent's
    assert [TASKS[1].parent_of[TASKS[1].labels[code]] for code in intent] == [TASKS[0].labels[code] for code in area]


def test_auto_keeps_the_encoder_as_it_came_where_held_out_rows_do_not_gain(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, tuned, mode in (("a", 0.5, "probe"), ("b", 0.8, "contrastive")):
        scores = {"frozen": {"intent": {"macro_f1": 0.5}}, "tuned": {"intent": {"macro_f1": tuned}}}
        monkeypatch.setattr(fitting, "held_out_scores", lambda *_, scores=scores: scores)
        facts = fitted(make_table(), "auto", folder, tmp_path / name).facts
        assert (facts["mode"], facts["tried"]) == (mode, "contrastive")


def test_a_child_never_contradicts_its_parent_whatever_the_heads_say() -> None:
    rng = np.random.default_rng(0)
    tasks = [
        {"name": "area", "labels": ["x", "y", "z"], "parent": None, "parent_of": {}},
        {
            "name": "intent",
            "labels": list("abcdef"),
            "parent": "area",
            "parent_of": {label: "xyz"[place // 2] for place, label in enumerate("abcdef")},
        },
    ]
    probabilities = {"area": rng.dirichlet([0.3] * 3, 500), "intent": rng.dirichlet([0.3] * 6, 500)}
    decided = decide(tasks, probabilities)
    area, intent = decided["area"][0], decided["intent"][0]
    assert (intent // 2 == area).all()
    joint = probabilities["intent"] * probabilities["area"][:, np.arange(6) // 2]
    assert (intent == joint.argmax(axis=1)).all()  # and the pair is the most probable one


def test_several_tasks_are_compared_with_each_alone(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = fitted(make_table(), "top", folder, tmp_path / "few", 4).facts
    assert all("why" in one for one in facts["sharing"]["tasks"].values())
    assert evaluation.sharing(facts) == []
    monkeypatch.setattr(sharing, "FEWEST", 1)
    facts = fitted(make_table(), "top", folder, tmp_path / "all", 4).facts
    measured = {name: one for name, one in facts["sharing"]["tasks"].items() if "gain" in one}
    assert measured
    for one in measured.values():
        assert one["gain"] == pytest.approx(one["joint"] - one["alone"], abs=1e-3)
    assert [row[0] for row in evaluation.sharing(facts)[0].data["rows"]] == list(measured)


def test_one_task_shares_nothing(folder: Path, tmp_path: Path) -> None:
    facts = fitted(make_table([(*row[:4], None) for row in ROWS]), "top", folder, tmp_path, 4).facts
    assert facts["chosen"] == "tuned"
    assert "sharing" not in facts


@pytest.mark.parametrize("mode", ["auto", "top", "contrastive"])
def test_a_task_of_one_class_trains_and_predicts_it(folder: Path, tmp_path: Path, mode: str) -> None:
    rows = [row for row in ROWS if row[2] != "gold" and row[3] in ("network", None)]
    found = fitted(make_table(rows), mode, folder, tmp_path, 4)
    area = predict_probabilities(found.heads, found.embeddings)["area"]
    assert (area.argmax(axis=1) == TASKS[0].labels.index("network")).all()


@pytest.mark.parametrize("mode", ["top", "contrastive"])
def test_of_more_rows_than_its_steps_draw_the_others_are_read_after_the_training(
    folder: Path, tmp_path: Path, mode: str
) -> None:
    """Two steps of two rows draw four of eight; two held-out ones are measured beside them, and one has no label."""
    texts = [row[1] for row in ROWS]
    codes = np.array([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, -1, -1])
    rows = TuningRows(
        texts=texts, codes={"t": codes}, weights={"t": np.ones(12)}, measured=np.arange(12) >= 8
    )  # fmt: skip
    vectors = encode_with_trunk(Trunk(folder), folder, texts, 64, 1)
    head = fit_head(Task(name="t", labels=("a", "b")), vectors[:8], codes[:8], np.ones(8), uses_parent=False)
    config = TUNED.model_copy(update={"steps": 2, "batch_size": 2})
    job = TuningJob(
        folder=folder, fingerprint="tiny", reads=EncoderConfig(), rows=rows, heads=[head], config=config, seed=0,
        cache=Cache(tmp_path), top_layers=1,
    )  # fmt: skip
    places = drawn_rows(job.rows, job.config, job.seed)
    assert len(places) == 6
    assert {*places} >= {8, 9}
    assert not {10, 11} & {*places}
    trained = MODES[mode].trained(job)
    assert trained.vectors.shape == (12, 32)
    by_the_trunk = encode_with_trunk(trained.tuned.trunk, folder, texts, config.max_tokens, 1)
    assert np.allclose(trained.vectors, by_the_trunk, atol=2e-2)
    assert len(drawn_rows(job.rows, config.model_copy(update={"steps": 4}), job.seed)) == 12
