"""Steps down a loss."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tilth.descent import Descent


def _losses(steps: int, share: float) -> tuple[list[float], nn.Linear]:
    torch.manual_seed(0)
    layer, inputs = nn.Linear(3, 1), torch.randn(16, 3)
    descent = Descent([(layer.parameters(), 0.1)], lambda _: share)
    for _ in range(steps):
        descent.step((layer(inputs) - inputs.sum(dim=1, keepdim=True)).square().mean())
    return descent.losses, layer


def test_the_loss_falls_and_is_kept_for_each_step() -> None:
    losses, _ = _losses(50, 1.0)
    assert len(losses) == 50
    assert losses[-1] < losses[0] / 10


def test_a_share_of_none_leaves_the_weights() -> None:
    losses, _ = _losses(2, 0.0)
    assert losses[0] == losses[1]


def test_each_part_goes_at_its_own_rate_and_only_what_is_named_is_clipped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quick, slow = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
    descent = Descent([([quick], 0.1), ([slow], 0.01)], lambda _: 0.5, weight_decay=0.0, clipped=[slow])
    norms, take = [], descent._optimizer.step

    def step() -> None:
        norms.extend(float(parameter.grad.abs()) for parameter in (quick, slow) if parameter.grad is not None)
        take()

    monkeypatch.setattr(descent._optimizer, "step", step)
    descent.step(100 * (quick + slow).sum())
    assert norms == [pytest.approx(100), pytest.approx(1, rel=1e-3)]
    assert float(quick.detach()) == pytest.approx(-0.05)
    assert float(slow.detach()) == pytest.approx(-0.005)


def test_a_loss_that_is_no_number_is_named_by_its_step_and_takes_none() -> None:
    _, layer = _losses(1, 1.0)
    before = layer.weight.detach().clone()
    descent = Descent([(layer.parameters(), 0.1)], lambda _: 1.0)
    with pytest.raises(FloatingPointError, match=r"the loss of step 1 is not a finite number \(nan\)"):
        descent.step(layer.weight.sum() * float("nan"))
    assert torch.equal(layer.weight, before)
