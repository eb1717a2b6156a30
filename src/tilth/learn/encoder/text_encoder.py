"""One encoder for every stage, and one pass over each text, ever: vectors are cached by content."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tilth.config import EncoderConfig
from tilth.learn.encoder.checkpoint import resolve_model
from tilth.learn.encoder.chunking import chunked, joined, surrounding
from tilth.progress import report
from tilth.store import Cache, Vectors, digest_json, sha256_file

if TYPE_CHECKING:
    import torch

    from tilth.learn.encoder.attention import LongReader

log = logging.getLogger(__name__)


class Encoder:
    """Texts to L2-normalized float32 vectors, mean- or cls-pooled as the model was trained.

    torch and transformers load with the first new text: a night that is in the cache needs the fingerprint alone.
    """

    def __init__(self, config: EncoderConfig, cache: Cache) -> None:
        self.config = config
        self._cache = cache

    def __repr__(self) -> str:
        return f"<Encoder {self.config.model}, {self.config.max_tokens} tokens a chunk, vectors in {self._cache.root}>"

    @cached_property
    def folder(self) -> Path:
        """Where the model's files are.

        Raises:
            ConfigError: it is neither a folder nor to be had from the Hub.
        """
        return resolve_model(self.config.model)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of everything that a vector depends on beside its text; runs of one fingerprint share vectors."""
        weights = [path for pattern in ("*.safetensors", "*.bin") for path in sorted(self.folder.glob(pattern))]
        files = [self.folder / "config.json", self.folder / "tokenizer.json", *weights]
        sums = [sha256_file(path) for path in files if path.exists()]
        shape = [self.config.max_tokens, self.config.max_chunks, self.config.precision, self._pooling, "v1"]
        if self.config.attention != "full":  # vectors of before there was a choice stay valid
            shape += [self.config.attention, self.config.window, "windows-1"]
        return digest_json([sums, shape])

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of the texts, float32, shape (texts, dimensions), each of length 1; only new texts are computed."""
        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)

        def compute(new: list[str]) -> np.ndarray:
            log.info("encoding %d new texts of %d", len(new), len(texts))
            return self._compute(new)

        return self._vectors.of(texts, compute)

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
        if not texts:
            return 0, 0
        encoded = self.tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False)["input_ids"]
        unknown = self.tokenizer.unk_token_id
        return sum(map(len, encoded)), sum(ids.count(unknown) for ids in encoded)

    @cached_property
    def special(self) -> tuple[list[int], list[int]]:
        """The special tokens that the model expects before and after a text."""
        return surrounding(self.tokenizer("a")["input_ids"], self.tokenizer("a", add_special_tokens=False)["input_ids"])

    @cached_property
    def _vectors(self) -> Vectors:
        return Vectors(self._cache.folder("embeddings", self.fingerprint))

    @cached_property
    def _model(self) -> Any:
        from transformers import AutoModel
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        return AutoModel.from_pretrained(self.folder).eval()

    @cached_property
    def _pooling(self) -> str:
        path = self.folder / "1_Pooling" / "config.json"
        if not path.exists():
            return "mean"
        return "cls" if json.loads(path.read_text(encoding="utf-8")).get("pooling_mode_cls_token") else "mean"

    def _compute(self, texts: Sequence[str]) -> np.ndarray:
        owner, chunks = self.pieces(texts)
        sums = np.zeros((len(texts), self.dimensions), dtype=np.float64)
        done = 0
        for batch in batches([len(chunk) for chunk in chunks], self.config.batch_tokens):
            vectors = self._forward([chunks[i] for i in batch])
            # A longer chunk holds more of the text than a short last one.
            lengths = np.array([max(len(chunks[i]), 1) for i in batch], dtype=np.float64)[:, None]
            np.add.at(sums, [owner[i] for i in batch], vectors * lengths)
            done += len(batch)
            report("encoding pieces of text", done, len(chunks))
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        return (sums / np.maximum(norms, 1e-12)).astype(np.float32)

    @property
    def _limit(self) -> int:
        """Tokens of a text, without the special ones, that the model reads at once."""
        return self.config.max_tokens - sum(map(len, self.special))

    def pieces(self, texts: Sequence[str]) -> tuple[list[int], list[list[int]]]:
        """What is read at once: each piece's text, and its tokens without special ones.

        Of texts longer than `max_tokens` these are chunks; with dynamic attention it is all of their tokens.
        """
        limit, most = self._limit, self.config.max_chunks
        encoded = self.tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False)["input_ids"]
        for ids in encoded:
            if (whole := -(-len(ids) // limit)) > most:
                log.warning("a text of %d tokens: %d evenly spaced chunks of %d are taken", len(ids), most, whole)
        owner, chunks = chunked(encoded, limit, most)
        return (owner, chunks) if self.config.attention == "full" else joined(owner, chunks)

    @cached_property
    def _long(self) -> LongReader:
        from tilth.learn.encoder.attention import LongReader

        return LongReader(self._model, window=self.config.window, span=self.config.max_tokens)

    def token_states(self, piece: Sequence[int]) -> torch.Tensor:
        """States of a piece's tokens, float32, shape (tokens, dimensions), the special ones at its ends included."""
        import torch

        prefix, suffix = self.special
        ids = [*prefix, *piece, *suffix]
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=self.config.precision == "bfloat16"):
            if len(piece) > self._limit:
                return self._long.states(ids, (len(prefix), len(suffix))).float()
            states: torch.Tensor = self._model(input_ids=torch.tensor([ids])).last_hidden_state[0].float()
            return states

    def _read_long(self, piece: Sequence[int]) -> np.ndarray:
        states = self.token_states(piece)
        pooled = states[0] if self._pooling == "cls" else states.mean(dim=0)
        array: np.ndarray = (pooled / pooled.norm().clamp(min=1e-12)).numpy()
        return array

    def _forward(self, chunks: Sequence[list[int]]) -> np.ndarray:
        import torch

        if max(map(len, chunks)) > self._limit:  # each alone, so that none depends on its neighbors
            alone = (len(chunk) > self._limit for chunk in chunks)
            return np.stack(
                [
                    self._read_long(chunk) if long else self._forward([chunk])[0]
                    for chunk, long in zip(chunks, alone, strict=True)
                ]
            )
        tokenizer = self.tokenizer
        prefix, suffix = self.special
        built = [[*prefix, *ids, *suffix] for ids in chunks]
        width = max(map(len, built))
        ids = torch.full((len(built), width), tokenizer.pad_token_id or 0, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, value in enumerate(built):
            ids[row, : len(value)] = torch.tensor(value)
            mask[row, : len(value)] = 1
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=self.config.precision == "bfloat16"):
            hidden = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
        hidden = hidden.float()
        if self._pooling == "cls":
            pooled = hidden[:, 0]
        else:
            weights = mask.unsqueeze(-1).float()
            pooled = (hidden * weights).sum(1) / weights.sum(1)
        array: np.ndarray = torch.nn.functional.normalize(pooled, dim=1).numpy()
        return array


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Positions grouped so that rows of like length share a batch and its padded size stays within a budget.

    >>> list(batches([5, 1, 5, 1], budget=10))
    [[1, 3], [0, 2]]
    """
    batch: list[int] = []
    for position in np.argsort(lengths, kind="stable").tolist():
        if batch and (len(batch) + 1) * lengths[position] > budget:
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch
