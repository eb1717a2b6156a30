"""The top layers alone: they learn what they would learn under frozen layers, at a part of the cost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel

from tests.small_table import ROWS
from tests.unit.training.trainer.test_loop import SMALL, problem
from tilth.errors import ConfigError
from tilth.learn.encoder.tokenizer import Tokens
from tilth.learn.encoder.trunk import Trunk
from tilth.training.modes.cut_layers import stacked_layers
from tilth.training.modes.top_layers import TopLayers
from tilth.training.trainer import tune

TEXTS = [row[1] for row in ROWS[:8]]


@pytest.fixture(scope="module")
def deep(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tests' encoder with three layers."""
    path = tmp_path_factory.mktemp("deep")
    (path / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    with torch.random.fork_rng():
        torch.manual_seed(1)
        config = BertConfig.from_pretrained(folder, num_hidden_layers=3, attention_probs_dropout_prob=0.0)
        BertModel(config).save_pretrained(path)
    return path


@pytest.mark.parametrize("count", [1, 2, 9])
def test_the_cut_encoder_gives_the_vectors_of_the_whole_one(deep: Path, count: int) -> None:
    part = TopLayers(deep, TEXTS, 64, count, lambda compute: compute())
    part.module.eval()
    tokens = Tokens.load(deep)
    encoded = tokens.chunks(TEXTS, 64, 1)[1]
    whole = Trunk(deep).eval()(*tokens.batch(encoded)).detach().numpy()
    cut = part.module(*part.batch(range(len(TEXTS)))).detach().numpy()
    assert cut == pytest.approx(whole, abs=0.02)  # float16, and bfloat16 where the processor has it
    trained = {name for name, p in part.module.named_parameters() if p.requires_grad}
    assert {name.split(".")[4] for name in trained} == {str(layer) for layer in range(min(count, 3))}


def test_the_layers_below_stay_as_they_are_and_the_top_ones_learn(deep: Path) -> None:
    rows, head = problem(deep)
    calls = []

    def kept(compute: object) -> object:
        calls.append(compute)
        return compute()  # type: ignore[operator]

    part = TopLayers(deep, rows.texts, 64, 1, kept)  # type: ignore[arg-type]
    config = SMALL.model_copy(update={"steps": 30})
    found = tune(deep, rows, [head], config, 3, part=part)
    assert len(calls) == 1
    assert np.mean(found.losses[-6:]) < np.mean(found.losses[:6])
    tokens = Tokens.load(deep)
    whole = found.trunk(*tokens.batch(tokens.chunks(rows.texts, 64, 1)[1])).detach().numpy()
    assert part.vectors() == pytest.approx(whole, abs=0.02)
    before, after = Trunk(deep).state_dict(), found.trunk.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all("encoder.layer.2." in name for name in changed)


def test_an_encoder_without_layers_is_refused() -> None:
    with pytest.raises(ConfigError, match="trained, and Linear of x has no list of layers"):
        stacked_layers(torch.nn.Linear(2, 2), "x")
