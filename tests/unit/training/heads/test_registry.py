"""Heads are plug-ins: the liquid one learns, is exported, and is refused with words where it cannot be had."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from tests.unit.training.trainer.test_loop import SMALL, problem
from tilth.errors import ConfigError
from tilth.learn.encoder.trunk import Trunk
from tilth.training.export.graphs.onnx_graphs import TrunkGraphs
from tilth.training.heads import HEADS, register_head
from tilth.training.heads.liquid import LiquidTrunk
from tilth.training.inputs.config import Config
from tilth.training.trainer import tune


def liquid(folder: Path) -> LiquidTrunk:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LiquidTrunk(Trunk(folder)).eval()


def test_a_liquid_vector_is_the_closed_form_of_the_last_token(folder: Path) -> None:
    trunk = liquid(folder)
    ids = torch.tensor([[2, 5, 3]])
    with torch.no_grad():
        tokens = trunk.model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
        vector = trunk(ids, torch.ones_like(ids))[0]
        cell, state = trunk.head["cfc"].rnn_cell, torch.zeros(64)
        for token in tokens:  # Hasani et al. 2022, equation 10, one unit of time a token
            inner = 1.7159 * torch.tanh(0.666 * (cell.backbone[0](torch.cat([token, state]))))
            gate = torch.sigmoid(cell.time_a(inner) + cell.time_b(inner))
            state = torch.tanh(cell.ff1(inner)) * (1 - gate) + gate * torch.tanh(cell.ff2(inner))
        expected = trunk.head["project"](state)
    assert torch.allclose(vector, expected / expected.norm(), atol=1e-5)


def test_padding_changes_nothing(folder: Path) -> None:
    trunk = liquid(folder)
    with torch.no_grad():
        alone = trunk(torch.tensor([[2, 5, 3]]), torch.ones(1, 3, dtype=torch.long))
        padded = trunk(torch.tensor([[2, 5, 3, 0, 0]]), torch.tensor([[1, 1, 1, 0, 0]]))
    assert torch.allclose(alone, padded, atol=1e-5)


def test_a_liquid_head_learns_and_is_named_in_the_facts(folder: Path) -> None:
    rows, head = problem(folder)
    found = tune(folder, rows, [head], SMALL.model_copy(update={"steps": 30, "head": "liquid"}), 3)
    assert found.facts["head"] == "liquid"
    assert isinstance(found.trunk, LiquidTrunk)
    assert np.mean(found.losses[-6:]) < np.mean(found.losses[:6])


@pytest.mark.slow  # it is traced
def test_a_liquid_head_is_exported(folder: Path, tmp_path: Path) -> None:
    trunk = liquid(folder)
    graphs = TrunkGraphs(tmp_path, lambda: trunk)
    for kind, near in (("float32", 1e-4), ("int8", 0.1)):
        session = onnxruntime.InferenceSession(str(graphs.get(kind)))
        for ids, mask in (([[2, 5, 3]], [[1, 1, 1]]), ([[2, 5, 6, 7, 3], [2, 6, 3, 0, 0]], [[1] * 5, [1, 1, 1, 0, 0]])):
            inputs = {"input_ids": np.array(ids), "attention_mask": np.array(mask)}
            with torch.no_grad():
                expected = trunk(torch.tensor(ids), torch.tensor(mask)).numpy()
            assert session.run(["sentence_vector"], inputs)[0] == pytest.approx(expected, abs=near)


def test_a_missing_extra_is_named_with_its_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=re.escape("needs ncps, which is not installed: pip install 'tilth[liquid]'")):
        LiquidTrunk(Trunk(folder))


def test_an_unknown_head_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ValueError, match=r'there is no head "liqid"; did you mean "liquid"\?'):
        Config(head="liqid")


def test_what_trains_all_layers_does_not_go_with_another_mode() -> None:
    with pytest.raises(ValueError, match=r'trains all layers, and mode = "top"; set mode = "full" or "auto"'):
        Config(mode="top", head="liquid")
    assert Config(mode="full", head="liquid").mode == "full"
    assert Config(mode="top", processes=2).mode == "top"


def test_a_head_is_one_function_under_a_name_of_its_own(folder: Path) -> None:
    with pytest.raises(ValueError, match='there is a head "liquid" already'):
        register_head("liquid")

    class Last(Trunk):
        """The last token's state."""

        def __init__(self, trunk: Trunk) -> None:
            torch.nn.Module.__init__(self)
            self.model = trunk.model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            hidden = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            return torch.nn.functional.normalize(hidden[:, -1], dim=1)

    register_head("last")(Last)
    try:
        rows, head = problem(folder)
        assert isinstance(tune(folder, rows, [head], SMALL.model_copy(update={"head": "last"}), 3).trunk, Last)
    finally:
        del HEADS["last"]
