"""Candidates: what the paraphraser and the recombination make of the chosen sources."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tilth.augmentation.candidate_cache import Paraphraser, generate
from tilth.augmentation.config import Config
from tilth.augmentation.diffusion import AdaptedDenoiser
from tilth.augmentation.quality import Checker, LinkGrammarChecker
from tilth.augmentation.recombination import GeneratedText, RecombinationCorpus, SimilarityLimits, recombine_sources
from tilth.augmentation.selection import Candidates, ChosenSources, LabelAgreementModels
from tilth.augmentation.text import WorkspaceTexts, frame_json, salient_words
from tilth.stage import Resources


def generate_candidates(
    frame: pd.DataFrame,
    corpus: WorkspaceTexts,
    chosen: ChosenSources,
    models: Sequence[LabelAgreementModels],
    adapted: AdaptedDenoiser,
    checks: Sequence[Checker],
    config: Config,
    resources: Resources,
) -> tuple[Candidates, int]:
    """Paraphrases and recombinations of each source.

    Args:
        frame: The table.
        corpus: What people wrote in it.
        chosen: The sources.
        models: Label-agreement models, whose labels say which rows a source may be recombined with.
        adapted: The night's denoiser.
        checks: The grammar checkers; link-grammar's parse of a source becomes part of its frame.
        config: `[augmentation]`.
        resources: The night's.

    Returns:
        The candidates, and how many sources were paraphrased anew and not taken from the cache.
    """
    texts = [frame["text"].iloc[row] for row in chosen.rows]
    content = salient_words(texts, chosen.words, resources.evidence.encoder)
    paraphrases, new = _paraphrase(texts, content, corpus, adapted, config, resources)
    rows = RecombinationCorpus(
        frame["text"].tolist(), resources.evidence.embeddings(), [task.codes for task in models], corpus.rows
    )
    gate = config.gate
    recombined = recombine_sources(
        rows, chosen.rows, chosen.words, [words[:1] for words in content], corpus.casing, adapted.pipeline.tokenizer,
        config, SimilarityLimits(low=gate.low, high=gate.high, content=gate.content),
    )  # fmt: skip
    by_source = [[*first, *second] for first, second in zip(paraphrases, recombined, strict=True)]
    return _aligned(by_source, chosen, texts, _frames(texts, content, checks)), new


def _paraphrase(
    texts: Sequence[str],
    content: Sequence[Sequence[str]],
    corpus: WorkspaceTexts,
    adapted: AdaptedDenoiser,
    config: Config,
    resources: Resources,
) -> tuple[list[list[GeneratedText]], int]:
    """Each source's paraphrases by the denoiser or the large model, and how many sources are not from the cache."""
    paraphraser, fingerprint, config = _backend(adapted, config)
    paraphraser.set_progress_bar_config(disable=None, desc="paraphrasing", leave=False)
    output, new = generate(
        paraphraser, fingerprint, texts, content, corpus.casing, config, resources.seed, resources.evidence.cache
    )
    return [
        [GeneratedText(text, level, -1) for text, level in zip(candidates, levels, strict=True)]
        for candidates, levels in zip(output.texts, output.noise_levels, strict=True)
    ], new


def _backend(adapted: AdaptedDenoiser, config: Config) -> tuple[Paraphraser, str, Config]:
    """Who paraphrases, its fingerprint, and the config with its own steps."""
    if config.backend == "tilth":
        return adapted.pipeline, adapted.fingerprint, config
    from tilth.augmentation.llm import load_large

    large = load_large(config.backend, config.large)
    return large, large.fingerprint, config.model_copy(update={"inference_steps": config.large.inference_steps})


def _frames(texts: Sequence[str], content: Sequence[Sequence[str]], checks: Sequence[Checker]) -> list[str]:
    """What the candidates of each source must keep, with its parse where there is a parser."""
    parser = next((checker for checker in checks if isinstance(checker, LinkGrammarChecker)), None)
    links = [None if parser is None else parser.links(text) for text in texts]
    return list(map(frame_json, texts, content, links))


def _aligned(
    by_source: Sequence[Sequence[GeneratedText]], chosen: ChosenSources, texts: Sequence[str], frames: Sequence[str]
) -> Candidates:
    """The candidates of all sources as arrays that are aligned with each other."""
    source = [k for k, candidates in enumerate(by_source) for _ in candidates]
    candidates = [candidate for each in by_source for candidate in each]
    return Candidates(
        parents=chosen.rows[np.array(source, dtype=np.int64)],
        texts=[candidate.text for candidate in candidates],
        sources=[texts[k] for k in source],
        frames=[frames[k] for k in source],
        noise_levels=np.array([candidate.share for candidate in candidates], dtype=float),
        classes=[chosen.classes[k] for k in source],
        template_row=np.array([candidate.template_row for candidate in candidates], dtype=np.int64),
    )
