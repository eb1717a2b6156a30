"""Draw a night's candidates: adapt the denoiser, choose the sources, generate."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from tilth.augmentation.config import Config
from tilth.augmentation.diffusion import AdaptedDenoiser, adapt_denoiser
from tilth.augmentation.generation import generate_candidates
from tilth.augmentation.night_inputs import NightInputs
from tilth.augmentation.quality import Checker, UnseenNgramChecker, make_checkers
from tilth.augmentation.selection import Candidates, ChosenSources, choose_sources

logger = logging.getLogger(__name__)
_SHOWN = 10  # sources that a denoiser of too high a loss still paraphrases, so that a reader can see why


@dataclass(frozen=True)
class Drawn:
    """The night's denoiser, the sources and their candidates; `new_sources` counts those not from the cache."""

    adapted: AdaptedDenoiser
    good_enough: bool
    checks: Sequence[Checker]
    sources: ChosenSources
    candidates: Candidates
    new_sources: int


def draw(inputs: NightInputs) -> Drawn:
    """Adapts the denoiser, chooses the sources, and generates their candidates."""
    frame, config, resources = inputs.frame, inputs.config, inputs.resources
    attested = UnseenNgramChecker(inputs.corpus.texts, config.gate.attested)
    checks: list[Checker] = [attested, *make_checkers(config.grammar, config.grammar_server, config.resolve_device())]
    adapted = adapt_denoiser(
        frame, resources.tasks, resources.evidence, config,
        seed=resources.seed, folder=resources.scratch / "denoiser", carried=resources.carried,
    )  # fmt: skip
    good_enough = config.backend != "tilth" or _low_enough_loss(adapted, config)
    sources = choose_sources(
        frame, resources.tasks, inputs.budgets, config.sources if good_enough else min(_SHOWN, config.sources),
        adapted.pipeline.tokenizer, inputs.cross_fitting.agrees_without_any_part(),
    )  # fmt: skip
    candidates, new_sources = generate_candidates(
        frame, inputs.corpus, sources, inputs.models, adapted, checks, config, resources
    )
    return Drawn(adapted, good_enough, checks, sources, candidates, new_sources)


def _low_enough_loss(adapted: AdaptedDenoiser, config: Config) -> bool:
    """Whether the held-out loss is known and low enough; warns where it is not."""
    loss = adapted.record["heldout_loss"]
    if loss is not None and loss <= config.max_heldout_loss:
        return True
    logger.warning(
        "the paraphraser's held-out loss is %s, above max_heldout_loss = %s: no paraphrase is accepted",
        loss, config.max_heldout_loss,
    )  # fmt: skip
    return False
