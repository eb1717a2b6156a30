"""The stage's work: draw candidates, put each through the gate, cross-validate the gain, publish transfer text."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from datasets import Dataset

from tilth.augmentation import figures as report
from tilth.augmentation import worth
from tilth.augmentation.config import Config
from tilth.augmentation.night_inputs import NightInputs, prepare
from tilth.augmentation.paraphrase_rows import append_rows, candidates_as_rows
from tilth.augmentation.proof import MOST, CrossValidatedGain, Tuning, cross_validate_gain, word_features
from tilth.augmentation.selection import Worth, source_order
from tilth.augmentation.text import MAX_SOURCE_TOKENS
from tilth.languages import foreign_language
from tilth.samples import Split, picture_alone, to_pandas
from tilth.stage import Resources, StageResult

if TYPE_CHECKING:
    from tilth.augmentation.drawing import Drawn
    from tilth.augmentation.gating import Gated
    from tilth.augmentation.transfer import Transfer


def augment(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """See `tilth.augmentation.run`."""
    frame = to_pandas(samples)
    if picture_alone(frame).all():
        return StageResult(samples=samples, skipped="no row has a text")
    if (useless := _unfit_texts(frame["text"][frame["split"].ne(Split.GOLD)])) is not None:
        why, language = useless
        return StageResult(samples=samples, metrics={"accepted": 0, "used": 0, **language}, skipped=why)
    inputs = prepare(frame, config, resources)
    if inputs is None:
        return StageResult(samples=samples, skipped="no labels: a paraphrase inherits its label, and no row has one")
    order = source_order(frame, resources.tasks, inputs.budgets)
    expected = worth.estimate(
        inputs.cross_fitting, frame["id"].tolist(), order, inputs.config, resources.seed, resources.evidence
    )
    too_little = None if expected is None or expected.enough else expected
    transfer_wanted = config.transfer == "always" or (config.transfer == "auto" and resources.candidates_wanted)
    if too_little is not None and not transfer_wanted:
        return worth.result_without_paraphrases(samples, too_little, inputs.config)
    return _drawn(samples, inputs, expected, transfer_wanted=transfer_wanted)


def _drawn(samples: Dataset, inputs: NightInputs, expected: Worth | None, *, transfer_wanted: bool) -> StageResult:
    """The stage's result with candidates: paraphrases where they can be worth it, and text for training to transfer."""
    # They load diffusers, which takes seconds that a night without paraphrases saves.
    from tilth.augmentation import known_language, transfer
    from tilth.augmentation.drawing import adapt, draw
    from tilth.augmentation.gating import put_through_gate
    from tilth.augmentation.quality import unavailable_services

    frame, config, resources = inputs.frame, inputs.config, inputs.resources
    too_little = None if expected is None or expected.enough else expected
    started = time.monotonic()
    adapted, vectors = adapt(inputs), resources.evidence.embeddings()
    known = known_language.known_rows(adapted, frame, vectors, config)
    if not known.any():
        return known_language.result_without_paraphrases(samples, frame, adapted, vectors, config)
    drawn = draw(inputs, adapted, known)
    gated = put_through_gate(inputs, drawn)
    seconds = 0.0 if too_little is None else time.monotonic() - started
    published = transfer.publish(inputs, drawn, gated, seconds=seconds) if transfer_wanted else transfer.Transfer()
    if too_little is None:
        return _with_paraphrases(samples, inputs, drawn, gated, published, expected)
    without = worth.result_without_paraphrases(samples, too_little, inputs.config)
    return replace(
        without,
        metrics={**without.metrics, **published.metrics},
        artifacts=published.artifacts,
        carried=drawn.adapted.folder,
        unavailable_services=unavailable_services(drawn.checks),
        skipped=f"{without.skipped}; training was given {published.metrics['transfer']['candidates']} texts to "
        "transfer what it knows by",
    )


