"""The acceptability model's training loop, for pretraining and for each night alike: pairs of which one is wrong."""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional

from tilth.augmentation.quality.acceptability import Acceptability
from tilth.augmentation.quality.synthetic_errors import with_synthetic_error
from tilth.augmentation.recombination import recombine_texts
from tilth.augmentation.text import MIN_REWORDING, rewording, split_words
from tilth.descent import Descent

logger = logging.getLogger(__name__)
BATCH = 24
_WARMUP = 100  # steps, or a tenth of fewer than 1,000
_POOL = 20  # batches whose sentences are drawn together and sorted by length
_TRIED, EACH = 80, 8  # recombinations of a text that are made, and of them taken where nothing else is said

Pair = tuple[str, str]
"""A right text and a wrong one."""


def share_of_peak(step: int, steps: int) -> float:
    """The share of the largest learning rate at a step, counted from 0: a linear rise under a linear fall to 0.

    >>> share_of_peak(0, 20), share_of_peak(10, 20)
    (0.5, 0.5)
    """
    rises = min(_WARMUP, math.ceil(steps / 10))
    return min(1.0, (step + 1) / rises) * (1 - step / steps)


def train_acceptability(
    model: Acceptability, source: Iterator[list[Pair]], steps: int, peak: float
) -> list[list[float]]:
    """Trains in place; each pair says which is wrong, and that the wrong one scores higher. Gives the curve."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    descent = Descent([(trained, peak)], lambda step: share_of_peak(step, steps))
    curve, mean, begun = list[list[float]](), 0.0, time.perf_counter()
    model.train()
    for step in range(steps):
        good, bad = zip(*next(source), strict=True)
        score = model([*good, *bad])
        wrong = torch.cat([torch.zeros(len(good)), torch.ones(len(bad))]).to(score.device)
        margin = score[len(good) :] - score[: len(good)]
        loss = functional.binary_cross_entropy_with_logits(score, wrong) + functional.softplus(-margin).mean()
        value = descent.step(loss)
        mean = value if not step else 0.98 * mean + 0.02 * value
        if (step + 1) % 50 == 0:
            curve.append([step + 1, round(mean, 4)])
            logger.info("step %d loss %.3f, %.2f s a step", step + 1, mean, (time.perf_counter() - begun) / (step + 1))
    return curve


def synthetic_error_batches(texts: Sequence[str], seed: int) -> Iterator[list[Pair]]:
    """Endless batches of a sentence and the same with a mistake, of like length.

    One of the texts at least must allow of a mistake.
    """

    def draw_pairs(rng: random.Random) -> list[Pair]:
        made = [
            (text, with_synthetic_error(text, rng)) for text in rng.sample(list(texts), min(len(texts), BATCH * _POOL))
        ]
        return [(good, bad) for good, bad in made if bad is not None]

    return _pooled(draw_pairs, seed)


def pair_batches(pairs: Sequence[Pair], seed: int) -> Iterator[list[Pair]]:
    """Endless batches of the same pairs, of like length."""
    return _pooled(lambda rng: rng.sample(list(pairs), min(len(pairs), BATCH * _POOL)), seed)


def _pooled(draw: Callable[[random.Random], list[Pair]], seed: int) -> Iterator[list[Pair]]:
    """Batches of pools of pairs: sorted by length within a pool, and shuffled."""
    rng = random.Random(seed)
    while True:
        pairs = sorted(draw(rng), key=lambda pair: len(pair[0]))
        pool = [pairs[start : start + BATCH] for start in range(0, len(pairs), BATCH)]
        rng.shuffle(pool)
        yield from pool


def by_turns(*sources: Iterator[list[Pair]]) -> Iterator[list[Pair]]:
    """A batch of each in turn."""
    while True:
        for source in sources:
            yield next(source)


def is_reworded(source: str, paraphrase: str) -> bool:
    """Whether it is so far from its source as the gate asks of a paraphrase."""
    return rewording(source, paraphrase) >= MIN_REWORDING


def recombination_pairs(
    sources: Sequence[str],
    corpus: Collection[str],
    casing: Mapping[str, str],
    tokenizer: Any,
    seed: int,
    each: int = EACH,
) -> list[Pair]:
    """Sources, with `each` of their recombinations with the corpus; more often than not these are wrong.

    Samples of a model that knows a language by three words in a row show what is wrong with it (Okanohara & Tsujii
    2007, pseudo-negative samples). That some are right does no harm: those look like other right texts.
    """
    rng = random.Random(seed)
    words = [split_words(source, tokenizer) for source in sources]
    made = recombine_texts(sources, words, [[] for _ in sources], corpus, casing, [_TRIED] * len(sources))
    return [
        (source, one.text)
        for source, paraphrases in zip(sources, made, strict=True)
        for one in rng.sample(paraphrases, min(each, len(paraphrases)))
        if is_reworded(source, one.text)
    ]
