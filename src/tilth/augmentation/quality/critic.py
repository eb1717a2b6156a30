"""The critic: the acceptability model after a night's lesson in how the workspace's own texts go wrong.

What a recombination breaks differs from workspace to workspace. Of 200 paraphrases of banking77 that we read one by
one, the shipped model told the right from the wrong with an AUROC of 0.63 where texts were recombined, and with 0.68
after 120 batches of banking77's own recombinations.
"""

from __future__ import annotations

import logging
import math
import random
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from tilth.augmentation.diffusion import Adapted, DiffusionConfig, find_denoiser
from tilth.augmentation.quality.acceptability import WEIGHTS, AcceptabilityChecker, load, save
from tilth.augmentation.quality.acceptability_training import batches, by_turns, fit, paired, recombinations
from tilth.augmentation.quality.grammar import Checker
from tilth.augmentation.quality.synthetic_errors import with_a_mistake
from tilth.augmentation.text import Written

logger = logging.getLogger(__name__)
FILE = "critic.safetensors"
_SOURCES = 600  # texts whose recombinations are learned from
_WORDS = range(3, 26)
_FEWEST = 200  # recombinations below which there is no lesson
_PEAK = 5e-4


def night_critic(
    texts: Sequence[str],
    besides: set[str],
    casing: Mapping[str, str],
    tokenizer: Any,
    folder: Path,
    *,
    shipped: AcceptabilityChecker,
    steps: int,
    seed: int,
    start: Path | None = None,
) -> AcceptabilityChecker:
    """The night's critic, from where it was kept or newly taught.

    Args:
        texts: What people wrote in the workspace.
        besides: Those that will be paraphrased: their recombinations are to be judged, and none is learned from.
        casing: Spelling of words in the corpus.
        tokenizer: The denoiser's.
        folder: Where it is kept; one that is there already is taken as it is.
        shipped: The one that came in the package, which serves where there is no lesson; the critic runs where it does.
        steps: Batches of pairs, in proportion fewer where few texts are free to be learned from; 0 = no lesson.
        seed: Of what is drawn.
        start: Folder of the denoiser that the night began from, which may hold one.
    """
    file = folder / FILE
    if start is not None and not file.exists() and (start / FILE).exists():
        for suffix in (".safetensors", ".json"):
            shutil.copy((start / FILE).with_suffix(suffix), file.with_suffix(suffix))
    if file.exists():
        return AcceptabilityChecker(file, shipped.device)
    every = sorted(set(texts))
    free = [text for text in every if text not in besides and len(text.split()) in _WORDS]
    if not steps or not free:
        return shipped
    rng = random.Random(seed)
    learned = rng.sample(free, min(_SOURCES, len(free)))
    steps = math.ceil(steps * len(learned) / _SOURCES)
    pairs = recombinations(learned, every, casing, tokenizer, seed)
    if len(pairs) < _FEWEST:
        logger.info("%d recombinations are too few to teach the critic", len(pairs))
        return shipped
    model, facts = load(WEIGHTS)
    wrong = paired(pairs, seed)
    mistaken = any(with_a_mistake(text, rng) is not None for text in every)
    lessons = [batches(every, seed), wrong, wrong] if mistaken else [wrong]
    with torch.random.fork_rng(devices=[shipped.device] if shipped.device.startswith("cuda") else []):
        torch.manual_seed(seed)  # of the dropout
        curve = fit(model.to(shipped.device), by_turns(*lessons), steps, _PEAK)
    save(model, facts | {"night_steps": steps, "night_pairs": len(pairs), "night_curve": curve}, file)
    return AcceptabilityChecker(file, shipped.device)


def adapted_checker(
    people: Written,
    besides: set[str],
    checks: Sequence[Checker],
    adapted: Adapted,
    config: DiffusionConfig,
    seed: int,
) -> AcceptabilityChecker | None:
    """The night's critic, unless the config's checkers go without the acceptability model."""
    shipped = next((checker for checker in checks if isinstance(checker, AcceptabilityChecker)), None)
    if shipped is None:
        return None
    return night_critic(
        people.texts, besides, people.casing, adapted.pipeline.tokenizer, adapted.folder,
        shipped=shipped, steps=config.adapt.critic_steps, seed=seed, start=find_denoiser(config.denoiser),
    )  # fmt: skip