def _unfit_texts(texts: pd.Series) -> tuple[str, dict[str, str]] | None:
    """Why no paraphraser is adapted to these texts, and their language where it is that; None where one may be."""
    if len(texts) and all(len(text.split()) > MAX_SOURCE_TOKENS for text in texts):  # a word has one token at least
        return f"every text is longer than the {MAX_SOURCE_TOKENS} tokens of a paraphrase's source", {}
    if language := foreign_language(texts.tolist()):
        why = f'paraphrases are English only, and most of the texts are not (they are "{language}")'
        return why, {"language": language}
    return None


def _with_paraphrases(
    samples: Dataset, inputs: NightInputs, drawn: Drawn, gated: Gated, published: Transfer, expected: Worth | None
) -> StageResult:
    """The table with every candidate as a row."""
    from tilth.augmentation import known_language
    from tilth.augmentation.quality import unavailable_services

    config, accepted, pool = inputs.config, gated.accepted, gated.pool
    gain = _proved_gain(inputs, gated)
    used, weight = accepted & _training_takes_them(gain, config), gain.weight if gain else min(config.weights)
    rows = candidates_as_rows(inputs.frame, pool.candidates, pool.measures, gated.problems, gated.reasons, used, weight)
    record = drawn.adapted.record
    return StageResult(
        samples=append_rows(samples, rows, inputs.resources.tasks),
        metrics={
            **_metrics(drawn, gated, used, config),
            **(_gain_metrics(gain, weight) if accepted.any() else {}),
            **worth.metrics(expected),
            **published.metrics,
        },
        figures=[
            *worth.figures(expected),
            *known_language.figures(record, inputs.frame, inputs.resources.evidence.embeddings(), config),
            *report.gain_figures(gain, config.when),
            *report.class_figures(inputs.sizes, inputs.budgets, pool.candidates, gated.reasons),
            *report.figures(record, drawn.sources, pool.candidates, pool.measures, gated.reasons),
        ],
        artifacts=published.artifacts,
        carried=drawn.adapted.folder,
        unavailable_services=unavailable_services(drawn.checks),
    )


def _proved_gain(inputs: NightInputs, gated: Gated) -> CrossValidatedGain | None:
    """What the accepted paraphrases bring to the model that will be exported; None where nothing can be held out."""
    accepted, pool, resources = gated.accepted, gated.pool, inputs.resources
    if not accepted.any() or not inputs.cross_fitting.possible:
        return None
    labeled = np.any([task.codes >= 0 for task in inputs.cross_fitting.tasks], axis=0)
    words = word_features(resources.evidence, pool.candidates.texts, labeled, accepted)
    tuning = None
    if resources.encoder_tuner is not None and labeled.sum() <= MOST:
        tune = resources.encoder_tuner(inputs.frame, resources)
        tuning = None if tune is None else Tuning(tune, inputs.frame["text"].tolist())
    return cross_validate_gain(inputs.cross_fitting, pool, inputs.config.weights, resources.seed, words, tuning)


def _training_takes_them(gain: CrossValidatedGain | None, config: Config) -> bool:
    return config.when == "always" or (gain is not None and gain.helps)


def _metrics(drawn: Drawn, gated: Gated, used: np.ndarray, config: Config) -> dict[str, Any]:
    from tilth.augmentation import known_language

    return {
        "sources": len(drawn.sources.rows),
        "sources_drawn": drawn.new_sources,
        "sources_skipped": drawn.sources.skipped,
        "candidates": len(gated.reasons),
        "accepted": int(gated.accepted.sum()),
        "used": int(used.sum()),
        "rejected": report.count_reasons(gated.reasons),
        **known_language.metrics(drawn.adapted, config),
        "grammar": [*(checker.name for checker in drawn.checks), "denoiser"],
        "when": config.when,
    }


def _gain_metrics(gain: CrossValidatedGain | None, weight: float) -> dict[str, Any]:
    if gain is None:
        return {"weight": weight}
    return {
        "weight": weight,
        "model": gain.view,
        "visible": round(gain.visible, 4),
        "macro_f1_without": round(gain.macro_f1_without, 4),
        "macro_f1_with": round(gain.macro_f1_with, 4),
        "macro_f1_difference_95": [round(value, 4) for value in gain.interval],
    }
