from __future__ import annotations

import pickle
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tilth import engine, progress
from tilth.config import EncoderConfig
from tilth.errors import ConfigError
from tilth.learn.encoder.checkpoint import resolve_model
from tilth.learn.encoder.chunking import batches
from tilth.learn.encoder.text_encoder import Encoder, compute_vectors
from tilth.store import Cache

TEXTS = ["Where is my refund?", "the internet is slow", "a", "How much data is left on my mobile this month, roughly?"]


class Counting(Encoder):
    """The real encoder, and how many chunks went through its model."""

    chunks = 0

    def _by_piece(self, pieces: Sequence[list[int]]) -> np.ndarray:
        self.chunks += len(pieces)
        return super()._by_piece(pieces)


@cache
def loaded() -> dict[str, Any]:
    """What takes seconds to load and depends on no option."""
    one = Encoder(EncoderConfig(), Cache(Path("unused")))
    return {"_model": one._model, "tokenizer": one.tokenizer}


def encoder(folder: Path, **config: Any) -> Counting:
    one = Counting(EncoderConfig(**config), Cache(folder))
    vars(one).update(loaded())
    return one


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Counting:
    return encoder(tmp_path_factory.mktemp("cache"))


def test_vectors_are_float32_of_length_one_in_the_order_given(shared: Counting) -> None:
    vectors = shared.encode(TEXTS)
    assert vectors.shape == (4, shared.dimensions) == (4, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(shared.encode(TEXTS[::-1]), vectors[::-1])
    for position, text in enumerate(TEXTS):
        assert shared.encode([text])[0] @ vectors[position] == pytest.approx(1, abs=1e-3)


def test_meaning_is_near_meaning(shared: Counting) -> None:
    asked, same, other = shared.encode(["Where is my refund?", "I am still waiting for my money back", "Rain is wet"])
    assert asked @ same > 0.4 > asked @ other


def test_a_text_goes_through_the_model_once_ever(tmp_path: Path) -> None:
    first = encoder(tmp_path)
    vectors = first.encode([TEXTS[0], TEXTS[1], TEXTS[0]])
    assert first.chunks == 2
    assert np.array_equal(vectors[0], vectors[2])
    first.encode([TEXTS[1], TEXTS[2]])
    assert first.chunks == 3
    later = encoder(tmp_path)  # another night, the same cache
    assert np.array_equal(later.encode(TEXTS[:2]), vectors[:2])
    assert later.chunks == 0


@pytest.mark.parametrize("other", [{"max_tokens": 16}, {"max_chunks": 1}, {"precision": "bfloat16"}])
def test_vectors_of_another_making_are_never_mixed_up(other: dict[str, Any], tmp_path: Path) -> None:
    assert encoder(tmp_path, **other).fingerprint != encoder(tmp_path).fingerprint


def test_what_a_vector_does_not_depend_on_keeps_the_cache(tmp_path: Path) -> None:
    assert encoder(tmp_path, batch_tokens=64).fingerprint == encoder(tmp_path).fingerprint


def test_kept_vectors_are_read_without_a_model(tmp_path: Path) -> None:
    before = encoder(tmp_path).encode(TEXTS)
    reader = Encoder(EncoderConfig(), Cache(tmp_path))
    assert np.array_equal(reader.encode(TEXTS), before)
    assert not {"tokenizer", "_model"} & set(vars(reader))


@pytest.mark.parametrize(("precision", "apart"), [("float32", 1e-6), ("bfloat16", 1e-3)])
def test_a_vector_does_not_depend_on_its_batch(precision: str, apart: float, tmp_path: Path) -> None:
    texts = [*TEXTS, *(f"message number {i} " + "about the bill " * (i % 7) for i in range(12))]
    wide, narrow = (
        encoder(tmp_path / str(tokens), precision=precision, batch_tokens=tokens).encode(texts) for tokens in (4096, 64)
    )
    assert (1 - (wide * narrow).sum(axis=1)).max() < apart


def test_a_long_text_is_not_cut(tmp_path: Path) -> None:
    long = "The weather has been mild and there is not much to say about it. " * 60
    one = encoder(tmp_path)
    plain, ends_on_refund, repeated = one.encode([long, long + "Where is my refund?" * 40, long * 2])
    assert one.chunks >= 4 + 4 + 7
    assert plain @ ends_on_refund < 0.98
    assert plain @ repeated > 0.99


def test_a_long_text_is_the_mean_of_its_chunks_by_length(tmp_path: Path) -> None:
    one = encoder(tmp_path, max_tokens=16)
    text = " ".join(f"word{i}" for i in range(12))
    ids = one.tokenizer(text, add_special_tokens=False)["input_ids"]
    room = 16 - 2  # what [CLS] and [SEP] leave
    parts = [ids[start : start + room] for start in range(0, len(ids), room)]
    assert len(parts) > 1
    assert len(parts[-1]) != room
    by_hand = sum(len(part) * one._reader.vectors([part])[0].astype(float) for part in parts)
    assert one.encode([text])[0] == pytest.approx(by_hand / np.linalg.norm(by_hand), abs=1e-4)


def test_a_huge_text_takes_so_many_chunks_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    one = encoder(tmp_path, max_tokens=16, max_chunks=3)
    assert np.isfinite(one.encode(["bill " * 500])).all()
    assert one.chunks == 3
    assert "3 evenly spaced chunks of 36 are taken" in caplog.text  # 500 tokens, 14 a chunk


def test_nothing_and_the_empty_text(shared: Counting) -> None:
    assert shared.encode([]).shape == (0, 384)
    beside = shared.encode(["", TEXTS[0]])
    assert np.linalg.norm(beside, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(beside[1], shared.encode(TEXTS)[0])


def test_progress_ends_at_all(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    with progress.listening(lambda what, done, of: calls.append((done, of))):
        encoder(tmp_path, batch_tokens=64).encode(TEXTS)
    assert calls[-1] == (4, 4)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)


def test_an_unknown_model_is_named_with_the_fix() -> None:
    with pytest.raises(ConfigError, match=r'encoder\.model = "no/such/model at all".*use "default"'):
        resolve_model("no/such/model at all")


def test_batches_hold_every_row_once_within_their_budget() -> None:
    lengths = np.random.default_rng(0).integers(1, 60, size=200).tolist()
    made = list(batches(lengths, budget=256))
    assert sorted(row for batch in made for row in batch) == list(range(200))
    assert all(len(batch) * max(lengths[row] for row in batch) <= 256 for batch in made)
    assert list(batches([500, 1], budget=100)) == [[1], [0]]  # one that is over the budget goes alone


def test_a_folder_that_holds_no_model_is_said_with_how_to_give_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'is a folder without config\.json.*encoder\.model = "path/to/it"'):
        resolve_model(str(tmp_path))
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(
        ConfigError, match=r'is a folder without weights \(\*\.safetensors.*encoder\.model = "path/to/it"'
    ):
        resolve_model(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"is a folder without a tokenizer \(tokenizer\.json\).*of its tokenizer"):
        resolve_model(str(tmp_path))
    assert resolve_model(str(tmp_path), "image.model", reads_text=False) == tmp_path
    (tmp_path / "vocab.txt").write_text("", encoding="utf-8")
    assert resolve_model(str(tmp_path)) == tmp_path


def test_an_encoder_that_is_sent_is_its_settings_and_is_loaded_once(shared: Counting, tmp_path: Path) -> None:
    sent = pickle.dumps(shared)
    assert len(sent) < 2_000
    there = pickle.loads(sent)  # noqa: S301 - as Dask does
    assert pickle.loads(sent) is there  # noqa: S301 - as Dask does
    vars(there).update(loaded())
    assert np.array_equal(compute_vectors(TEXTS, there), encoder(tmp_path).compute(TEXTS))


def test_a_process_with_another_model_refuses(shared: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Encoder, "fingerprint", "of other weights")
    sent = pickle.dumps(encoder(Path("unused")))
    monkeypatch.undo()
    with pytest.raises(ConfigError, match=r"is another model on .* give every worker the same files"):
        pickle.loads(sent)  # noqa: S301 - as Dask does


def test_texts_are_read_in_shards_that_workers_may_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tilth.learn.encoder.text_encoder._SHARD", 3)
    seen: list[list[str]] = []

    class Workers:
        def map_blocks(self, function: Any, blocks: Any, shared: Any) -> Any:
            for block in blocks:
                seen.append(block)
                yield function(block, shared)

    alone = encoder(tmp_path / "a").encode(TEXTS)
    with engine.computed_by(Workers()):
        assert np.array_equal(encoder(tmp_path / "b").encode(TEXTS), alone)
    assert seen == [["a", TEXTS[0], TEXTS[1]], [TEXTS[3]]]  # the shortest first


def test_a_device_is_looked_for_by_name_and_its_absence_is_said(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    missing = next(kind for kind in ("xpu", "mps", "cuda") if not getattr(torch, kind).is_available())
    with pytest.raises(ConfigError, match=rf'encoder\.device = "{missing}".*finds 0 device.* set "cpu" or "auto"'):
        encoder(tmp_path, device=missing).encode(TEXTS)


def test_on_another_device_the_model_moves_there_and_vectors_come_back(
    shared: Counting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is none, the processor stands in for it: what is asked for is seen, and what it gives is compared."""
    moved: list[str] = []
    expected = shared.encode(TEXTS)  # before the device is another, which an encoder looks for when it first reads

    class Elsewhere:
        device = shared._model.device

        def to(self, device: str) -> Elsewhere:
            moved.append(device)
            return self

        def __call__(self, **inputs: Any) -> Any:
            return shared._model(**inputs)

    monkeypatch.setattr("tilth.learn.encoder.piece_reader.resolve_device", lambda *_: "cuda:1")
    other = encoder(tmp_path)
    vars(other)["_model"] = Elsewhere()
    assert other._reader.batch_tokens == 32_768
    assert np.abs(other.encode(TEXTS) - expected).max() < 1e-5
    assert moved == ["cuda:1"]
