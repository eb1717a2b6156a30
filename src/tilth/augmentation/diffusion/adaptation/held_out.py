"""The held-out loss of each group of like rows, which says what of the workspace's language a denoiser knows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tilth.augmentation.diffusion.adaptation.adaptation_corpus import AdaptationCorpus
from tilth.augmentation.diffusion.adaptation.loss_groups import FEWEST, ONE_GROUP, LossGroups, find_groups
from tilth.augmentation.diffusion.adaptation.training_data import Examples
from tilth.augmentation.diffusion.adaptation.training_loop import example_losses
from tilth.augmentation.diffusion.denoiser import Denoiser

_DRAWN = 256  # examples measured: fewer are noised several times
_OF_FEW = 64  # the same, of fewer examples than measure a group


@dataclass(frozen=True)
class Losses:
    """What a denoiser loses on the held-out text of each group; every array is (groups,).

    Attributes:
        totals: Nats.
        tokens: Masked tokens.
        known: Whether enough examples measure the group.
    """

    totals: np.ndarray
    tokens: np.ndarray
    known: np.ndarray

    @property
    def groups(self) -> np.ndarray:
        """Nats a masked token, NaN where too little text measures a group."""
        return np.where(self.known, np.round(self.totals / np.maximum(self.tokens, 1), 4), np.nan)

    def mean(self, wanted: np.ndarray) -> float | None:
        """Nats a masked token over the groups that are wanted, or all where none is; None without held-out text."""
        chosen = wanted if self.tokens[wanted].sum() else np.ones_like(wanted)
        tokens = self.tokens[chosen].sum()
        return round(float(self.totals[chosen].sum() / tokens), 4) if tokens else None

    def hopeless(self, limit: float, fall: np.ndarray | float) -> np.ndarray:
        """Whether each group's loss is known, and would stay above the limit even if it fell by so much (groups,)."""
        return np.asarray(self.groups - fall > limit)


@dataclass(frozen=True)
class HeldOut:
    """Measures denoisers by a table's held-out text.

    Attributes:
        examples: The held-out examples, None where there is too little text.
        groups: The table's.
        codes: The group of each row of the table (rows,).
        seed: Of the noise.
        first: Nats and tokens of each example, by the denoiser that the groups were found with; both (examples,).
    """

    examples: Examples | None
    groups: LossGroups
    codes: np.ndarray
    seed: int
    first: tuple[np.ndarray, np.ndarray]

    def __call__(self, model: Denoiser) -> Losses:
        """The losses of a denoiser."""
        return self._losses(*_drawn(model, self.examples, self.seed))

    @property
    def before(self) -> Losses:
        """The losses of the denoiser that the groups were found with."""
        return self._losses(*self.first)

    def _losses(self, totals: np.ndarray, tokens: np.ndarray) -> Losses:
        count = len(self.groups.names)
        mine = self.codes[self.examples.target] if self.examples is not None else np.zeros(0, dtype=np.int64)
        sums = [np.bincount(mine, weights=part, minlength=count) for part in (totals, tokens)]
        fewest = FEWEST if count > 1 else 1
        return Losses(sums[0], sums[1], (np.bincount(mine, minlength=count) >= fewest) & (sums[1] > 0))

    def of_groups(self, examples: Examples, wanted: np.ndarray) -> Examples:
        """The examples whose target is of the groups that are wanted (groups,)."""
        return examples.take(np.flatnonzero(wanted[self.codes[examples.target]]))


def hold_out(frame: pd.DataFrame, vectors: np.ndarray, corpus: AdaptationCorpus, model: Denoiser, seed: int) -> HeldOut:
    """What measures the night's denoiser, with the groups that the loss of `model` tells apart best.

    Args:
        frame: The table.
        vectors: Embeddings of its rows.
        corpus: Of the table.
        model: A denoiser that has learned none of the held-out texts.
        seed: Of the noise and the clusters.
    """
    groups, (totals, tokens) = ONE_GROUP, _drawn(model, corpus.heldout, seed)
    if corpus.heldout is not None and len(np.unique(corpus.heldout.target)) >= 2 * FEWEST:
        known = np.flatnonzero(tokens)
        groups = find_groups(
            frame, vectors, corpus.rows, corpus.heldout.target[known], totals[known] / tokens[known], seed
        )
    return HeldOut(corpus.heldout, groups, groups.codes(frame, vectors), seed, (totals, tokens))


def record_of(held_out: HeldOut, before: Losses, after: Losses) -> dict[str, Any]:
    """What the record of a denoiser keeps of the groups, for `within_limit`; a loss that is not known is None."""
    values = {"before": before.groups, "losses": after.groups}
    return held_out.groups.to_json() | {
        name: [None if np.isnan(loss) else float(loss) for loss in losses] for name, losses in values.items()
    }


def within_limit(record: Mapping[str, Any] | None, loss: float | None, limit: float) -> np.ndarray:
    """Whether the loss of each group of a record by `record_of` is known and no higher than the limit (groups,).

    Args:
        record: None where it is from before there were groups.
        loss: Of all held-out text, which then counts.
        limit: The largest loss that is good enough.
    """
    losses = [loss] if not record else record["losses"]
    return np.array([known is not None and known <= limit for known in losses], dtype=bool)


def _drawn(model: Denoiser, examples: Examples | None, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Nats and tokens of each example, noised as often as makes up for few of them; none where there is no example."""
    if examples is None:
        return np.zeros(0), np.zeros(0, dtype=np.int64)
    times = max(1, math.ceil(_DRAWN / max(1, len(examples))) if len(examples) >= FEWEST else _OF_FEW // len(examples))
    parts = [example_losses(model, examples, seed + k) for k in range(times)]
    return np.sum([totals for totals, _ in parts], axis=0), np.sum([tokens for _, tokens in parts], axis=0)
