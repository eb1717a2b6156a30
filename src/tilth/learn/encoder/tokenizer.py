"""An encoder's tokens for training and export, through the tokenizers library alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from tilth.learn.encoder.chunking import chunked, joined, surrounding


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """The tokenizer of a model folder, and the special tokens that the model expects around a text.

    Attributes:
        tokenizer: neither cuts nor pads.
        pad: the id that fills a batch.
        prefix, suffix: special tokens before and after a text.
    """

    tokenizer: Any
    pad: int
    prefix: list[int]
    suffix: list[int]

    @classmethod
    def load(cls, folder: Path) -> Tokens:
        """From `tokenizer.json`, or what transformers makes of a folder that has none."""
        if (folder / "tokenizer.json").exists():
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        else:
            from transformers import AutoTokenizer

            tokenizer = AutoTokenizer.from_pretrained(folder).backend_tokenizer
        tokenizer.no_truncation()
        tokenizer.no_padding()
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        prefix, suffix = surrounding(tokenizer.encode("a").ids, tokenizer.encode("a", add_special_tokens=False).ids)
        return cls(tokenizer=tokenizer, pad=int(config.get("pad_token_id") or 0), prefix=prefix, suffix=suffix)

    def chunks(self, texts: Sequence[str], limit: int, most: int) -> tuple[list[int], list[list[int]]]:
        """Each chunk's text and its tokens, special ones included, at most `limit` of them, as the encoder has them."""
        return self._surrounded(*self._chunks(texts, limit, most))

    def pieces(self, texts: Sequence[str], limit: int, most: int) -> tuple[list[int], list[list[int]]]:
        """The same with all chunks of a text as one piece, for a trunk that reads it in one pass."""
        return self._surrounded(*joined(*self._chunks(texts, limit, most)))

    def _chunks(self, texts: Sequence[str], limit: int, most: int) -> tuple[list[int], list[list[int]]]:
        encoded = self.tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return chunked((one.ids for one in encoded), limit - len(self.prefix) - len(self.suffix), most)

    def _surrounded(self, owner: list[int], pieces: Sequence[list[int]]) -> tuple[list[int], list[list[int]]]:
        return owner, [[*self.prefix, *piece, *self.suffix] for piece in pieces]

    def batch(self, encoded: Sequence[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Padded ids and their mask, int64, shape (rows, longest)."""
        ids = torch.full((len(encoded), max(map(len, encoded))), self.pad, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, value in enumerate(encoded):
            ids[row, : len(value)], mask[row, : len(value)] = torch.tensor(value), 1
        return ids, mask
