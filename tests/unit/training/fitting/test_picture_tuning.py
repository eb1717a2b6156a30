"""The top of the model of pictures is trained where held-out rows gain by it, and is what is exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.training.tiny_encoder import FROZEN, FolderEncoder
from tests.unit.training.tiny_pictures import COLOR, SHADE, Stack, picture_resources, picture_table, see_by
from tilth import samples as table
from tilth import training
from tilth.stage import StageResult
from tilth.training import Predictor
from tilth.training.fitting import tune_pictures
from tilth.training.inputs import picture_rows, training_set_of

TRAINED = {"picture_layers": 2, "learning_rate": 3e-4, "steps": 120, "passes": 60, "quantize": True}


def night(folder: Path, home: Path, **changes: Any) -> StageResult:
    samples = picture_table(home, kinds="p", rows=80, gold="p")
    config = FROZEN.model_copy(update={**TRAINED, **changes})
    resources = picture_resources(samples, FolderEncoder(folder), home)
    return training.run(samples, config, resources)


def test_a_trained_top_is_exported_and_answers_by_its_own_vectors(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    see_by(monkeypatch, Stack)
    result = night(folder, tmp_path, picture_mode="top", quantization_aware="always")
    facts = result.metrics["pictures"]["trunk"]
    assert facts["mode"] == "top"
    assert facts["held_out"]["tuned"] == 1.0
    assert facts["fine_tuning"]["precision"] == "float32"
    assert facts["held_out_rows"] < 40
    exported = result.metrics["export"]["pictures"]
    assert exported["quantization_aware"]["kept"]
    assert exported["weights"] == "int8"
    assert result.metrics["gold"]["color"]["accuracy"] == 1.0
    frame = table.to_pandas(result.samples)
    said = Predictor.load(result.artifacts["model"])(pictures=[tmp_path / path for path in frame["picture_path"]])
    assert [one["color"]["label"] for one in said] == frame["color_predicted"].tolist()


def test_held_out_rows_alone_are_measured_by_where_the_model_learned_from_the_others(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    see_by(monkeypatch, Stack)
    samples = picture_table(tmp_path, kinds="p", rows=80, gold="p")
    resources = picture_resources(samples, FolderEncoder(folder), tmp_path)
    frame, config = table.to_pandas(samples), FROZEN.model_copy(update={**TRAINED, "picture_mode": "top"})
    rows = picture_rows(frame, (COLOR, SHADE), resources, config)
    assert rows is not None
    known = training_set_of(frame, (COLOR, SHADE), resources)
    found = tune_pictures(rows, known, config, resources)
    assert found.rows is not None
    assert found.rows.trunk is not None
    assert found.rows.unseen is not None
    assert np.array_equal(found.rows.unseen, known.held_out)
    assert np.array_equal(found.rows.settled["color"], rows.settled["color"] & known.held_out)
    labeled = rows.labeled
    assert np.linalg.norm(found.rows.vectors[labeled], axis=1) == pytest.approx(np.ones(labeled.sum()), abs=1e-3)
    assert np.abs(found.rows.vectors[labeled] - rows.vectors[labeled]).max() > 0.05
    assert np.mean(found.losses[-5:]) < found.losses[0]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"mode": "auto"}, "held-out pictures, 50 are needed"),
        ({"mode": "probe"}, 'mode = "probe", picture_mode = "auto"'),
        ({"picture_mode": "probe", "mode": "auto"}, 'mode = "auto", picture_mode = "probe"'),
    ],
)
def test_why_a_model_of_pictures_stays_as_it_came(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], why: str
) -> None:
    see_by(monkeypatch, Stack)
    result = night(folder, tmp_path, quantize=False, **changes)
    trunk = result.metrics["pictures"]["trunk"]
    assert trunk["mode"] == "probe"
    assert why in trunk["why"]
    assert result.metrics["export"]["pictures"]["weights"] == "float32"
