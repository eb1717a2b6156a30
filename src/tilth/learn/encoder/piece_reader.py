"""Pieces of texts, given as tokens, to vectors: one pass of the model over a batch, or over a long piece by windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tilth.config import EncoderConfig
from tilth.devices import resolve_device
from tilth.learn.encoder.onnx_states import TokenStates, pooled
from tilth.threads import thread_count

if TYPE_CHECKING:
    import torch

    from tilth.learn.encoder.attention import LongReader

_ACCELERATED = 32_768
"""Padded tokens that an accelerator is given at once, at the least: fewer leave most of it idle."""


class PieceReader:
    """A model of transformers that reads pieces.

    Args:
        model: gives it; called with the first piece.
        config: `[encoder]`.
        special: tokens before and after a piece.
        padding: the token that fills up shorter pieces of a batch.
        first_token: whether a piece's vector is its first token's state; else the mean of all.
        graph: where the model's ONNX graph is kept, or None where it is read by torch alone.
    """

    def __init__(
        self,
        model: Callable[[], Any],
        config: EncoderConfig,
        *,
        special: tuple[list[int], list[int]],
        padding: int,
        first_token: bool,
        graph: Callable[[], Path | None],
    ) -> None:
        self._load, self._config = model, config
        self.special, self._padding, self._first_token = special, padding, first_token
        self.limit = config.max_tokens - sum(map(len, special))
        self._graph = graph

    @cached_property
    def device(self) -> str:
        """Where the model runs, by PyTorch's name.

        Raises:
            ConfigError: PyTorch finds no such device.
        """
        return resolve_device(self._config.device, "encoder.device")

    @property
    def batch_tokens(self) -> int:
        """Padded tokens of a batch."""
        given = self._config.batch_tokens
        return given if self.device == "cpu" else max(given, _ACCELERATED)

    @cached_property
    def _model(self) -> Any:
        model = self._load()
        return model if self.device == "cpu" else model.to(self.device)

    def expect(self, texts: int) -> None:
        """Prepare for so many texts: many pay for a graph."""
        self._states.expect(texts)

    def read(self, batches: Sequence[Sequence[list[int]]]) -> Iterator[np.ndarray]:
        """As `vectors`, of one batch after the other; several at a time where a graph reads them."""
        several = self._states.expect(sum(map(len, batches)))
        if not several or len(batches) < 2 or any(len(piece) > self.limit for batch in batches for piece in batch):
            yield from map(self.vectors, batches)
            return
        with ThreadPoolExecutor(min(thread_count(), len(batches))) as pool:  # ONNX Runtime lets go of the lock
            yield from pool.map(self.vectors, batches)

    def vectors(self, chunks: Sequence[list[int]]) -> np.ndarray:
        """L2-normalized vectors of pieces in one batch, float32, shape (pieces, dimensions)."""
        if max(map(len, chunks)) > self.limit:  # each alone, so that none depends on its neighbors
            alone = (len(chunk) > self.limit for chunk in chunks)
            return np.stack(
                [
                    self._read_long(chunk) if long else self.vectors([chunk])[0]
                    for chunk, long in zip(chunks, alone, strict=True)
                ]
            )
        prefix, suffix = self.special
        built = [[*prefix, *ids, *suffix] for ids in chunks]
        width = max(map(len, built))
        ids = np.full((len(built), width), self._padding, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, value in enumerate(built):
            ids[row, : len(value)], mask[row, : len(value)] = value, 1
        return pooled(self._states(ids, mask), mask, first_token=self._first_token)

    def token_states(self, piece: Sequence[int]) -> torch.Tensor:
        """States of a piece's tokens, float32, shape (tokens, dimensions), the special ones at its ends included."""
        import torch

        prefix, suffix = self.special
        ids = [*prefix, *piece, *suffix]
        with (
            torch.inference_mode(),
            torch.autocast(
                torch.device(self.device).type, torch.bfloat16, enabled=self._config.precision == "bfloat16"
            ),
        ):
            if len(piece) > self.limit:
                return self._long.states(ids, (len(prefix), len(suffix))).float().cpu()
            states: torch.Tensor = self._model(input_ids=torch.tensor([ids], device=self.device)).last_hidden_state[0]
            return states.float().cpu()

    def _read_long(self, piece: Sequence[int]) -> np.ndarray:
        states = self.token_states(piece).numpy()[None]
        return pooled(states, np.ones(states.shape[:2]), first_token=self._first_token)[0]

    @cached_property
    def _long(self) -> LongReader:
        from tilth.learn.encoder.attention import LongReader

        return LongReader(self._model, window=self._config.window, span=self._config.max_tokens)

    @cached_property
    def _states(self) -> TokenStates:
        graph = self._graph() if self.device == "cpu" else None
        return TokenStates(lambda: self._model, graph, bfloat16=self._config.precision == "bfloat16")


def load_model(folder: Path) -> Any:
    """The model of a folder, to read with."""
    from transformers import AutoModel
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    return AutoModel.from_pretrained(folder).eval()
