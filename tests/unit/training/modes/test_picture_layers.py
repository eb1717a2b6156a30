"""The top of a model of pictures alone: it learns, the layers below and all statistics stay as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.unit.training.tiny_pictures import COLOR, Stack
from tests.unit.training.trainer.test_loop import SMALL
from tilth.learn.pictures.efficientnet_lite import EfficientNetLite0
from tilth.training.heads import Head
from tilth.training.modes.picture_layers import PictureLayers, read_pictures
from tilth.training.trainer import TuningRows, tune

PIXELS = np.random.default_rng(0).random((20, 3, 6, 6), dtype=np.float32)


def at(place: int) -> np.ndarray:
    return PIXELS[place]


@pytest.mark.parametrize("count", [1, 3, 9])
def test_the_cut_model_gives_the_vectors_of_the_whole_one(count: int) -> None:
    model = Stack().eval()
    whole = read_pictures(model, at, len(PIXELS))
    assert np.linalg.norm(whole, axis=1) == pytest.approx(np.ones(20))
    part = PictureLayers(model, at, len(PIXELS), count, lambda compute: compute())
    cut = part.module.eval()(*part.batch(range(len(PIXELS)))).detach().numpy()
    assert cut == pytest.approx(whole, abs=2e-3)  # the states are kept in float16
    trained = {name for name, p in part.module.named_parameters() if p.requires_grad}
    assert any(name.startswith("whole.last") for name in trained)
    assert len({name.split(".")[2] for name in trained if "blocks" in name}) == min(count, 3)
    assert not any("stem" in name for name in trained)


def test_the_default_model_is_cut_too_and_computes_layers_again_where_memory_is_short() -> None:
    pixels = np.random.default_rng(1).random((2, 3, 64, 64), dtype=np.float32)
    torch.manual_seed(0)
    model = EfficientNetLite0()
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
    model.train()(torch.from_numpy(pixels))  # random weights leave nothing of a picture that is not normalized
    model.eval()
    whole = read_pictures(model, pixels.__getitem__, 2)
    part = PictureLayers(model, pixels.__getitem__, 2, 2, lambda compute: compute())
    gradients = []
    for again in (False, True):
        if again:
            part.module.model.gradient_checkpointing_enable()
        found = part.module.train()(*part.batch(range(2)))
        assert found.detach().numpy() == pytest.approx(whole, abs=2e-3)
        found[:, :9].sum().backward()
        trained = {name: p.grad.clone() for name, p in model.named_parameters() if p.requires_grad}
        gradients.append(trained)
        model.zero_grad()
    assert any(name.startswith("_blocks.1.") for name in gradients[0])
    for name, gradient in gradients[0].items():
        assert torch.allclose(gradient, gradients[1][name], atol=1e-6)


def test_the_layers_below_and_the_statistics_stay_and_the_top_learns(tmp_path: Path) -> None:
    codes = (PIXELS.mean(axis=(2, 3))[:, 0] > np.median(PIXELS.mean(axis=(2, 3))[:, 0])).astype(np.int64)
    rows = TuningRows(texts=[""] * 20, codes={"color": codes}, weights={"color": np.ones(20)})
    head = Head(task=COLOR, weight=np.zeros((2, 16), np.float32), bias=np.zeros(2, np.float32), uses_parent=False)
    before = Stack().state_dict()
    part = PictureLayers(Stack().eval(), at, len(PIXELS), 1, lambda compute: compute())
    config = SMALL.model_copy(update={"steps": 40, "learning_rate": 3e-3})
    found = tune(tmp_path, rows, [head], config, 3, part=part)
    assert np.mean(found.losses[-6:]) < np.mean(found.losses[:6])
    after = found.trunk.state_dict()
    assert set(after) == set(before)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert {name.split(".")[0] for name in changed} == {"blocks", "last"}
    assert all(name.startswith(("blocks.2.", "last")) for name in changed)
    assert not any("running" in name for name in changed)
    assert part.vectors() == pytest.approx(read_pictures(found.trunk, at, len(PIXELS)), abs=2e-3)
