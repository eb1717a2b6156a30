"""The workspace's own text as training examples: neighbor pairs and texts alone, a part held out, never a gold text."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tilth.augmentation.diffusion.adaptation.training_data import (
    Examples,
    join_examples,
    paired_examples,
    unpaired_examples,
)
from tilth.augmentation.diffusion.config import AdaptConfig
from tilth.augmentation.text import training_text_rows
from tilth.learn import Evidence
from tilth.samples import Task, evenly_spaced
from tilth.text import digest, unit_interval

_SHORTEST, _LONGEST = 2, 44  # tokens of a text that is learned from
_MEASURED = 256  # held-out texts
_PAIRS = 2  # examples of a held-out text at most
_RARE = 2


@dataclass(frozen=True)
class AdaptationCorpus:
    """What a night's adaptation learns from and is measured by.

    Attributes:
        texts: Digests of the texts learned from or measured by, sorted.
        rows: Their rows in the table.
        train, heldout: Examples; their sources and targets are rows of the table.
        seen: Ids of tokens that occur at least twice.
    """

    texts: tuple[str, ...]
    rows: np.ndarray
    train: Examples | None
    heldout: Examples | None
    seen: np.ndarray


def gather_corpus(
    frame: pd.DataFrame, evidence: Evidence, tasks: Sequence[Task], config: AdaptConfig, tokenizer: Any
) -> AdaptationCorpus:
    """The corpus of a table; an example is None where there is too little text for one."""
    rows = training_text_rows(frame)
    ids: list[list[int]] = [[] for _ in range(len(frame))]
    texts = frame["text"].iloc[rows].tolist()
    encoded = tokenizer(texts, add_special_tokens=False, truncation=False)["input_ids"] if texts else []
    for row, tokens in zip(rows, encoded, strict=True):
        ids[row] = list(tokens)
    sized = np.array([row for row in rows if _SHORTEST <= len(ids[row]) <= _LONGEST], dtype=np.int64)
    held = _held_out(frame["id"].to_numpy(), sized, config.heldout)
    pairs, cosine = _neighbor_pairs(frame, evidence, tasks, config, sized)
    seen = Counter(token for row in sized for token in ids[row])
    return AdaptationCorpus(
        tuple(sorted({digest(frame["text"].iloc[row]) for row in sized})),
        sized,
        _mixed(ids, pairs, cosine, ~held[pairs].any(axis=1), sized[~held[sized]], config.pairs),
        _measured(ids, pairs, cosine, held[pairs].any(axis=1), sized[held[sized]]),
        np.array(sorted(token for token, count in seen.items() if count >= _RARE), dtype=np.int64),
    )


def _held_out(row_ids: np.ndarray, rows: np.ndarray, share: float) -> np.ndarray:
    """Boolean (all rows,): the texts with the smallest hash of their id; more of them where there are few."""
    count = max(math.ceil(share * len(rows)), min(16, len(rows) // 3))
    place = np.array([unit_interval(f"denoiser:{row_ids[row]}") for row in rows])
    held = np.zeros(len(row_ids), dtype=bool)
    held[rows[np.argsort(place, kind="stable")[:count]]] = True
    return held


def _neighbor_pairs(
    frame: pd.DataFrame, evidence: Evidence, tasks: Sequence[Task], config: AdaptConfig, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Neighbors among `rows` within the band whose current labels do not clash: (n, 2), cosines (n,)."""
    near = evidence.neighbors(config.neighbors, rows)
    order = np.argsort(near.rows, axis=1)  # by position, which no rounding of a cosine changes
    one, two = np.repeat(rows, order.shape[1]), rows[np.take_along_axis(near.rows, order, axis=1).ravel()]
    cosine = np.take_along_axis(near.similarities, order, axis=1).ravel()
    good = (cosine >= config.low) & (cosine <= config.high)
    for task in tasks:
        codes = pd.factorize(frame[task.name])[0]
        good &= (codes[one] < 0) | (codes[two] < 0) | (codes[one] == codes[two])
    return np.stack([one[good], two[good]], axis=1), cosine[good]


def _mixed(
    ids: list[list[int]], pairs: np.ndarray, cosine: np.ndarray, chosen: np.ndarray, rows: np.ndarray, share: float
) -> Examples | None:
    near, single = paired_examples(ids, pairs[chosen], cosine[chosen]), unpaired_examples(ids, rows)
    near.weight[:] = share / max(1, len(near))
    single.weight[:] = (1 - share if len(near) else 1.0) / max(1, len(single))
    both = join_examples([near, single])
    return both if len(both) and both.weight.sum() > 0 else None


def _measured(
    ids: list[list[int]], pairs: np.ndarray, cosine: np.ndarray, chosen: np.ndarray, rows: np.ndarray
) -> Examples | None:
    """Held-out texts, each as the target of up to two of its pairs, or alone where it has no neighbor."""
    rows = rows[evenly_spaced(len(rows), _MEASURED)]
    places = np.flatnonzero(chosen & np.isin(pairs[:, 1], rows))
    turn = pd.Series(pairs[places, 1]).groupby(pairs[places, 1]).cumcount().to_numpy()
    places = places[turn < _PAIRS]
    alone = np.setdiff1d(rows, pairs[places, 1])
    both = join_examples([paired_examples(ids, pairs[places], cosine[places]), unpaired_examples(ids, alone)])
    return both if len(both) else None
