"""Fine-tuning: what it learns, and for how many steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import ROWS, make_table
from tests.unit.training.tiny_encoder import TUNED, FolderEncoder, resources
from tilth import training
from tilth.learn.encoder.trunk import Trunk, encode_with_trunk
from tilth.samples import Task
from tilth.training.config import Config
from tilth.training.fine_tuning import TuningRows, tune
from tilth.training.heads import fit_head


def test_tuned_trunk_learns_is_repeatable_and_leaves_global_randomness_alone(folder: Path, tmp_path: Path) -> None:
    samples = make_table()
    before = torch.random.get_rng_state()
    found = [training.run(samples, TUNED, resources(samples, FolderEncoder(folder), tmp_path / name)) for name in "ab"]
    assert torch.equal(before, torch.random.get_rng_state())
    first, second = (result.metrics["trunk"] for result in found)
    assert first == second
    assert first["chosen"] == "tuned"
    assert set(first["held_out"]) == {"frozen", "tuned"}
    losses = next(figure for figure in found[0].figures if figure.kind == "line").data["y"]
    assert np.mean(losses[-3:]) < np.mean(losses[:3])


def test_few_rows_take_more_passes(folder: Path) -> None:
    texts = [row[1] for row in ROWS[:4]]
    codes = np.arange(4) % 2
    vectors = encode_with_trunk(Trunk(folder), folder, texts, 64, 1)
    head = fit_head(Task(name="t", labels=("a", "b")), vectors, codes, np.ones(4), uses_parent=False)
    lessons = TuningRows(texts=texts, codes={"t": codes}, weights={"t": np.ones(4)})
    for steps, config in {150: Config(), 7: Config(steps=7)}.items():
        assert len(tune(folder, lessons, [head], config, 0)[1]) == steps


@pytest.mark.parametrize(
    ("texts", "config", "steps"),
    [
        (240, Config(), 90),  # as 12 passes over 240 rows in batches of 32 take
        (400, Config(), 150),
        (10_000, Config(), 150),
        (240, Config(steps=7), 7),
        (240, Config(passes=20), 150),
        (4, Config(batch_size=2, passes=1.5), 3),
    ],
)
def test_a_table_of_few_texts_takes_few_steps(texts: int, config: Config, steps: int) -> None:
    assert config.of_texts(texts).steps == steps


def test_steps_end_with_the_passes_over_all_texts_that_are_not_gold(folder: Path, tmp_path: Path) -> None:
    config = TUNED.model_copy(update={"passes": 2})
    result = training.run(make_table(), config, resources(make_table(), FolderEncoder(folder), tmp_path))
    losses = next(figure for figure in result.figures if figure.kind == "line").data["y"]
    assert len(losses) == 5  # ten texts, labeled or not, twice, in batches of four
