"""Ways to read a long text with the same weights: full attention, windows fixed and dynamic, chunks, a beginning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

from tilth.learn.encoder import LongTexts, adapt_windows, chunked, resolve_model
from tilth.learn.encoder.attention import BLOCK, LongReader, block_vectors
from tilth.learn.encoder.attention.windows import RULES, reaches

SPAN = 256
WAYS = ("full attention", "fixed window", "dynamic window", "chunks", "first 256 tokens")
ADAPTED = "adapted window"
TRIES = ("dynamic by pairs", "dynamic by novelty", ADAPTED)
"""Other rules of the same budget that were tried for dynamic windows, and the rule with weights adapted to it."""
_RULES = {
    "full attention": "full",
    "fixed window": "fixed",
    "dynamic window": "dynamic",
    ADAPTED: "dynamic",
    "dynamic by pairs": "pairs",
    "dynamic by novelty": "novelty",
}


def by_pairs(queries: torch.Tensor, keys: torch.Tensor, width: int) -> torch.Tensor:
    """Each block sees its neighbors, and those that it itself finds most relevant, wherever they are."""
    blocks = keys.shape[1]
    shares = torch.softmax(queries.float() @ keys.float().transpose(1, 2), dim=-1).mean(dim=0)
    places = torch.arange(blocks)
    shares = shares.masked_fill((places[:, None] - places).abs() <= 1, float("inf"))
    seen = torch.zeros(blocks, blocks, dtype=torch.bool)
    return seen.scatter_(1, shares.topk(min(width, blocks), dim=1).indices, True)


def by_novelty(queries: torch.Tensor, keys: torch.Tensor, width: int) -> torch.Tensor:
    """A block whose summary stands far from the text's mean is seen from further away."""
    keys = keys.float()
    apart = (keys - keys.mean(dim=1, keepdim=True)).norm(dim=2) / keys.norm(dim=2)
    reach = torch.from_numpy(reaches(apart.mean(dim=0).double().numpy() ** 4, width))
    places = torch.arange(keys.shape[1])
    return (places[:, None] - places).abs() <= reach


RULES.update({"pairs": by_pairs, "novelty": by_novelty})


def adapt(target: Path, texts: Sequence[str], window: int, steps: int) -> None:
    """Write the default encoder, adapted to windows on long texts, where it is not there yet."""
    if not target.is_dir():
        around = LongTexts(window=window, span=SPAN, around=(1, 1))
        adapt_windows(resolve_model("default"), target, texts, around, steps, seed=0, device="cpu")


class Way:
    """The default encoder, or its adapted weights in a folder, read in one of the `WAYS` or `TRIES`."""

    def __init__(self, name: str, window: int, folder: Path | None = None) -> None:
        folder = folder or resolve_model("default")
        self.name = name
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.tokenizer.model_max_length = int(1e9)
        self._model = AutoModel.from_pretrained(folder).eval()
        rule = _RULES.get(name)
        self._reader = LongReader(self._model, rule=rule, window=window, span=SPAN) if rule else None

    def tokens(self, text: str) -> list[int]:
        """A text's tokens without special ones."""
        found: list[int] = self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        return found

    def states(self, ids: Sequence[int]) -> list[torch.Tensor]:
        """States of the tokens without special ones, of each piece that is read at once."""
        first, last = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        with torch.inference_mode():
            if self._reader is not None and len(ids) > SPAN - 2:
                return [self._reader.states([first, *ids, last], (1, 1))[1:-1]]
            most = 1 if self.name == "first 256 tokens" else 1_000_000
            _, chunks = chunked([ids], SPAN - 2, most)
            # Whole chunks are of one length and go together, as the encoder has them.
            found: list[torch.Tensor] = []
            for start in range(0, len(chunks), 16):
                for part in _of_one_length(chunks[start : start + 16]):
                    batch = torch.tensor([[first, *chunk, last] for chunk in part])
                    found += [*self._model(input_ids=batch).last_hidden_state[:, 1:-1]]
            return found

    def blocks(self, text: str) -> np.ndarray:
        """Vectors of the text's blocks, shape (blocks, dimensions)."""
        return np.concatenate([block_vectors(states, BLOCK) for states in self.states(self.tokens(text))])


def _of_one_length(chunks: Sequence[list[int]]) -> list[list[list[int]]]:
    whole = [chunk for chunk in chunks if len(chunk) == SPAN - 2]
    rest = [chunk for chunk in chunks if len(chunk) != SPAN - 2]
    return [part for part in (whole, rest) if part]
