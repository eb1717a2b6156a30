"""From texts to vectors by an exported encoder, in batches in which no text depends on its neighbors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from tilth.learn.encoder import chunked, cut, joined
from tilth.training.export.edge import edge_inputs
from tilth.training.export.packed import PackedPassages, Reading, read_passages

_BATCH = 32
"""Pieces of text that are computed at once."""
_STEP = 4
"""Tokens that a piece's length is rounded up to, so that pieces of one length are many."""


class TextReader:
    """An exported encoder at work.

    Args:
        trunk: the session of its graph.
        tokenizer: of the `tokenizers` library.
        settings: those of the model's folder.
        threads: batches that are computed at the same time.
        passages: how passages of long texts are weighed; None reads these in chunks.
    """

    def __init__(
        self,
        trunk: Any,
        tokenizer: Any,
        settings: Mapping[str, Any],
        threads: int,
        passages: PackedPassages | None = None,
    ) -> None:
        self._passages = passages
        self.trunk, self._tokenizer, self._threads = trunk, tokenizer, threads
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._prefix, self._suffix = list(settings["prefix"]), list(settings["suffix"])
        self._most, self._max_chunks = int(settings["max_tokens"]), int(settings["max_chunks"])
        self._dimensions = int(settings["dimensions"])
        self._in_one_pass = "windows" in settings
        self._is_batched, self._edge = bool(settings.get("batched")), int(settings.get("edge_length", 0))

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """L2-normalized vectors of the texts, float32, shape (texts, dimensions)."""
        if self._passages is not None:
            return self.read_passages(texts).vectors
        owner, chunks = self._chunks(texts)
        sums = np.zeros((len(texts), self._dimensions), dtype=np.float64)
        np.add.at(sums, owner, self._encode(chunks) * np.array([max(len(chunk), 1) for chunk in chunks])[:, None])
        return (sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)).astype(np.float32)

    def read_passages(self, texts: Sequence[str]) -> Reading:
        """Long texts in passages, as the model weighs them."""
        assert self._passages is not None
        found = cut(texts, self._tokens, limit=self._limit, around=self._around, most=self._max_chunks)
        return read_passages(found, len(texts), self._encode, self._passages)

    def _encode(self, chunks: Sequence[Sequence[int]]) -> np.ndarray:
        """Vectors of pieces of text, float32, shape (pieces, dimensions)."""
        found = np.zeros((len(chunks), self._dimensions), dtype=np.float32)

        def forward(batch: list[int]) -> None:
            found[batch] = self._forward([chunks[place] for place in batch])

        batches = self.batches(chunks)
        if min(self._threads, len(batches)) <= 1:  # to start a thread takes as long as a layer
            for batch in batches:
                forward(batch)
            return found
        with ThreadPoolExecutor(min(self._threads, len(batches))) as pool:  # ONNX Runtime lets go of the lock
            for _ in pool.map(forward, batches):
                pass  # an error of one comes up here
        return found

    def batches(self, chunks: Sequence[Sequence[int]]) -> list[list[int]]:
        """Places of chunks that are computed at once: few at a time, and of one padded length.

        So a chunk is computed in one and the same shape whatever stands beside it, and its vector does not depend on
        its neighbors. Where activations are scaled by all that is in a batch, each chunk goes alone: a text's
        confidence would depend on its neighbors by up to 0.1.
        """
        if not self._is_batched:
            return [[place] for place in range(len(chunks))]
        by_length: dict[int, list[int]] = {}
        for place, chunk in enumerate(chunks):
            by_length.setdefault(self._padded(chunk), []).append(place)
        return [
            places[first : first + _BATCH]
            for _, places in sorted(by_length.items())
            for first in range(0, len(places), _BATCH)
        ]

    def _chunks(self, texts: Sequence[str]) -> tuple[list[int], list[list[int]]]:
        owner, chunks = chunked(self._tokens(texts), self._limit, self._max_chunks)
        return joined(owner, chunks) if self._in_one_pass else (owner, chunks)

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        return [one.ids for one in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)]

    @property
    def _around(self) -> int:
        return len(self._prefix) + len(self._suffix)

    @property
    def _limit(self) -> int:
        return self._most - self._around

    def _padded(self, chunk: Sequence[int]) -> int:
        """Tokens that a chunk is computed with: its own and those around it, and padding where chunks are batched."""
        length = len(chunk) + self._around
        return max(length, min(-(-length // _STEP) * _STEP, self._most)) if self._is_batched else length

    def _forward(self, chunks: Sequence[Sequence[int]]) -> np.ndarray:
        """The vectors of chunks of one padded length, shape (chunks, dimensions)."""
        whole = [[*self._prefix, *chunk, *self._suffix] for chunk in chunks]
        if self._edge:
            return np.concatenate([self._on_edge(ids) for ids in whole])
        ids = np.zeros((len(chunks), self._padded(chunks[0])), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(whole):
            ids[row, : len(tokens)], mask[row, : len(tokens)] = tokens, 1
        vectors: np.ndarray = self.trunk.run(["sentence_vector"], {"input_ids": ids, "attention_mask": mask})[0]
        return vectors

    def _on_edge(self, ids: Sequence[int]) -> np.ndarray:
        """One piece's vector by a graph of one fixed shape, which leaves its length to us; shape (1, dimensions)."""
        mean: np.ndarray = self.trunk.run(["sentence_vector"], edge_inputs(ids, self._edge))[0].reshape(1, -1)
        return mean / np.maximum(np.linalg.norm(mean), 1e-12)
