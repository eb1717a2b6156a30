"""Draw a night's candidates: adapt the denoiser, choose the sources, generate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tilth.augmentation.diffusion import AdaptedDenoiser, adapt_denoiser
from tilth.augmentation.generation import generate_candidates
from tilth.augmentation.night_inputs import NightInputs
from tilth.augmentation.quality import Checker, UnseenNgramChecker, make_checkers
from tilth.augmentation.selection import Candidates, ChosenSources, choose_sources
from tilth.augmentation.text import WorkspaceTexts


@dataclass(frozen=True)
class Drawn:
    """A night's draw.

    Attributes:
        adapted: The denoiser.
        corpus: The texts whose language it knows.
        checks: The grammar checkers.
        sources: The rows that were paraphrased.
        candidates: Theirs.
        new_sources: How many sources have candidates that are not from the cache.
    """

    adapted: AdaptedDenoiser
    corpus: WorkspaceTexts
    checks: Sequence[Checker]
    sources: ChosenSources
    candidates: Candidates
    new_sources: int


def adapt(inputs: NightInputs) -> AdaptedDenoiser:
    """Adapts the denoiser to the night's texts."""
    resources = inputs.resources
    return adapt_denoiser(
        inputs.frame, resources.tasks, resources.evidence, inputs.config,
        seed=resources.seed, folder=resources.scratch / "denoiser", carried=resources.carried,
    )  # fmt: skip


def draw(inputs: NightInputs, adapted: AdaptedDenoiser, known: np.ndarray) -> Drawn:
    """Chooses the sources and generates their candidates.

    Args:
        inputs: The night's.
        adapted: Its denoiser.
        known: Whether that knows language like each row's well enough (rows,); of the others none is a source, nor do
            they say what people write.
    """
    frame, config, resources = inputs.frame, inputs.config, inputs.resources
    corpus = inputs.corpus.among(known)
    attested = UnseenNgramChecker(corpus.texts, config.gate.attested)
    checks: list[Checker] = [attested, *make_checkers(config.grammar, config.grammar_server, config.resolve_device())]
    sources = choose_sources(
        frame, resources.tasks, inputs.budgets, config.sources, adapted.pipeline.tokenizer,
        inputs.cross_fitting.agrees_without_any_part(), known,
    )  # fmt: skip
    candidates, new_sources = generate_candidates(
        frame, corpus, sources, inputs.models, adapted, checks, config, resources
    )
    return Drawn(adapted, corpus, checks, sources, candidates, new_sources)
