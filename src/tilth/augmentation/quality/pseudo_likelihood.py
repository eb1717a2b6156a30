"""Each token of a text masked alone and predicted (Salazar et al. 2020), first where a mistake shows first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

from tilth.augmentation.diffusion import CLS, MASK, SEP, Denoiser, each_on_a_core, shortlist_positions
from tilth.devices import autocast
from tilth.threads import thread_count

WORST = 3
"""Least expected tokens of a text that are looked at by themselves."""
ROUNDS = 4
"""Parts of a text, after each of which it is left where it is beyond its limits already."""
_LONGEST = 120
_BATCH = 128


@dataclass
class TextLosses:
    """Cross-entropies of one text's tokens, as far as they are known; what the denoiser cannot predict is left out.

    Attributes:
        ids: The sequence (tokens + 3,): two special tokens, the text, its end.
        places: Where tokens are that can be predicted, in the order in which they are.
        known: Nats of the first of them.
    """

    ids: np.ndarray
    places: list[int]
    known: list[float] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether all are known."""
        return len(self.known) == len(self.places)

    def least(self) -> np.ndarray:
        """Mean and worst (2,), or what they are at least, for no token has less than none; mean NaN without a token."""
        mean = sum(self.known) / len(self.places) if self.places else np.nan
        return np.array([mean, sum(sorted(self.known)[-WORST:]) / WORST])

    def next_places(self, turn: int) -> list[int]:
        """The places of the next part."""
        return self.places[len(self.known) : -(-len(self.places) * (turn + 1) // ROUNDS)]


def measure_losses(
    denoiser: Denoiser, tokenizer: Any, texts: Sequence[str], sources: Sequence[str], limits: np.ndarray
) -> list[TextLosses]:
    """The losses of texts, of each until it is beyond its limits.

    Args:
        denoiser: Predicts; each token costs a pass.
        tokenizer: The denoiser's.
        texts: What is measured.
        sources: Of each text another, beginning where it differs from which its tokens are predicted.
        limits: Mean and worst beyond which it is left (texts, 2).
    """
    if not texts:
        return []
    shortlist = shortlist_positions(denoiser).cpu().numpy()
    encoded = [tokenizer(list(part), add_special_tokens=False)["input_ids"] for part in (texts, sources)]
    losses = [_unknown(ids, set(source), shortlist) for ids, source in zip(*encoded, strict=True)]
    for turn in range(ROUNDS):
        still = [one for one, limit in zip(losses, limits, strict=True) if not (one.least() > limit).any()]
        _predict(denoiser, shortlist, still, turn)
    return losses


def _unknown(ids: Sequence[int], source: set[int], shortlist: np.ndarray) -> TextLosses:
    """A text of which nothing is known yet; its new tokens come first, then those around them."""
    sequence = np.array([CLS, SEP, *ids[:_LONGEST], SEP])
    # The end is a token too, by which a text that breaks off is known.
    places = [place for place in range(2, len(sequence)) if ids and shortlist[sequence[place]] >= 0]
    new = [place for place in places if int(sequence[place]) not in source and place < len(sequence) - 1]
    distance = {place: min((abs(place - other) for other in new), default=0) for place in places}
    return TextLosses(sequence, sorted(places, key=lambda place: distance[place]))


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places of sequences of like length, of which a fifth at most is padding."""
    rows: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: lengths[place]):
        if rows and (len(rows) == _BATCH or lengths[place] > 1.2 * lengths[rows[0]]):
            yield rows
            rows = []
        rows.append(place)
    if rows:
        yield rows


def _predict(denoiser: Denoiser, shortlist: np.ndarray, texts: Sequence[TextLosses], turn: int) -> None:
    """Predicts the next part of each text, in batches of like length."""
    jobs = [(text, place) for text in texts for place in text.next_places(turn)]
    found, device = np.zeros(len(jobs)), denoiser.device

    def predict(rows: list[int]) -> None:
        found[rows] = _nats(denoiser, shortlist, [jobs[row] for row in rows])

    batches = list(_batches([len(text.ids) for text, _ in jobs]))
    threads = thread_count() if device.type == "cpu" else 1
    for _ in each_on_a_core(predict, batches, partial(autocast, device.type), threads=threads):
        pass
    for (text, _), nats in zip(jobs, found.tolist(), strict=True):
        text.known.append(nats)


def _nats(denoiser: Denoiser, shortlist: np.ndarray, batch: Sequence[tuple[TextLosses, int]]) -> np.ndarray:
    """Cross-entropies of a place in each text (texts,)."""
    device = denoiser.device
    ids = np.zeros((len(batch), max(len(text.ids) for text, _ in batch)), dtype=np.int64)
    for number, (text, _) in enumerate(batch):
        ids[number, : len(text.ids)] = text.ids
    where = np.zeros(ids.shape, dtype=bool)
    where[np.arange(len(batch)), [place for _, place in batch]] = True
    answers = torch.from_numpy(shortlist[ids[where]])
    segments = (ids != 0).astype(np.int64)
    segments[:, :2] = 0
    level = torch.zeros(len(batch), dtype=torch.long, device=device)
    noised, segment, masked = (
        torch.from_numpy(part).to(device) for part in (np.where(where, MASK, ids), segments, where)
    )
    logits = denoiser(noised, segment, level, level, masked).float().cpu()
    return np.asarray(torch.nn.functional.cross_entropy(logits, answers, reduction="none").numpy())
