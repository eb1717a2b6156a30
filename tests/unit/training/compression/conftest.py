"""A BERT of three narrow layers, and its teacher's answers on the tests' rows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel

from tilth.learn.encoder import Trunk


@pytest.fixture(scope="session")
def deep(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tests' tokenizer with an encoder of three layers, four heads and 64 channels."""
    path = tmp_path_factory.mktemp("deep")
    shutil.copy(folder / "tokenizer.json", path)
    pieces = len(json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"])
    with torch.random.fork_rng():
        torch.manual_seed(1)
        config = BertConfig(
            vocab_size=pieces, hidden_size=32, num_hidden_layers=3, num_attention_heads=4,
            intermediate_size=64, max_position_embeddings=64, initializer_range=0.3,
        )  # fmt: skip
        BertModel(config).save_pretrained(path)
    return path


@pytest.fixture
def trunk(deep: Path) -> Trunk:
    return Trunk(deep).eval()
