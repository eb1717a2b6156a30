"""What a paraphrase begins as: its source, and a target of words that stay and masked tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from tilth.augmentation.diffusion.vocabulary import CLS, MASK, SEP
from tilth.augmentation.text import MAX_SOURCE_TOKENS, Word

BOLDNESS = 2
"""The level of the paraphrases: about half of the words new."""
_STAY = 0.75
"""How often a word of `keep` stays that would have been noised."""
_DRIFTS = (-1, 0, 0, 0, 1)
"""By how many tokens what replaces a word may be longer, drawn from these."""


@dataclass
class Canvas:
    """One candidate to be.

    Attributes:
        row: The source's place among the texts.
        slot: The candidate's among the source's.
        layout: For each part of the target the kept word, or None for a masked token.
        level: The share of free words that are noised.
        ids: The whole sequence, from its beginning to its end.
        start: Where the target begins in it.
    """

    row: int
    slot: int
    layout: list[Word | None]
    level: float
    ids: np.ndarray
    start: int


def make_canvases(
    row: int, words: list[Word], candidates: int, levels: Sequence[float], keep: set[str], rng: np.random.Generator
) -> list[Canvas]:
    """The noised beginnings of a source's candidates, or none where there is nothing to rephrase."""
    free = [place for place, word in enumerate(words) if not word.fixed]
    source = [token for word in words for token in word.ids]
    if not free or len(source) > MAX_SOURCE_TOKENS:
        return []
    canvases = []
    for slot in range(candidates):
        level = levels[slot % len(levels)]
        layout = _noised(words, free, level, keep, rng)
        target = [token for word in layout for token in (word.ids if word is not None else (MASK,))]
        ids = np.array([CLS, *source, SEP, *target, SEP])
        canvases.append(Canvas(row, slot, layout, level, ids, len(source) + 2))
    return canvases


def _noised(
    words: list[Word], free: list[int], level: float, keep: set[str], rng: np.random.Generator
) -> list[Word | None]:
    """Masks a share of the free words, and lets the target be shorter or longer than its source."""
    # One run of words is noised (it may wrap round), so that what stays is phrases and not scattered words.
    count, first = max(1, round(level * len(free))), int(rng.integers(len(free)))
    run = [free[(first + k) % len(free)] for k in range(count)]
    stay = {place for place in run if words[place].text.lower() in keep and rng.random() < _STAY}
    masked = set(run) - stay or {run[0]}
    layout: list[Word | None] = []
    for place, word in enumerate(words):
        if place not in masked:
            layout.append(word)
            continue
        drift = _DRIFTS[int(rng.integers(len(_DRIFTS)))]
        layout.extend([None] * max(0 if len(masked) > 2 else 1, len(word.ids) + drift))
    return [*layout, *[None] * int(rng.integers(0, 3))]


def boldness_level(level: float) -> int:
    """The level of new words that a share of noised words asks for."""
    return 1 if level < 0.5 else BOLDNESS


def pad_canvases(batch: Sequence[Canvas]) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and segments of a batch (batch, length)."""
    length = max(len(canvas.ids) for canvas in batch)
    ids, segments = np.zeros((len(batch), length), dtype=np.int64), np.zeros((len(batch), length), dtype=np.int64)
    for number, canvas in enumerate(batch):
        ids[number, : len(canvas.ids)] = canvas.ids
        segments[number, canvas.start : len(canvas.ids)] = 1
    return torch.from_numpy(ids), torch.from_numpy(segments)
