"""Training examples of the denoiser: pairs of texts, and texts to be denoised alone, as token ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tilth.augmentation.diffusion.vocabulary import CLS, MASK, SEP

FIDELITY_EDGES = (0.65, 0.75, 0.85)
"""Cosines that part fidelity levels 1 to 4."""
BOLDNESS_EDGES = (0.35, 0.65)
"""Shares of new target tokens that part boldness levels 1 to 3."""
ALONE = -1
"""The source of an example that has none: its target is denoised from some of its own words, or from nothing."""
_LEVELS_HIDDEN = 0.1  # share of pairs whose levels are hidden, so that the network can do without them
_TAILS = 4  # one to four separators close a target, so that its length is something to be predicted


@dataclass(frozen=True)
class Examples:
    """Source and target of every example as indices into `texts`.

    Attributes:
        texts: Token ids of each text, without special tokens.
        source, target: Indices (n,); a source of `ALONE` means that the text is denoised alone.
        fidelity, boldness: Levels (n,), 0 where unknown.
        weight: How often an example is drawn, relative to the others (n,).
    """

    texts: Sequence[Sequence[int]]
    source: np.ndarray
    target: np.ndarray
    fidelity: np.ndarray
    boldness: np.ndarray
    weight: np.ndarray

    def __len__(self) -> int:
        return len(self.source)

    def take(self, chosen: np.ndarray) -> Examples:
        """The examples at the indices `chosen`."""
        parts = (self.source, self.target, self.fidelity, self.boldness, self.weight)
        return Examples(self.texts, *(part[chosen] for part in parts))

    def lengths(self) -> np.ndarray:
        """Tokens in each sequence, special ones included (n,)."""
        size = np.array([len(text) for text in self.texts] + [0])  # the last entry stands for ALONE
        return size[self.source] + size[self.target] + 2 + _TAILS


def paired_examples(
    texts: Sequence[Sequence[int]], pairs: np.ndarray, cosine: np.ndarray, weight: float = 1.0
) -> Examples:
    """Examples of `pairs` (n, 2), their levels from the cosine and from the words that they share."""
    new = np.array([_share_new(texts[s], texts[t]) for s, t in pairs]) if len(pairs) else np.zeros(0)
    return Examples(
        texts,
        pairs[:, 0],
        pairs[:, 1],
        1 + np.digitize(cosine, FIDELITY_EDGES),
        1 + np.digitize(new, BOLDNESS_EDGES),
        np.full(len(pairs), weight),
    )


def unpaired_examples(texts: Sequence[Sequence[int]], chosen: np.ndarray, weight: float = 1.0) -> Examples:
    """Examples that denoise the texts `chosen` without a source."""
    unknown = np.zeros(len(chosen), dtype=np.int64)
    return Examples(texts, unknown + ALONE, chosen, unknown, unknown, np.full(len(chosen), weight))


def join_examples(parts: Sequence[Examples]) -> Examples:
    """Examples over the same texts, one after the other."""
    columns = [[p.source, p.target, p.fidelity, p.boldness, p.weight] for p in parts]
    return Examples(parts[0].texts, *(np.concatenate(column) for column in zip(*columns, strict=True)))


def _share_new(source: Sequence[int], target: Sequence[int]) -> float:
    known = set(source)
    return sum(token not in known for token in target) / max(len(target), 1)


@dataclass(frozen=True)
class Batch:
    """Noised examples, padded to one length; `answers` are the clean tokens at `where`, in its order."""

    ids: Tensor
    segments: Tensor
    fidelity: Tensor
    boldness: Tensor
    where: Tensor
    answers: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        parts = (self.ids, self.segments, self.fidelity, self.boldness, self.where, self.answers)
        return Batch(*(part.to(device, non_blocking=True) for part in parts))


def add_noise(examples: Examples, rng: np.random.Generator, rate: tuple[float, float] = (0.15, 1.0)) -> Batch:
    """Masks every target at a rate drawn uniformly: the absorbing-state process at a uniform time."""
    rows = [_row(examples, number, rng, rate) for number in range(len(examples))]
    length = max(len(ids) for ids, *_ in rows)
    ids = np.zeros((len(rows), length), dtype=np.int64)
    segments, where, answers = np.zeros_like(ids), np.zeros(ids.shape, dtype=bool), []
    for number, (row, start, masked) in enumerate(rows):
        ids[number, : len(row)] = row
        segments[number, start : len(row)] = 1
        where[number, masked] = True
        answers.append(row[masked])
    ids[where] = MASK
    shown = rng.random(len(rows)) >= _LEVELS_HIDDEN
    return Batch(
        torch.from_numpy(ids),
        torch.from_numpy(segments),
        torch.from_numpy(examples.fidelity * shown),
        torch.from_numpy(examples.boldness * shown),
        torch.from_numpy(where),
        torch.from_numpy(np.concatenate(answers)),
    )


def _row(
    examples: Examples, number: int, rng: np.random.Generator, rate: tuple[float, float]
) -> tuple[np.ndarray, int, np.ndarray]:
    """Ids of one example, where its target begins, and the sorted positions to be masked."""
    target = list(examples.texts[examples.target[number]])
    if examples.source[number] == ALONE:
        source = _some_words(target, rng)
    else:
        source = list(examples.texts[examples.source[number]])
    row = np.array([CLS, *source, SEP, *target, *[SEP] * int(rng.integers(1, _TAILS + 1))])
    start = len(source) + 2
    chosen = rng.random(len(row) - start) < rng.uniform(*rate)
    chosen[rng.integers(len(chosen))] = True
    return row, start, start + np.flatnonzero(chosen)


def _some_words(target: list[int], rng: np.random.Generator) -> list[int]:
    """Some of the target's own tokens in any order, or none: a source for a text that has no neighbor."""
    if rng.random() < 0.5:
        return []
    kept = rng.permutation(len(target))[: int(rng.integers(0, len(target) // 2 + 1))]
    return [target[k] for k in kept]


def noised_batches(examples: Examples, size: int, rng: np.random.Generator) -> Iterator[Batch]:
    """Endless batches of `size`, drawn by weight; examples of like length stand together (less padding)."""
    chance = examples.weight / examples.weight.sum()
    while True:
        pool = examples.take(rng.choice(len(examples), size * 32, p=chance))
        order = np.argsort(pool.lengths(), kind="stable").reshape(-1, size)
        for rows in rng.permutation(order):
            yield add_noise(pool.take(rows), rng)
