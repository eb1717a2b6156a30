"""Training for int8: the rounded model comes nearer to what the model gives in float, and the model itself stays."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.unit.training.tiny_pictures import Stack
from tilth.errors import StageError
from tilth.training.exporting.picture_rounding import train_for_int8
from tilth.training.modes import read_pictures

PIXELS = np.random.default_rng(0).random((32, 3, 8, 8), dtype=np.float32)


def test_a_model_learns_to_be_itself_when_it_is_rounded() -> None:
    model = Stack().eval()
    with torch.no_grad():  # one large weight a channel, so that the others are rounded coarsely
        model.blocks[1][0].weight[:, 0, 0, 0] = 2.0
    vectors, before = read_pictures(model, PIXELS.__getitem__, 32), model.state_dict()
    kept = {name: value.clone() for name, value in before.items()}
    found = train_for_int8(model, vectors, PIXELS.__getitem__, device="cpu", seed=0, steps=60)
    assert np.mean(found.losses[-5:]) < 0.7 * np.mean(found.losses[:5])
    assert all(torch.equal(value, kept[name]) for name, value in model.state_dict().items())
    assert set(found.module.state_dict()) == set(kept)
    assert not found.module.training


def test_a_loss_that_is_no_number_names_the_setting() -> None:
    vectors = np.full((32, 16), np.nan, dtype=np.float32)
    with pytest.raises(StageError, match=r'step 1 is not a finite number.*quantization_aware = "never"'):
        train_for_int8(Stack().eval(), vectors, PIXELS.__getitem__, device="cpu", seed=0, steps=2)
