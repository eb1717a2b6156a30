"""One encoder for every stage, and one pass over each text, ever: vectors are cached by content."""

from __future__ import annotations

import json
import logging
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tilth.config import EncoderConfig
from tilth.engine import has_workers, map_blocks
from tilth.errors import ConfigError
from tilth.learn.encoder.checkpoint import checkpoint_digests, resolve_adapted, resolve_model
from tilth.learn.encoder.chunking import batches, chunked, joined, surrounding
from tilth.learn.encoder.onnx_states import graph_file
from tilth.learn.encoder.passages import Cut, cut
from tilth.learn.encoder.piece_reader import PieceReader, load_model
from tilth.progress import report
from tilth.store import Cache, Vectors, digest_json

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

_SHARD = 256
"""Texts that are read at once, by one worker where there are several: a batch or a few, a second or some of a core."""
_PIECES = "encoding pieces of text"


class Encoder:
    """Texts to L2-normalized float32 vectors, mean- or cls-pooled as the model was trained.

    torch and transformers load with the first new text: a night that is in the cache needs the fingerprint alone.
    """

    def __init__(self, config: EncoderConfig, cache: Cache) -> None:
        self.config, self._cache = config, cache

    def __repr__(self) -> str:
        return f"<Encoder {self.config.model}, {self.config.max_tokens} tokens a chunk, vectors in {self._cache.root}>"

    @cached_property
    def folder(self) -> Path:
        """Where the model's files are.

        Raises:
            ConfigError: it is neither a folder nor to be had from the Hub, or the adapted weights are gone.
        """
        if self.config.weights is not None:
            return resolve_adapted(self.config.weights)
        return resolve_model(self.config.model)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of everything that a vector depends on beside its text; runs of one fingerprint share vectors."""
        shape = [self.config.max_tokens, self.config.max_chunks, self.config.precision, self._pooling, "v1"]
        if self.config.attention != "full":  # vectors of before there was a choice stay valid
            shape += [self.config.attention, self.config.window, "windows-1"]
        if self.config.long_texts == "passages":
            shape += [self.config.long_texts, "passages-2"]
        return digest_json([checkpoint_digests(self.folder), shape])

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of the texts, float32, shape (texts, dimensions), each of length 1; only new texts are computed."""
        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        if self.reads_passages:  # which go through processes themselves
            return self._vectors.of(texts, self.compute)
        expect, through = None if has_workers() else self._expect, self._through(compute_vectors)
        return self._vectors.of(texts, self.compute, shard=_SHARD, through=through, expect=expect)

    def _expect(self, texts: int) -> None:
        self._reader.expect(texts)  # asked for no sooner: where all vectors are kept, no tokenizer is loaded

    def _through(self, compute: Callable[[Sequence[str], Encoder], np.ndarray]) -> Callable[..., Iterator[np.ndarray]]:
        """Spread a computation over the processes that there are."""

        def through(_: object, shards: Iterable[list[str]]) -> Iterator[np.ndarray]:
            for vectors in map_blocks(compute, shards, self):
                report(_PIECES, 1, 1)  # a worker's own reports are heard nowhere
                yield vectors

        return through

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled, an encoder is its settings; what it loads is loaded once in each process."""
        return _of_this_process, (self.config, self.fingerprint)

    @cached_property
    def dimensions(self) -> int:
        """Length of a vector."""
        return int(json.loads((self.folder / "config.json").read_text(encoding="utf-8"))["hidden_size"])

    @cached_property
    def tokenizer(self) -> Any:
        """The model's own fast tokenizer."""
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(self.folder)
        tokenizer.model_max_length = int(1e9)  # long texts are chunked below, so that no warning is due
        return tokenizer

    def count_tokens(self, texts: Sequence[str]) -> tuple[int, int]:
        """How many tokens the texts take, and how many of them stand for what the tokenizer does not know."""
        encoded = self._ids(texts)
        unknown = self.tokenizer.unk_token_id
        return sum(map(len, encoded)), sum(ids.count(unknown) for ids in encoded)

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text, without special ones."""
        if not texts:
            return []
        read = self.tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False)
        return cast("list[list[int]]", read["input_ids"])

    @cached_property
    def special(self) -> tuple[list[int], list[int]]:
        """The special tokens that the model expects before and after a text."""
        return surrounding(self.tokenizer("a")["input_ids"], self.tokenizer("a", add_special_tokens=False)["input_ids"])

    @cached_property
    def _vectors(self) -> Vectors:
        return Vectors(self._cache.folder("embeddings", self.fingerprint))

    @cached_property
    def _model(self) -> Any:
        return load_model(self.folder)

    @cached_property
    def _pooling(self) -> str:
        path = self.folder / "1_Pooling" / "config.json"
        if not path.exists():
            return "mean"
        return "cls" if json.loads(path.read_text(encoding="utf-8")).get("pooling_mode_cls_token") else "mean"

    @cached_property
    def _piece_vectors(self) -> Vectors:
        return Vectors(self._cache.folder("passages", self.fingerprint))

    def compute(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of the texts as `encode` gives them, past the cache."""
        owner, chunks = self.pieces(texts)
        vectors = self.encode_pieces(chunks) if self.reads_passages else self._by_piece(chunks)
        # A longer chunk holds more of the text than a short last one.
        lengths = np.array([max(len(chunk), 1) for chunk in chunks], dtype=np.float64)[:, None]
        sums = np.zeros((len(texts), self.dimensions), dtype=np.float64)
        np.add.at(sums, owner, vectors * lengths)
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        return (sums / np.maximum(norms, 1e-12)).astype(np.float32)

    @property
    def reads_passages(self) -> bool:
        """Whether a text longer than `max_tokens` is read sentence by sentence."""
        return self.config.long_texts == "passages" and self.config.attention == "full"

    def encode_pieces(self, pieces: Sequence[Sequence[int]]) -> np.ndarray:
        """Vectors of pieces, float32, shape (pieces, dimensions); each is computed once, in whichever texts it is."""
        keys = [" ".join(map(str, piece)) for piece in pieces]
        return self._piece_vectors.of(keys, self.compute_pieces, shard=_SHARD, through=self._through(compute_pieces))

    def compute_pieces(self, keys: Sequence[str]) -> np.ndarray:
        """Vectors of pieces, each given as its tokens' numbers with spaces between them."""
        return self._by_piece([[*map(int, key.split())] for key in keys])

    def _by_piece(self, pieces: Sequence[list[int]]) -> np.ndarray:
        found, done = np.zeros((len(pieces), self.dimensions), dtype=np.float32), 0
        places = list(batches([len(piece) for piece in pieces], self._reader.batch_tokens))
        vectors = self._reader.read([[pieces[place] for place in batch] for batch in places])
        for batch, values in zip(places, vectors, strict=True):
            found[batch] = values
            done += len(batch)
            report(_PIECES, done, len(pieces))
        return found

    def pieces(self, texts: Sequence[str]) -> tuple[list[int], list[list[int]]]:
        """What is read at once: each piece's text, and its tokens without special ones.

        Of texts longer than `max_tokens` these are chunks, or passages; with dynamic attention all of their tokens.
        """
        if self.reads_passages:
            found = self.cut(texts)
            return found.owner, found.pieces
        limit, most = self._reader.limit, self.config.max_chunks
        encoded = self._ids(texts)
        for ids in encoded:
            if (whole := -(-len(ids) // limit)) > most:
                log.warning("a text of %d tokens: %d evenly spaced chunks of %d are taken", len(ids), most, whole)
        owner, chunks = chunked(encoded, limit, most)
        return (owner, chunks) if self.config.attention == "full" else joined(owner, chunks)

    def cut(self, texts: Sequence[str]) -> Cut:
        """Long texts in passages, any other as one."""
        around = sum(map(len, self.special))
        found = cut(texts, self._ids, limit=self._reader.limit, around=around, most=self.config.max_chunks)
        for tokens in found.shortened:
            log.warning("a text of %d tokens: of its passages %d, evenly spaced, are read", tokens, found.most)
        return found

    def token_states(self, piece: Sequence[int]) -> torch.Tensor:
        """States of a piece's tokens, float32, shape (tokens, dimensions), the special ones at its ends included."""
        return self._reader.token_states(piece)

    @cached_property
    def _reader(self) -> PieceReader:
        return PieceReader(
            lambda: self._model,
            self.config,
            special=self.special,
            padding=self.tokenizer.pad_token_id or 0,
            first_token=self._pooling == "cls",
            graph=self._graph,
        )

    def _graph(self) -> Path | None:
        as_it_came = self.config.model == "default" and self.config.weights is None
        exact = as_it_came and self.config.precision == "float32"
        return graph_file(self._cache, self.fingerprint) if exact else None


def compute_vectors(texts: Sequence[str], encoder: Encoder) -> np.ndarray:
    """Vectors of one shard of texts, float32, shape (texts, dimensions), in whatever process."""
    return encoder.compute(texts)


def compute_pieces(keys: Sequence[str], encoder: Encoder) -> np.ndarray:
    """The same of pieces."""
    return encoder.compute_pieces(keys)


@lru_cache(maxsize=1)
def _of_this_process(config: EncoderConfig, fingerprint: str) -> Encoder:
    """The encoder that another process sent here, without a cache, which is that other's.

    Raises:
        ConfigError: here the model is another one.
    """
    encoder = Encoder(config, Cache(Path(os.devnull)))
    if encoder.fingerprint != fingerprint:
        raise ConfigError(
            f'encoder.model = "{config.model}" is another model on {platform.node()}, in {encoder.folder}, than where '
            "the night runs; give every worker the same files"
        )
    return encoder
