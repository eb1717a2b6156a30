"""What fine-tuning computes by: chosen by the hardware, refused where it is not there, and put back after."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.unit.training.trainer.test_loop import SMALL, problem
from tests.unit.training.trainer.test_processes import without_dropout
from tilth.errors import ConfigError
from tilth.stage import registry
from tilth.training.inputs.config import Config
from tilth.training.trainer import precision, tune
from tilth.training.trainer.precision import (
    Computation,
    computing_by,
    prepare_layers,
    resolve_computation,
)


def gpu(monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int]) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: capability >= (8, 0))


@pytest.mark.parametrize(
    ("capability", "config", "tf32"),
    [
        ((8, 0), {"precision": "float32"}, True),
        ((7, 5), {"precision": "float32"}, False),
        ((8, 0), {"precision": "bfloat16"}, False),  # no product is of float32
        ((8, 0), {"precision": "float32", "tf32": "never"}, False),
    ],
)
def test_tf32_is_chosen_where_products_are_of_float32_and_the_gpu_has_it(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], config: dict[str, Any], tf32: bool
) -> None:
    gpu(monkeypatch, capability)
    chosen = resolve_computation(Config(**config), "cuda:0")
    assert chosen.tf32 is tf32
    assert chosen.cudnn_benchmark
    assert not chosen.compile
    assert not chosen.int8_products


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_float16_is_refused_where_no_loss_is_scaled(device: str) -> None:
    with pytest.raises(ConfigError, match=r'precision = "float16", .* which scales no loss; set "bfloat16", "float32"'):
        resolve_computation(Config(precision="float16"), device)


def test_a_processor_has_neither_tf32_nor_cudnn() -> None:
    assert resolve_computation(Config(precision="float32"), "cpu") == Computation(precision="float32")


@pytest.mark.parametrize("setting", ["tf32", "cudnn_benchmark"])
def test_what_a_processor_lacks_is_refused(setting: str) -> None:
    with pytest.raises(ConfigError, match=rf'training\.{setting} = "always", and cpu .*; set "auto"'):
        resolve_computation(Config(**{setting: "always"}), "cpu")


def test_a_missing_extra_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torchao" else found(name))
    with pytest.raises(ConfigError, match=r"needs torchao, which is not installed: pip install 'tilth\[int8\]'"):
        resolve_computation(Config(int8_products="always"), "cpu")


def test_a_gpu_without_int8_products_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu(monkeypatch, (7, 0))
    with pytest.raises(ConfigError, match="cuda:0 has no INT8 products"):
        resolve_computation(Config(int8_products="always"), "cuda:0")


def test_switches_are_set_within_the_block_alone() -> None:
    def switches() -> tuple[str, bool]:
        return torch.get_float32_matmul_precision(), torch.backends.cudnn.benchmark

    before = switches()
    with computing_by(Computation(precision="float32", tf32=True, cudnn_benchmark=True)):
        assert switches() == ("high", True)
    assert switches() == before == ("highest", False)


def test_int8_products_are_those_of_rounded_rows_and_leave_plain_layers() -> None:
    layer = nn.Linear(4, 2, bias=False)
    weight = torch.tensor([[1.0, 0.5, -1.0, 0.25], [2.0, -2.0, 1.0, 0.0]])
    with torch.no_grad():
        layer.weight.copy_(weight)
    row = torch.tensor([[0.3, 1.0, -0.7, 0.1]])

    def rounded(values: torch.Tensor) -> torch.Tensor:
        scale = values.abs().amax(1, keepdim=True) / 127
        return torch.round(values / scale) * scale

    plain = prepare_layers(module := nn.Sequential(layer), Computation(precision="float32", int8_products=True))
    expected = rounded(row) @ rounded(weight).T
    assert not torch.allclose(expected, row @ weight.T, atol=1e-4)  # it shows whether they were rounded
    assert torch.allclose(module(row), expected, atol=1e-5)
    plain()
    assert type(module[0]) is nn.Linear
    assert torch.allclose(module(row), row @ weight.T)


def test_int8_products_learn(folder: Path) -> None:
    rows, head = problem(folder)
    found = tune(folder, rows, [head], SMALL.model_copy(update={"steps": 30, "int8_products": "always"}), 3)
    assert found.facts["int8_products"]
    assert np.mean(found.losses[-6:]) < np.mean(found.losses[:6])
    assert {type(layer) for layer in found.trunk.modules() if isinstance(layer, nn.Linear)} == {nn.Linear}


@pytest.mark.slow  # it compiles
def test_compiled_layers_learn_the_same(folder: Path, tmp_path: Path) -> None:
    encoder = without_dropout(folder, tmp_path)  # which compiled layers draw otherwise
    rows, head = problem(encoder)
    compiled = tune(encoder, rows, [head], SMALL.model_copy(update={"compile": "always"}), 3)
    assert compiled.losses == pytest.approx(tune(encoder, rows, [head], SMALL, 3).losses, abs=1e-3)
    assert compiled.trunk._compiled_call_impl is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"device": "cuda"}, r'training\.device = "cuda", and PyTorch .* finds 0 device'),
        ({"device": "cuda", "mode": "probe"}, r'training\.device = "cuda"'),  # smaller models are taught there
        (
            {"device": "cpu", "precision": "float16"},
            r'training\.precision = "float16", and fine-tuning runs on the proc',
        ),
        ({"device": "cpu", "tf32": "always"}, r'training\.tf32 = "always", and cpu has no TF32'),
        ({"device": "cpu", "processes": 33}, r"training\.processes = 33 needs a row .* set training\.processes = 32"),
        ({"device": "cpu", "processes": 2, "compile": "always"}, r'does not go with training\.compile = "always"'),
        ({"device": "cpu", "head": "liquid"}, r'training\.head = "liquid" needs ncps'),
    ],
)
def test_what_is_not_there_is_refused_before_a_night(
    given: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "ncps" else found(name, *rest))
    with pytest.raises(ConfigError, match=words):
        registry.check("training", Config.model_validate(given))


@pytest.mark.parametrize("given", [{}, {"mode": "probe", "device": "cpu", "precision": "float16", "processes": 64}])
def test_defaults_and_an_encoder_that_is_not_trained_ask_nothing(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "resolve_device", lambda *_: pytest.fail("the device is looked for"))
    registry.check("training", Config.model_validate(given))


def test_what_is_there_is_taken() -> None:
    registry.check("training", Config.model_validate({"device": "cpu", "precision": "bfloat16", "processes": 2}))
