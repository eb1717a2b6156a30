"""A multilingual encoder is one config line: an XLM-RoBERTa with a unigram tokenizer, as the recommended one is."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import XLMRobertaConfig, XLMRobertaModel

from tilth.config import EncoderConfig
from tilth.learn.encoder import Encoder, Trunk, encode_with_trunk
from tilth.store import Cache

MESSAGES = Path(__file__).parents[3] / "workspaces/chinese/data/messages.csv"


@pytest.fixture
def texts() -> list[str]:
    return [str(text) for text in pd.read_csv(MESSAGES)["text"]]


@pytest.fixture
def folder(texts: list[str], tmp_path: Path) -> Path:
    """A model of two layers that knows the characters of the Chinese messages."""
    signs = sorted({sign for text in texts for sign in text})
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    tokenizer = Tokenizer(models.Unigram([*pieces, *((sign, -3.0) for sign in signs)], unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    path = tmp_path / "model"
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=130, pad_token_id=1, bos_token_id=0, eos_token_id=2,
    )  # fmt: skip
    XLMRobertaModel(config).save_pretrained(path)
    tokenizer.save(os.fspath(path / "tokenizer.json"))
    special = '{"tokenizer_class": "XLMRobertaTokenizerFast", "pad_token": "<pad>", "unk_token": "<unk>"}'
    (path / "tokenizer_config.json").write_text(special, encoding="utf-8")
    return path


def test_it_encodes_and_knows_every_sign(folder: Path, texts: list[str], tmp_path: Path) -> None:
    encoder = Encoder(EncoderConfig(model=str(folder), max_tokens=64), Cache(tmp_path / "cache"))
    vectors = encoder.encode(texts)
    assert vectors.shape == (120, 16)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(120), abs=1e-5)
    assert encoder.encode([texts[3]]) == pytest.approx(vectors[3:4], abs=1e-5), "whatever stands beside it"
    tokens, unknown = encoder.count_tokens(texts)
    assert (tokens, unknown) == (sum(map(len, texts)) + 120, 0), "a sign each, and a mark where a word begins"


def test_what_training_fine_tunes_is_the_same_model(folder: Path, texts: list[str], tmp_path: Path) -> None:
    encoder = Encoder(EncoderConfig(model=str(folder), max_tokens=64), Cache(tmp_path / "cache"))
    tuned = encode_with_trunk(Trunk(folder), folder, texts, limit=64, most=64)
    assert tuned == pytest.approx(encoder.encode(texts), abs=2e-2), "but for the precision of training"
