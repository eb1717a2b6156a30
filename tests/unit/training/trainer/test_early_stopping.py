"""Which weights fine-tuning ends with, and when, by rows that are held out of it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.unit.training.trainer.test_loop import SMALL, problem, same
from tilth.training.trainer import checkpoint, early_stopping, loop, tune
from tilth.training.trainer.early_stopping import log_likelihood

CONFIG = SMALL.model_copy(update={"evaluations": 6, "patience": 2})


class TwoRows:
    """What a model reads of two texts: their places."""

    module = torch.nn.Identity()
    lengths = (1, 1)

    def batch(self, rows: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.tensor([[float(row)] for row in rows]), torch.ones(len(rows), 1)


class Fixed(torch.nn.Module):
    """Logits ln 3 and 0 for every text: a probability of 3/4 for the first class."""

    def forward(self, values: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        return values, [torch.tensor([[math.log(3), 0.0]]).repeat(len(values), 1)]


def test_the_score_is_the_mean_log_probability_of_the_labels() -> None:
    device = torch.device("cpu")
    one = log_likelihood(Fixed(), TwoRows(), [0, 1], {"t": np.array([0, 1])}, device)
    assert one == pytest.approx((math.log(3 / 4) + math.log(1 / 4)) / 2, abs=1e-5)
    unlabeled = log_likelihood(Fixed(), TwoRows(), [0, 1], {"t": np.array([0, -1])}, device)
    assert unlabeled == pytest.approx(math.log(3 / 4), abs=1e-5)


def test_training_ends_where_held_out_rows_get_no_better_with_the_best_weights(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, head = problem(folder)
    rows = replace(rows, measured=np.arange(8) >= 6)
    scores, trained = iter([-3.0, -1.0, -2.0, -2.0, 0.0]), set[int]()
    states: list[dict[str, torch.Tensor]] = []
    loss = loop.Run._loss

    def scored(model: torch.nn.Module, *others: object) -> float:
        states.append({name: value.clone() for name, value in model.state_dict().items()})
        return next(scores)

    def seen(run: loop.Run, batch: list[int]) -> torch.Tensor:
        trained.update(batch)
        return loss(run, batch)

    monkeypatch.setattr(early_stopping, "log_likelihood", scored)
    monkeypatch.setattr(loop.Run, "_loss", seen)
    found = tune(folder, rows, [head], CONFIG, 3)
    assert found.facts["steps"] == 8  # measured after 2, 4, 6 and 8 of 12: twice no better than after 4
    assert (found.facts["best_step"], found.facts["measured"]) == (4, [-3.0, -1.0, -2.0, -2.0])
    assert trained == {0, 1, 2, 3, 4, 5}
    for name, value in found.trunk.state_dict().items():
        assert torch.equal(value, states[1][f"trunk.{name}"])


def test_how_often_rows_are_measured_changes_no_step(folder: Path) -> None:
    rows, head = problem(folder)
    rows = replace(rows, measured=np.arange(8) >= 6)
    often, seldom = (
        tune(folder, rows, [head], SMALL.model_copy(update={"evaluations": count, "patience": count}), 3)
        for count in (12, 1)
    )
    assert [len(found.facts["measured"]) for found in (often, seldom)] == [12, 1]
    assert often.losses == seldom.losses


def test_a_killed_run_remembers_the_best_weights(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, head = problem(folder)
    rows = replace(rows, measured=np.arange(8) >= 6)
    real = log_likelihood

    def falling(*given: object) -> float:  # the first weights are the best, so that a later run must know them
        return real(*given) - 10 * next(later)  # type: ignore[arg-type]

    monkeypatch.setattr(early_stopping, "log_likelihood", falling)
    monkeypatch.setattr(checkpoint, "SECONDS", 0.0)
    monkeypatch.setattr(checkpoint, "REST", 0.0)
    later = iter(range(9))
    whole = tune(folder, rows, [head], CONFIG, 3)
    steps = loop.Run._step

    def dies(run: loop.Run, step: int, slowed: int) -> float:
        if step == 5:
            raise KeyboardInterrupt
        return steps(run, step, slowed)

    later = iter(range(9))
    with monkeypatch.context() as patch:
        patch.setattr(loop.Run, "_step", dies)
        with pytest.raises(KeyboardInterrupt):
            tune(folder, rows, [head], CONFIG, 3, tmp_path / "checkpoint")
    resumed = tune(folder, rows, [head], CONFIG, 3, tmp_path / "checkpoint")
    assert resumed.facts["resumed_at"] == 5
    assert resumed.facts["best_step"] == whole.facts["best_step"] == 2
    assert resumed.facts["measured"] == whole.facts["measured"]
    assert same(resumed.trunk, whole.trunk)
