"""Every mode that trains: it learns, it is repeatable, and a night keeps it only where held-out rows gain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROWS, make_table
from tests.unit.training.tiny_encoder import TUNED, FolderEncoder, resources
from tilth import samples as table
from tilth import training
from tilth.learn import decide
from tilth.training import fitting, sharing
from tilth.training.modes import MODES


@pytest.mark.parametrize("mode", [name for name, mode in MODES.items() if mode.train is not None])
def test_a_mode_learns_and_gives_the_same_again(folder: Path, tmp_path: Path, mode: str) -> None:
    samples, config = make_table(), TUNED.model_copy(update={"mode": mode})
    one, two = (
        training.run(samples, config, resources(samples, FolderEncoder(folder), tmp_path / name)) for name in "ab"
    )
    assert one.metrics["trunk"] == two.metrics["trunk"]
    assert (one.metrics["trunk"]["mode"], one.metrics["trunk"]["chosen"]) == (mode, "tuned")
    losses = next(figure for figure in one.figures if figure.kind == "line").data["y"]
    assert np.mean(losses[-4:]) < np.mean(losses[:4])
    frame = table.to_pandas(one.samples)
    for _, row in frame.iterrows():  # a child's label lies under its parent's
        assert {"refund": "billing"}.get(row["intent_predicted"], "network") == row["area_predicted"]


def test_auto_keeps_the_encoder_as_it_came_where_held_out_rows_do_not_gain(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples, config = make_table(), TUNED.model_copy(update={"mode": "auto"})
    for name, tuned, mode in (("a", 0.5, "probe"), ("b", 0.8, "contrastive")):
        scores = {"frozen": {"intent": {"macro_f1": 0.5}}, "tuned": {"intent": {"macro_f1": tuned}}}
        monkeypatch.setattr(fitting, "held_out_scores", lambda *_, scores=scores: scores)
        result = training.run(samples, config, resources(samples, FolderEncoder(folder), tmp_path / name))
        assert (result.metrics["trunk"]["mode"], result.metrics["trunk"]["tried"]) == (mode, "contrastive")


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
    samples, config = make_table(), TUNED.model_copy(update={"mode": "top"})
    result = training.run(samples, config, resources(samples, FolderEncoder(folder), tmp_path / "few"))
    found = result.metrics["trunk"]["sharing"]["tasks"]
    assert all("why" in one for one in found.values())
    assert not [figure for figure in result.figures if figure.title == "What sharing bought"]
    monkeypatch.setattr(sharing, "FEWEST", 1)
    result = training.run(samples, config, resources(samples, FolderEncoder(folder), tmp_path / "all"))
    found = result.metrics["trunk"]["sharing"]["tasks"]
    measured = {name: one for name, one in found.items() if "gain" in one}
    assert measured
    for one in measured.values():
        assert one["gain"] == pytest.approx(one["joint"] - one["alone"], abs=1e-3)
    figure = next(figure for figure in result.figures if figure.title == "What sharing bought")
    assert [row[0] for row in figure.data["rows"]] == list(measured)


def test_one_task_shares_nothing(folder: Path, tmp_path: Path) -> None:
    samples = make_table([(*row[:4], None) for row in ROWS])
    config = TUNED.model_copy(update={"mode": "top"})
    facts = training.run(samples, config, resources(samples, FolderEncoder(folder), tmp_path)).metrics["trunk"]
    assert facts["chosen"] == "tuned"
    assert "sharing" not in facts


@pytest.mark.parametrize("mode", ["auto", "top", "contrastive"])
def test_a_task_of_one_class_trains_and_predicts_it(folder: Path, tmp_path: Path, mode: str) -> None:
    rows = [row for row in ROWS if row[2] != "gold" and row[3] in ("network", None)]
    samples, config = make_table(rows), TUNED.model_copy(update={"mode": mode, "steps": 4})
    result = training.run(samples, config, resources(samples, FolderEncoder(folder), tmp_path))
    assert set(result.samples["area_predicted"]) == {"network"}
