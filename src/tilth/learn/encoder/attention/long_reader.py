"""A transformers model that reads a long text in one pass, by windows of blocks in place of attention of all to all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, sdpa_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from tilth.errors import ConfigError
from tilth.learn.encoder.attention.block_attention import block_attention, summaries
from tilth.learn.encoder.attention.windows import BLOCK, RULES, Rule

NAME = "tilth_windows"


@dataclass
class _Windows:
    """One text's windows, handed through the model to each layer's attention.

    Attributes:
        rule: which blocks see which.
        width: of a window on average, in blocks.
        around: global tokens before and after the text.
        layers: how many layers have taken it.
    """

    rule: Rule
    width: int
    around: tuple[int, int]
    layers: int = 0

    def attend(self, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, scale: float) -> torch.Tensor:
        """Mixed values of one text, shape (heads, tokens, size)."""
        self.layers += 1
        text = slice(self.around[0], queries.shape[1] - self.around[1])
        seen = self.rule(summaries(queries[:, text], BLOCK) * scale, summaries(keys[:, text], BLOCK), self.width)
        return block_attention(queries, keys, values, seen, block=BLOCK, around=self.around, scale=scale)


def _attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    windows: _Windows | None = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """By windows where there are some, else, and in layers with a mask of their own, as transformers does it."""
    if windows is None or attention_mask is not None:
        mixed, _ = sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **options)
        return mixed, None
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    return windows.attend(query[0], key[0], value[0], scale).transpose(0, 1)[None], None


ALL_ATTENTION_FUNCTIONS.register(NAME, _attention)  # here, for a reader that came from another process too
ALL_MASK_ATTENTION_FUNCTIONS.register(NAME, sdpa_mask)


class LongReader:
    """States of all tokens of one long text, in one pass, so that an answer depends on no other text.

    Beyond what a trunk with learned positions was trained on, its positions repeat, a whole number of blocks at a time:
    within a stretch every block and its neighbors stand as far apart as in training, and only across the border of two
    stretches the order is wrong (so Beltagy et al. 2020, Longformer, section 5, start the positions of theirs). A trunk
    with rotary positions keeps its own. No weight is changed.
    """

    def __init__(self, model: Any, *, rule: str = "dynamic", window: int = 320, span: int = 256) -> None:
        """Turn a model's attention over; short texts still go through it as before.

        Args:
            model: of transformers.
            rule: a name in `windows.RULES`, or "full": all attends to all, to measure against.
            window: tokens that a block sees on average.
            span: tokens that the trunk was trained to read at once.

        Raises:
            ConfigError: the model's attention cannot be replaced.
        """
        if not getattr(model, "_supports_attention_backend", False):
            raise _cannot(model)
        model.set_attn_implementation(NAME)
        self._model, self._rule, self._width = model, RULES.get(rule), max(window // BLOCK, 3)
        learned = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
        self._learned = learned if isinstance(learned, nn.Embedding) else None
        self._span = span

    def states(self, ids: Sequence[int], around: tuple[int, int]) -> torch.Tensor:
        """States of the last layer, shape (tokens, dimensions).

        Args:
            ids: of one text, its special tokens included.
            around: how many of them are special at its beginning and its end; these are global.

        Raises:
            ConfigError: the model's layers do not take the windows.
        """
        options: dict[str, Any] = {}
        windows = None
        if self._rule is not None:
            windows = options["windows"] = _Windows(rule=self._rule, width=self._width, around=around)
        if self._learned is not None:
            options["position_ids"] = self._positions(len(ids), around)
        tokens = torch.tensor([list(ids)], device=self._model.device)
        states: torch.Tensor = self._model(input_ids=tokens, **options).last_hidden_state[0]
        if windows is not None and not windows.layers:
            raise _cannot(self._model)
        return states

    def _positions(self, tokens: int, around: tuple[int, int]) -> torch.Tensor:
        """Repeated positions, shape (1, tokens): a text's beginning and end stand before and after each stretch."""
        assert self._learned is not None
        start = 0 if self._learned.padding_idx is None else self._learned.padding_idx + 1
        first, last = around
        room = min(self._span, self._learned.num_embeddings - start) - first - last
        stretch = room // BLOCK * BLOCK or room
        text = torch.arange(tokens - first - last) % stretch + first
        ends = torch.arange(last) + first + min(stretch, tokens - first - last)
        return (torch.cat([torch.arange(first), text, ends]) + start)[None].to(self._model.device)


def _cannot(model: Any) -> ConfigError:
    return ConfigError(
        f'encoder.attention = "dynamic" found {type(model).__name__}, whose attention cannot be replaced; '
        'expected BERT, RoBERTa, ModernBERT or another with an attention backend; set encoder.attention = "full"'
    )
