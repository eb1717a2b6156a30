from __future__ import annotations

import pytest
import torch

from tests.unit.training.compression.student.test_student import IDS, MASK
from tilth.learn.encoder import Trunk
from tilth.training.compression.weights import fake_quantization
from tilth.training.compression.weights.fake_quantization import _Shared, shared_weights


def test_a_weight_becomes_the_nearest_value_and_its_gradient_passes() -> None:
    """Seventeen steps of a channel are one value too many: two of them become one, the others stay."""
    weight = torch.nn.Parameter(torch.arange(-8, 9).float()[None] * 8)
    shared = _Shared(weight, 1, by_channel=True)
    found = shared(weight)
    assert len(found.unique()) == 16
    assert (found - weight).abs().max() <= 4  # half a step
    (found * torch.arange(17.0)).sum().backward()
    assert weight.grad is not None
    assert weight.grad[0].tolist() == list(range(17))


def test_a_module_computes_rounded_within_the_block_alone(trunk: Trunk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fake_quantization, "SMALL", 512)  # the tests' matrices have 1024 weights
    before = trunk(IDS, MASK)
    names = {name for name, _ in trunk.named_parameters()}
    with shared_weights(trunk):
        dense = trunk.model.encoder.layer[0].intermediate.dense
        assert len(dense.weight[:8].unique()) <= 16 * 8
        rounded = trunk(IDS, MASK)
        assert 0.9 < float((rounded * before).sum(1).min().detach()) < 0.99999
        rounded.sum().backward()
        assert dense.parametrizations.weight.original.grad is not None
    assert torch.equal(trunk(IDS, MASK), before)
    assert {name for name, _ in trunk.named_parameters()} == names
