"""What training would make of the encoder, in few steps, for a stage that asks what more rows bring it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.small_table import TASKS, HashingEncoder, make_table
from tests.unit.training.tiny_encoder import FolderEncoder, resources
from tilth import samples as table
from tilth import training
from tilth.stage import TuningTexts
from tilth.training.fitting.short_tuning import ShortTuner


def given_texts(encoder: FolderEncoder) -> TuningTexts:
    """The table's labeled rows, of which every third is not learned from."""
    frame = table.to_pandas(make_table())
    frame = frame[frame["intent"].notna()]
    return TuningTexts(
        texts=frame["text"].tolist(),
        vectors=encoder.encode(frame["text"].tolist()),
        codes={task.name: task.codes(frame[task.name]) for task in TASKS},
        weights=np.ones(len(frame)),
        learned=np.arange(len(frame)) % 3 > 0,
    )


def test_it_trains_alike_each_time_and_by_no_label_that_it_is_not_to_learn(folder: Path, tmp_path: Path) -> None:
    samples, encoder = make_table(), FolderEncoder(folder)
    tune = ShortTuner(training.Config(mode="full"))(table.to_pandas(samples), resources(samples, encoder, tmp_path))
    assert tune is not None
    given = given_texts(encoder)
    found = tune(given)
    assert found.shape == given.vectors.shape
    assert not np.allclose(found, given.vectors, atol=1e-3)
    hidden = {name: np.where(given.learned, codes, (codes + 1) % 2) for name, codes in given.codes.items()}
    np.testing.assert_array_equal(tune(replace(given, codes=hidden)), found)
    other = {name: np.where(given.learned, (codes + 1) % 2, codes) for name, codes in given.codes.items()}
    assert not np.allclose(tune(replace(given, codes=other)), found, atol=1e-4)


def test_of_one_class_nothing_is_learned(folder: Path, tmp_path: Path) -> None:
    samples, encoder = make_table(), FolderEncoder(folder)
    tune = ShortTuner(training.Config(mode="full"))(table.to_pandas(samples), resources(samples, encoder, tmp_path))
    assert tune is not None
    given = given_texts(encoder)
    alike = {name: np.zeros_like(codes) for name, codes in given.codes.items()}
    np.testing.assert_array_equal(tune(replace(given, codes=alike)), given.vectors)


def test_an_encoder_that_stays_as_it_came_is_not_asked(tmp_path: Path) -> None:
    samples = make_table()
    given = resources(samples, HashingEncoder(), tmp_path)  # has no model folder
    assert ShortTuner(training.Config(mode="full"))(table.to_pandas(samples), given) is None
    assert training.encoder_tuner(training.Config(mode="probe")) is None


@pytest.mark.parametrize(
    ("change", "same"), [({"quantize": False}, True), ({"steps": 7}, False), ({"mode": "top"}, False)]
)
def test_its_fingerprint_goes_by_what_it_reads(change: dict[str, object], same: bool) -> None:
    before, after = ShortTuner(training.Config()), ShortTuner(training.Config.model_validate(change))
    assert (before.fingerprint == after.fingerprint) is same
