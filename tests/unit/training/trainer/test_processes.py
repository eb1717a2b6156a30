"""Fine-tuning in several processes: the same losses as one, refusals, and what is left of a process that dies."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from torch import distributed

from tests.unit.training.trainer.test_loop import SMALL, problem
from tilth import training
from tilth.config import EncoderConfig
from tilth.errors import ConfigError, StageError
from tilth.learn.encoder import encode_with_trunk
from tilth.training.inputs.config import Config
from tilth.training.modes.top_layers import TopLayers
from tilth.training.trainer import (
    CLASSIFY,
    Objective,
    Tuned,
    checkpoint,
    contrastive,
    cross_entropy,
    tune,
)
from tilth.training.trainer.processes import check_processes
from tilth.training.trainer.sharding import Shards


def without_dropout(folder: Path, tmp_path: Path) -> Path:
    """The encoder without what each process would draw otherwise."""
    copy = tmp_path / "encoder"
    shutil.copytree(folder, copy)
    config = json.loads((copy / "config.json").read_text(encoding="utf-8"))
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (copy / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return copy


def dies(*values: Any) -> torch.Tensor:
    """The loss, with a checkpoint at every step; the second process is killed at the sixth."""
    checkpoint.SECONDS = checkpoint.REST = 0.0
    dies.calls = getattr(dies, "calls", 0) + 1  # type: ignore[attr-defined]
    if dies.calls == 6 and distributed.get_rank() == 1:  # type: ignore[attr-defined]
        os.kill(os.getpid(), signal.SIGKILL)
    return cross_entropy(*values)


@pytest.mark.slow  # each process loads torch
@pytest.mark.parametrize(
    "change",
    [
        {"processes": 2},
        {"processes": 4, "tensor_parallel": 2},
        {"processes": 2, "tensor_parallel": 2, "gradient_checkpointing": True, "accumulate": 2},
    ],
)
def test_several_processes_have_the_losses_of_one(folder: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    encoder = without_dropout(folder, tmp_path)
    rows, head = problem(encoder)
    before = set(psutil.Process().children())  # another test's workers may still be there
    alone = tune(encoder, rows, [head], SMALL.model_copy(update={"accumulate": change.get("accumulate", 1)}), 3)
    found = tune(encoder, rows, [head], SMALL.model_copy(update=change), 3)
    assert found.losses == pytest.approx(alone.losses, abs=1e-4)
    assert found.facts["processes"] == change["processes"]
    for one, other in zip(found.trunk.parameters(), alone.trunk.parameters(), strict=True):
        assert torch.allclose(one, other, atol=5e-3)  # of twelve steps of 1e-3; a bias without a gradient drifts
    assert not set(psutil.Process().children()) - before


@pytest.mark.slow
@pytest.mark.parametrize("how", [CLASSIFY, contrastive(np.array([0, 1, 0, -1, 0, 1, 0, 1]))])
def test_the_top_layers_are_trained_by_several_processes_as_by_one(
    folder: Path, tmp_path: Path, how: Objective
) -> None:
    encoder = without_dropout(folder, tmp_path)
    rows, head = problem(encoder)

    def trained(processes: int) -> tuple[Tuned, TopLayers]:
        part = TopLayers(encoder, rows.texts, 64, 1, lambda compute: compute())
        config = SMALL.model_copy(update={"processes": processes})
        return tune(encoder, rows, [head], config, 3, part=part, objective=how), part

    (alone, own), (found, part) = trained(1), trained(2)
    assert found.losses == pytest.approx(alone.losses, abs=1e-4)
    assert np.allclose(part.vectors(), own.vectors(), atol=5e-3)
    assert np.allclose(encode_with_trunk(found.trunk, encoder, rows.texts, 64, 1), part.vectors(), atol=1e-2)


@pytest.mark.slow
def test_a_process_that_dies_ends_the_others_and_the_rest_is_resumed(folder: Path, tmp_path: Path) -> None:
    encoder = without_dropout(folder, tmp_path)
    rows, head = problem(encoder)
    config, kept = SMALL.model_copy(update={"processes": 2}), tmp_path / "checkpoint"
    before = set(psutil.Process().children())
    with pytest.raises(StageError, match=r"process 2 of 2 was ended by SIGKILL.* the others were ended. Run the night"):
        tune(encoder, rows, [head], config, 3, kept, objective=Objective(CLASSIFY.plan, dies))
    assert not set(psutil.Process().children()) - before
    resumed = tune(encoder, rows, [head], config, 3, kept)
    assert resumed.facts["resumed_at"] == 5
    assert resumed.losses == pytest.approx(tune(encoder, rows, [head], SMALL, 3).losses, abs=1e-4)


@pytest.mark.parametrize(
    ("config", "rows", "words"),
    [
        ({"processes": 4}, 3, "a row of each batch for each of 4 shards, and there are 3 row.*processes = 3 or less"),
        ({"processes": 4, "batch_size": 2}, 9, "2 rows in a batch; set training.processes = 2 or less"),
        ({"processes": 8, "tensor_parallel": 2}, 3, "for each of 4 shards.* set training.processes = 6 or less"),
        ({"processes": 2, "compile": "always"}, 9, 'does not go with training.compile = "always"'),
        ({"processes": 2, "int8_products": "always"}, 9, 'does not go with training.int8_products = "always"'),
    ],
)
def test_more_processes_than_there_is_work_for_are_refused(config: dict[str, Any], rows: int, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        check_processes(Config(**config), "cpu", rows)


def test_there_is_a_device_for_each_process() -> None:
    devices = torch.cuda.device_count()
    with pytest.raises(ConfigError, match=rf"PyTorch finds {devices} CUDA device\(s\), one for each process"):
        check_processes(Config(processes=devices + 1), "cuda", 100)
    with pytest.raises(ConfigError, match="for CUDA devices and the processor, not mps; set 1"):
        check_processes(Config(processes=2), "mps", 100)


def test_tensor_parallel_processes_divide_all() -> None:
    with pytest.raises(ValueError, match="tensor_parallel = 2 does not divide processes = 3"):
        Config(processes=3, tensor_parallel=2)


def test_an_encoder_without_a_plan_is_refused_before_the_night(tmp_path: Path) -> None:
    def check(name: str, heads: int, processes: int, mode: str = "full") -> None:
        words = {"model_type": name, "num_attention_heads": heads, "n_heads": heads, "hidden_size": 12 * heads}
        (tmp_path / "config.json").write_text(json.dumps(words), encoding="utf-8")
        config = Config.model_validate({"processes": processes, "tensor_parallel": processes, "mode": mode})
        training.check_encoder(config, tmp_path, EncoderConfig())

    check("bert", 12, 2)
    check("distilbert", 12, 4)  # whose files have another name for its heads
    check("modernbert", 12, 1)
    check("modernbert", 12, 2, "probe")  # which trains no encoder
    with pytest.raises(ConfigError, match=r'the encoder is of the type "modernbert"; set training.tensor_parallel = 1'):
        check("modernbert", 12, 2)
    with pytest.raises(ConfigError, match="12 attention heads are not to be divided by it; set a number that divides"):
        check("bert", 12, 5)


class Grid:
    """Two data shards, of which this process is the second."""

    mesh_dim_names = ("dp_shard",)

    def __getitem__(self, name: str) -> Grid:
        return self

    def size(self) -> int:
        return 2

    def get_local_rank(self) -> int:
        return 1

    def get_group(self) -> None:
        return None


def test_shards_take_turns_in_the_rows_and_see_the_whole_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    shards = Shards(Grid())  # type: ignore[arg-type]
    assert shards.rows([7, 3, 9]) == [3, 7]  # the first again, for the other shard has two
    assert shards.rows([7]) == [7]

    def all_gather(parts: Sequence[torch.Tensor], own: torch.Tensor, group: None) -> None:
        parts[0].copy_(torch.tensor([[7.0], [9.0]]))  # of the other shard, rows 7 and 9
        parts[1].copy_(own)

    monkeypatch.setattr(distributed, "all_gather", all_gather)
    own = torch.tensor([[3.0], [7.0]], requires_grad=True)
    batch = shards.gather(own, 3)
    assert batch.tolist() == [[7.0], [3.0], [9.0]]
    (batch * torch.tensor([[1.0], [10.0], [100.0]])).sum().backward()
    assert own.grad is not None
    assert own.grad.tolist() == [[10.0], [0.0]]  # of its own row alone, and the repeated one counts nowhere


def test_a_part_of_a_checkpoint_is_no_checkpoint(tmp_path: Path) -> None:
    for name in ("5-0", "5-1", "9-0", "rest-1"):
        (tmp_path / name).mkdir()
    shards = type("Two", (), {"processes": 2})()
    assert checkpoint.Checkpoints._newest(tmp_path, shards) == 5
    assert checkpoint.Checkpoints._newest(tmp_path / "none", shards) is None
