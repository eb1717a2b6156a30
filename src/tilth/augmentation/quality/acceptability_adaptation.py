"""The acceptability model, adapted each night to how the workspace's own texts go wrong.

What a recombination breaks differs from workspace to workspace. Of 200 paraphrases of banking77 that we read one by
one, the shipped model told the right from the wrong with an AUROC of 0.63 where texts were recombined, and with 0.68
after 120 batches of banking77's own recombinations. A rate that rises in a tenth of the steps makes do with half of
them: of 844 recombinations of the demo's widget that were held out, the shipped model scores 0.534 above their sources,
120 batches with a rise of 100 of them 0.686, 60 with a rise of 6 0.685 (processor seconds: 36.6 and 18.8). Half of
them again at twice the rate give as much: of 200 of the widget's texts, 10 batches at 1e-3 and 20 at 5e-4 an AUROC of
0.674 and 0.663 in one split, of 0.563 and 0.555 in another, and on the demo 30 take 11 processor seconds for 21.

The steps read some 480 recombinations, and of 600 texts there were 2,600: two each of two texts in five give as much.
Of held-out texts and their recombinations, 30 steps, eight each of all and two each of these: an AUROC of 0.662 and
0.679, 0.679 and 0.678 (two draws of banking77's texts), 0.584 and 0.599 (the demo's widget); the shipped model 0.641,
0.642 and 0.563. Recombining took 28 processor seconds for all.
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

from tilth.augmentation.diffusion import AdaptedDenoiser, DiffusionConfig, find_denoiser
from tilth.augmentation.quality.acceptability import (
    WEIGHTS,
    AcceptabilityChecker,
    load_acceptability,
    save_acceptability,
)
from tilth.augmentation.quality.acceptability_training import (
    EACH,
    by_turns,
    pair_batches,
    recombination_pairs,
    synthetic_error_batches,
    train_acceptability,
)
from tilth.augmentation.quality.grammar import Checker
from tilth.augmentation.quality.synthetic_errors import with_synthetic_error
from tilth.augmentation.text import WorkspaceTexts

logger = logging.getLogger(__name__)
FILE = "critic.safetensors"
_SOURCES = 600  # texts whose recombinations are learned from
_WORDS = range(3, 26)
_FEWEST = 200  # recombinations below which the shipped model stays as it is
_FEW_SOURCES, _FEW = 0.4, 2  # the share of texts that is recombined at first, and recombinations of each
_PEAK = 1e-3


def adapt_acceptability(
    texts: Sequence[str],
    sources: set[str],
    casing: Mapping[str, str],
    tokenizer: Any,
    folder: Path,
    *,
    shipped: AcceptabilityChecker,
    steps: int,
    seed: int,
    start: Path | None = None,
) -> AcceptabilityChecker:
    """The acceptability model adapted to the night: read from where it was saved, or trained.

    Args:
        texts: What people wrote in the workspace.
        sources: Those that will be paraphrased: the model scores their recombinations, and trains on none of them.
        casing: Spelling of words in the corpus.
        tokenizer: The denoiser's.
        folder: Where it is saved; one that is there already is taken as it is.
        shipped: The one that came in the package, which serves where nothing is trained; the adapted one runs
            on its device.
        steps: Batches of pairs, in proportion fewer where few texts may be trained on; 0 = none.
        seed: Of what is drawn.
        start: Folder of the denoiser that the night began from, which may hold one.
    """
    file = folder / FILE
    if start is not None and not file.exists() and (start / FILE).exists():
        for suffix in (".safetensors", ".json"):
            shutil.copy((start / FILE).with_suffix(suffix), file.with_suffix(suffix))
    if file.exists():
        return AcceptabilityChecker(file, shipped.device)
    unique = sorted(set(texts))
    free = [text for text in unique if text not in sources and len(text.split()) in _WORDS]
    if not steps or not free:
        return shipped
    rng = random.Random(seed)
    learned = rng.sample(free, min(_SOURCES, len(free)))
    steps = math.ceil(steps * len(learned) / _SOURCES)
    few = learned[: math.ceil(_FEW_SOURCES * len(learned))]
    first = [(few, _FEW)] if _FEW * len(few) >= _FEWEST else []  # fewer texts cannot give enough
    for some, each in (*first, (learned, EACH)):
        pairs = recombination_pairs(some, unique, casing, tokenizer, seed, each)
        if len(pairs) >= _FEWEST:
            break
    else:
        logger.info("%d recombinations are too few to adapt the acceptability model", len(pairs))
        return shipped
    model, facts = load_acceptability(WEIGHTS)
    wrong = pair_batches(pairs, seed)
    allows_errors = any(with_synthetic_error(text, rng) is not None for text in unique)
    batches = [synthetic_error_batches(unique, seed), wrong, wrong] if allows_errors else [wrong]
    with torch.random.fork_rng(devices=[shipped.device] if shipped.device.startswith("cuda") else []):
        torch.manual_seed(seed)  # of the dropout
        try:
            curve = train_acceptability(model.to(shipped.device), by_turns(*batches), steps, _PEAK)
        except FloatingPointError as error:
            logger.warning("the acceptability model is not adapted to these texts: %s", error)
            return shipped
    save_acceptability(model, facts | {"night_steps": steps, "night_pairs": len(pairs), "night_curve": curve}, file)
    return AcceptabilityChecker(file, shipped.device)


def adapted_checker(
    corpus: WorkspaceTexts,
    sources: set[str],
    checks: Sequence[Checker],
    adapted: AdaptedDenoiser,
    config: DiffusionConfig,
    seed: int,
) -> AcceptabilityChecker | None:
    """The acceptability model adapted to the night; None where the config's checkers go without it."""
    shipped = next((checker for checker in checks if isinstance(checker, AcceptabilityChecker)), None)
    if shipped is None:
        return None
    return adapt_acceptability(
        corpus.texts, sources, corpus.casing, adapted.pipeline.tokenizer, adapted.folder,
        shipped=shipped, steps=config.adapt.critic_steps, seed=seed, start=find_denoiser(config.denoiser),
    )  # fmt: skip
