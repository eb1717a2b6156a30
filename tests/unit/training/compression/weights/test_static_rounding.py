"""In training a layer computes what the static int8 graph of it computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tests.unit.training.tiny_pictures import Stack
from tilth.training.compression.weights import int8_products
from tilth.training.export import PictureGraphs, open_session

PIXELS = np.random.default_rng(0).random((16, 3, 8, 8), dtype=np.float32)


def test_weights_and_inputs_are_rounded_to_their_grids_and_are_free_afterwards() -> None:
    layer = nn.Linear(2, 2, bias=False)
    weight = torch.tensor([[0.64, 0.253], [-0.1, 0.32]])
    layer.weight = nn.Parameter(weight.clone())
    with int8_products(nn.Sequential(layer)):
        values = torch.tensor([[2.55, 0.104]], requires_grad=True)  # a grid of 0.01
        found = layer(values)
        found.sum().backward()
    # 64 steps of 0.01 and of 0.005: 0.253 becomes 0.25, the others lie on the grid.
    assert found.detach().numpy() == pytest.approx(np.array([[2.55 * 0.64 + 0.1 * 0.25, 2.55 * -0.1 + 0.1 * 0.32]]))
    assert torch.equal(layer.weight, weight)
    assert layer.weight.grad is not None  # the gradient passes by the rounding
    assert layer(torch.tensor([[0.0, 0.104]])).detach().numpy()[0, 0] == pytest.approx(0.104 * 0.253)


def test_what_is_computed_in_training_is_what_the_int8_graph_computes(tmp_path: Path) -> None:
    model = Stack().eval()
    with torch.no_grad():  # one large weight a channel, so that the others are rounded coarsely
        for block in model.blocks:
            block[0].weight[:, 0, 0, 0] = 2.0
    graphs = PictureGraphs(tmp_path.joinpath, "x", lambda: model, 8)
    session = open_session(graphs.int8([str(place) for place in range(16)], lambda one: PIXELS[int(one)]))
    exported = np.concatenate([session.run(None, {"pixels": one[None]})[0] for one in PIXELS])
    with torch.no_grad(), int8_products(model):
        trained = nn.functional.normalize(model(torch.from_numpy(PIXELS)), dim=1).numpy()
    with torch.no_grad():
        exact = nn.functional.normalize(model(torch.from_numpy(PIXELS)), dim=1).numpy()
    assert np.abs(trained - exported).mean() < 0.7 * np.abs(exact - exported).mean()
