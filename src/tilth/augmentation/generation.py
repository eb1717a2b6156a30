"""Candidates: what the paraphraser and the recombination make of the chosen sources."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tilth.augmentation.candidate_cache import Paraphraser, draw
from tilth.augmentation.config import Config
from tilth.augmentation.diffusion import Adapted
from tilth.augmentation.quality import Checker, LinkGrammarChecker
from tilth.augmentation.recombination import Made, Nearness, Rows, recombinations
from tilth.augmentation.selection import Candidates, sources
from tilth.augmentation.selection import label_agreement as judging
from tilth.augmentation.text import Written, frame_json, salient_words
from tilth.stage import Resources


def _paraphrased(
    frame: pd.DataFrame,
    people: Written,
    chosen: sources.Chosen,
    fitted: Sequence[judging.TaskJudges],
    adapted: Adapted,
    checks: Sequence[Checker],
    config: Config,
    resources: Resources,
) -> tuple[Candidates, int]:
    """The candidates, and how many sources were paraphrased anew."""
    rows = Rows(frame["text"].tolist(), resources.evidence.embeddings(), [found.codes for found in fitted], people.rows)
    texts = [rows.texts[row] for row in chosen.rows]
    content = salient_words(texts, chosen.words, resources.evidence.encoder)
    paraphraser, fingerprint, config = _backend(adapted, config)
    paraphraser.set_progress_bar_config(disable=None, desc="paraphrasing", leave=False)
    output, drawn = draw(
        paraphraser, fingerprint, texts, content, people.casing, config, resources.seed, resources.evidence.cache
    )
    salient = [words[:1] for words in content]
    gate = config.gate
    others = recombinations(
        rows, chosen.rows, chosen.words, salient, people.casing, adapted.pipeline.tokenizer, config,
        Nearness(low=gate.low, high=gate.high, content=gate.content),
    )  # fmt: skip
    made = [
        [*(Made(text, level, -1) for text, level in zip(*denoised, strict=True)), *more]
        for *denoised, more in zip(output.texts, output.noise_levels, others, strict=True)
    ]
    counts = [len(row) for row in made]
    source = np.repeat(np.arange(len(texts)), counts)
    parser = next((checker for checker in checks if isinstance(checker, LinkGrammarChecker)), None)
    links = [None if parser is None else parser.links(text) for text in texts]
    frames = list(map(frame_json, texts, content, links))
    found = Candidates(
        parents=chosen.rows[source],
        texts=[one.text for row in made for one in row],
        sources=[texts[k] for k in source],
        frames=[frames[k] for k in source],
        levels=np.array([one.share for row in made for one in row], dtype=float),
        classes=[chosen.classes[k] for k in source],
        beside=np.array([one.beside for row in made for one in row], dtype=np.int64),
    )
    return found, drawn


def _backend(adapted: Adapted, config: Config) -> tuple[Paraphraser, str, Config]:
    """Who paraphrases, its fingerprint, and the config with its own steps."""
    if config.backend == "tilth":
        return adapted.pipeline, adapted.fingerprint, config
    from tilth.augmentation.llm import load_large

    large = load_large(config.backend, config.large)
    return large, large.fingerprint, config.model_copy(update={"inference_steps": config.large.inference_steps})
