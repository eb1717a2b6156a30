"""A linear head on a text's blocks that learns which of them to read (experimental).

A text's vector is the mean of its blocks' vectors by learned weights, so that one decisive sentence among two thousand
words is not averaged away, and the weights say which block decided.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

_HIDDEN, _STEPS, _BATCH, _RATE, _DECAY = 64, 300, 64, 3e-3, 1e-3
_SCALE = 10.0  # a head on vectors of length 1 needs steep weights; this spares the optimizer the way there


@dataclass(frozen=True)
class BlockPooling:
    """A fitted head; texts are given as each block's text, ascending, and the blocks' vectors, as `encode_blocks` does.

    Attributes:
        scores: dimensions to the logit of a block's weight.
        head: dimensions to logits of the classes.
    """

    scores: nn.Module
    head: nn.Linear

    def weights(self, owner: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """Each block's share of its text's vector, float32, shape (blocks,); those of a text sum to 1."""
        padded, there, _ = _padded(owner, vectors)
        with torch.inference_mode():
            shares = _shares(self.scores, padded, there)
        found: np.ndarray = shares[there].numpy()
        return found

    def probabilities(self, owner: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """Of the classes, float32, shape (texts, classes), not calibrated."""
        padded, there, _ = _padded(owner, vectors)
        with torch.inference_mode():
            found: np.ndarray = _logits(self.scores, self.head, padded, there).softmax(dim=1).numpy()
        return found

    def decisive_blocks(self, owner: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """The block of each text that speaks most for the class that it is given, int64, shape (texts,).

        The logit of a class is a sum over blocks, of their weight times what the head makes of them; a block is counted
        from its text's first.
        """
        padded, there, _ = _padded(owner, vectors)
        with torch.inference_mode():
            shares = _shares(self.scores, padded, there)
            of_block = shares[:, :, None] * self.head(padded * _SCALE)  # the shares sum to 1, so that the bias is in it
            chosen = of_block.sum(dim=1).argmax(dim=1)
            own = of_block[torch.arange(len(chosen)), :, chosen].masked_fill(~there, float("-inf"))
            found: np.ndarray = own.argmax(dim=1).numpy()
        return found


def fit_block_pooling(
    owner: np.ndarray, vectors: np.ndarray, labels: np.ndarray, *, classes: int, seed: int, steps: int = _STEPS
) -> BlockPooling:
    """Fit weights and head together (attention pooling of Ilse, Tomczak and Welling 2018).

    Args:
        owner: each block's text, ascending from 0, shape (blocks,).
        vectors: of the blocks, float32, shape (blocks, dimensions).
        labels: integer classes of the texts, shape (texts,).
        classes: how many there are.
        seed: of the first weights and of the order of the texts.
        steps: batches of 64 texts that are learned from.

    Raises:
        ValueError: a text has no label, or a label no text.
    """
    padded, there, texts = _padded(owner, vectors)
    if texts != len(labels):
        raise ValueError(f"blocks of {texts} texts and {len(labels)} labels; give one label a text")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        size = vectors.shape[1]
        scores = nn.Sequential(nn.Linear(size, _HIDDEN), nn.Tanh(), nn.Linear(_HIDDEN, 1))
        head = nn.Linear(size, classes)
        # Vectors of length 1 have small entries: without this factor the first steps see next to nothing.
        with torch.no_grad():
            scores[0].weight.mul_(size**0.5)
        codes = torch.from_numpy(np.asarray(labels, dtype=np.int64))
        optimizer = torch.optim.AdamW([*scores.parameters(), *head.parameters()], lr=_RATE, weight_decay=_DECAY)
        order = torch.zeros(0, dtype=torch.long)
        for _ in range(steps):
            if not len(order):
                order = torch.randperm(texts)
            batch, order = order[:_BATCH], order[_BATCH:]
            loss = nn.functional.cross_entropy(_logits(scores, head, padded[batch], there[batch]), codes[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return BlockPooling(scores=scores, head=head)


def _shares(scores: nn.Module, padded: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    logits: torch.Tensor = scores(padded)[:, :, 0]
    return logits.masked_fill(~there, float("-inf")).softmax(dim=1)


def _logits(scores: nn.Module, head: nn.Linear, padded: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    pooled = (_shares(scores, padded, there)[:, :, None] * padded).sum(dim=1)
    logits: torch.Tensor = head(pooled * _SCALE)
    return logits


def _padded(owner: np.ndarray, vectors: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, int]:
    """Vectors, shape (texts, blocks, dimensions), which of them are there, and how many texts."""
    if len(owner) != len(vectors) or not len(owner):
        raise ValueError(f"{len(vectors)} vectors of {len(owner)} blocks; give one vector a block, and a block")
    counts = np.bincount(owner)
    if (np.diff(owner) < 0).any() or not counts.all():
        raise ValueError("blocks are not sorted by their text, or a text has none; give them as encode_blocks does")
    there = torch.from_numpy(np.arange(counts.max()) < counts[:, None])
    padded = torch.zeros(*there.shape, vectors.shape[1])
    padded[there] = torch.from_numpy(np.asarray(vectors, dtype=np.float32))
    return padded, there, len(counts)
