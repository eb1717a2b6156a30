"""Long texts through tiny models of random weights: what an answer depends on, and bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    ModernBertConfig,
    ModernBertModel,
    MPNetConfig,
    MPNetModel,
    RobertaConfig,
    RobertaModel,
)

from tilth.config import EncoderConfig
from tilth.errors import ConfigError
from tilth.learn.encoder import Encoder, encode_blocks
from tilth.learn.encoder.attention import LongReader
from tilth.store import Cache

WORDS = [f"w{number}" for number in range(40)]
SIZES: dict[str, Any] = {
    "vocab_size": 44,
    "hidden_size": 32,
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "intermediate_size": 32,
}
TINY = BertConfig(**SIZES, max_position_embeddings=96, initializer_range=0.5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny")
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    around = [("[CLS]", 2), ("[SEP]", 3)]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=around)
    tokenizer.save(str(path / "tokenizer.json"))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(TINY).save_pretrained(path)
    return path


def text(words: int, seed: int = 0) -> str:
    return " ".join(np.random.default_rng(seed).choice(WORDS, words))


def encoder(folder: Path, root: Path, **config: Any) -> Encoder:
    settings = {"attention": "dynamic", "max_tokens": 80, "max_chunks": 2000, **config}
    return Encoder(EncoderConfig(model=str(folder), **settings), Cache(root))


def reader(rule: str, folder: Path, window: int = 192) -> LongReader:
    return LongReader(BertModel.from_pretrained(folder).eval(), rule=rule, window=window, span=80)


def ids(words: int) -> list[int]:
    return [2, *np.random.default_rng(0).integers(4, 44, words).tolist(), 3]


def test_windows_that_reach_everywhere_are_full_attention(folder: Path) -> None:
    with torch.inference_mode():
        wide = reader("fixed", folder, window=8192).states(ids(300), (1, 1))
        narrow = reader("fixed", folder).states(ids(300), (1, 1))
        full = reader("full", folder).states(ids(300), (1, 1))
    assert torch.allclose(wide, full, atol=1e-4)
    assert not torch.allclose(narrow, full, atol=1e-2)


def test_full_attention_within_the_trained_positions_is_the_model_itself(folder: Path) -> None:
    model = BertModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        expected = model(input_ids=torch.tensor([ids(64)])).last_hidden_state[0]
        found = LongReader(model, rule="full", span=80).states(ids(64), (1, 1))
    assert torch.allclose(found, expected, atol=1e-5)


def test_positions_repeat_by_whole_blocks(folder: Path) -> None:
    found = reader("dynamic", folder)._positions(1 + 130 + 1, (1, 1))[0].tolist()
    assert found == [0, *range(1, 65), *range(1, 65), 1, 2, 65]


@pytest.mark.parametrize(
    ("model", "config"),
    [
        (RobertaModel, RobertaConfig(**SIZES, max_position_embeddings=96)),
        (DistilBertModel, DistilBertConfig(vocab_size=44, dim=32, n_heads=2, n_layers=2, hidden_dim=32)),
        (ModernBertModel, ModernBertConfig(**SIZES, pad_token_id=0, cls_token_id=2, sep_token_id=3)),
    ],
)
def test_other_trunks_are_read_by_windows_too(model: Any, config: Any) -> None:
    one = model(config).eval()
    with torch.inference_mode():
        found = LongReader(one, span=80, window=192).states(ids(300), (1, 1))
    assert found.shape == (302, 32)
    assert found.isfinite().all()


def test_a_trunk_whose_attention_cannot_be_replaced_is_named_with_the_fix() -> None:
    with pytest.raises(ConfigError, match=r'found MPNetModel.*set encoder\.attention = "full"'):
        LongReader(MPNetModel(MPNetConfig(**SIZES)))


def test_an_answer_does_not_depend_on_its_neighbors(folder: Path, tmp_path: Path) -> None:
    texts = [text(500), "", text(79, 1), "w1", text(78, 2), text(500, 3), text(130, 4)]
    together = encoder(folder, tmp_path / "together").encode(texts)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-5)
    one = encoder(folder, tmp_path / "alone")
    for place, value in enumerate(texts):
        assert one.encode([value])[0] == pytest.approx(together[place], abs=1e-5)


def test_what_fits_is_read_as_before_and_what_is_longer_is_not(folder: Path, tmp_path: Path) -> None:
    texts = [text(78), text(79)]
    plain, dynamic = (encoder(folder, tmp_path / kind, attention=kind).encode(texts) for kind in ("full", "dynamic"))
    assert dynamic[0] == pytest.approx(plain[0], abs=1e-6)
    assert np.abs(dynamic[1] - plain[1]).max() > 1e-3


def test_the_setting_is_in_the_fingerprint(folder: Path, tmp_path: Path) -> None:
    kinds: list[dict[str, Any]] = [{"attention": "full"}, {}, {"window": 640}]
    assert len({encoder(folder, tmp_path, **kind).fingerprint for kind in kinds}) == 3
    assert (
        encoder(folder, tmp_path, attention="full", window=640).fingerprint
        == encoder(folder, tmp_path, attention="full").fingerprint
    )


def test_one_token_of_a_million_letters(folder: Path, tmp_path: Path) -> None:
    found = encoder(folder, tmp_path).encode(["x" * 1_000_000, "w1"])
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)


def test_of_a_hundred_thousand_tokens_the_limit_is_read(folder: Path, tmp_path: Path) -> None:
    owner, vectors = encode_blocks(encoder(folder, tmp_path, max_chunks=64), [text(100_000)], Cache(tmp_path))
    assert len(owner) == len(vectors) == -(-(63 * 78 + 4) // 64)  # the last stretch holds 4
    assert np.isfinite(vectors).all()


@pytest.mark.slow
def test_a_hundred_thousand_tokens_are_read_in_one_pass(folder: Path, tmp_path: Path) -> None:
    owner, vectors = encode_blocks(encoder(folder, tmp_path), [text(100_000)], Cache(tmp_path))
    assert len(owner) == len(vectors) == -(-100_000 // 64)
    assert np.isfinite(vectors).all()


def test_beyond_max_chunks_evenly_spaced_stretches_are_read(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = encoder(folder, tmp_path, max_chunks=3)
    owner, pieces = one.pieces([text(780), "w1"])
    assert (owner, [len(piece) for piece in pieces]) == ([0, 1], [3 * 78, 1])
    assert "a text of 780 tokens: 3 evenly spaced chunks of 10 are taken" in caplog.text


@pytest.mark.parametrize("kind", ["full", "dynamic"])
def test_blocks_are_cached_and_belong_to_their_texts(kind: str, folder: Path, tmp_path: Path) -> None:
    texts = [text(200), "", text(64, 1), text(200)]
    one = encoder(folder, tmp_path, attention=kind)
    owner, vectors = encode_blocks(one, texts, Cache(tmp_path))
    # 78 tokens a chunk are blocks of 64 and 14: 200 are 2 + 2 + 1; in one pass, 64, 64, 64 and 8.
    each = {"full": 5, "dynamic": 4}[kind]
    assert np.bincount(owner).tolist() == [each, 1, 1, each]
    assert np.array_equal(vectors[:each], vectors[-each:])
    vars(one)["token_states"] = None  # nothing is computed again
    assert np.array_equal(encode_blocks(one, texts, Cache(tmp_path))[1], vectors)
    assert encode_blocks(one, [], Cache(tmp_path))[1].shape == (0, 32)


def test_windows_follow_the_meaning_of_the_text(folder: Path) -> None:
    """A word that differs far away changes the first block's states, by the windows that it turns."""
    dull = [2, *[5] * 640, 3]
    telling = [*dull[:400], *ids(64)[1:-1], *dull[464:]]
    with torch.inference_mode():
        states = [reader("dynamic", folder, window=320).states(one, (1, 1)) for one in (dull, telling)]
    assert (states[0][1:65] - states[1][1:65]).abs().max() > 1e-3
