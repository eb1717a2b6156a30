"""The stage's work: adapt the denoiser, generate candidates, put each through the gate, cross-validate the gain."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from datasets import Dataset

from tilth.augmentation import figures as report
from tilth.augmentation import worth
from tilth.augmentation.config import Config
from tilth.augmentation.diffusion import AdaptedDenoiser, adapt_denoiser
from tilth.augmentation.generation import generate_candidates
from tilth.augmentation.paraphrase_rows import append_rows, candidates_as_rows
from tilth.augmentation.quality import (
    Checker,
    Fluency,
    UnseenNgramChecker,
    WellFormedness,
    adapted_checker,
    make_checkers,
    nats_cache,
    unavailable_services,
)
from tilth.augmentation.selection import (
    CandidatePool,
    Candidates,
    ChosenSources,
    CrossFitting,
    CrossValidatedGain,
    LabelAgreementModels,
    add_grammar_verdicts,
    choose_sources,
    class_budgets,
    class_sizes,
    cross_validate_gain,
    fill_budgets,
    fit_label_agreement,
    gate_verdicts,
    measure_candidates,
    multiclass_tasks,
    read_passed,
    refuse_by_people,
    source_order,
)
from tilth.augmentation.text import WorkspaceTexts, workspace_texts
from tilth.languages import foreign_language
from tilth.samples import Reason, Split, to_pandas
from tilth.stage import Resources, StageResult

logger = logging.getLogger(__name__)
_SHOWN = 10  # sources that a denoiser of too high a loss still paraphrases, so that a reader can see why


@dataclass(frozen=True)
class _Inputs:
    """What the night knows before anything is generated: its rows, the models of their labels, and the budgets."""

    frame: pd.DataFrame
    corpus: WorkspaceTexts
    models: Sequence[LabelAgreementModels]
    budgets: Mapping[tuple[str, str], int]
    cross_fitting: CrossFitting
    config: Config
    resources: Resources


@dataclass(frozen=True)
class _Generated:
    """The night's denoiser, the sources and their candidates; `new_sources` counts those not from the cache."""

    adapted: AdaptedDenoiser
    good_enough: bool
    checks: Sequence[Checker]
    sources: ChosenSources
    candidates: Candidates
    new_sources: int


@dataclass(frozen=True)
class _Gated:
    """The candidates with their measures, grammar problems (NaN where not measured) and final reasons."""

    pool: CandidatePool
    problems: np.ndarray
    reasons: Sequence[Reason | None]

    @property
    def accepted(self) -> np.ndarray:
        """Whether each candidate is (candidates,)."""
        return np.array([reason is None for reason in self.reasons], dtype=bool)


def augment(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """See `tilth.augmentation.run`."""
    frame = to_pandas(samples)
    if language := foreign_language(frame["text"][frame["split"].ne(Split.GOLD)].tolist()):
        why = f'paraphrases are English only, and most of the texts are not (they are "{language}")'
        return StageResult(samples=samples, metrics={"accepted": 0, "used": 0, "language": language}, skipped=why)
    inputs = _prepare(frame, config, resources)
    if inputs is None:
        return StageResult(samples=samples, skipped="no labels: a paraphrase inherits its label, and no row has one")
    frame, config = inputs.frame, inputs.config
    order = source_order(frame, resources.tasks, inputs.budgets)
    expected = worth.estimate(inputs.cross_fitting, frame["id"].tolist(), order, config, resources.seed)
    if expected is not None and not expected.enough:
        return worth.result_without_paraphrases(samples, expected, config)
    generated = _generate(inputs)
    gated = _gate(inputs, generated)
    accepted, pool = gated.accepted, gated.pool
    gain = None
    if accepted.any() and inputs.cross_fitting.possible:
        gain = cross_validate_gain(inputs.cross_fitting, pool, config.weights, resources.seed)
    used, weight = accepted & _training_takes_them(gain, config), gain.weight if gain else min(config.weights)
    rows = candidates_as_rows(frame, pool.candidates, pool.measures, gated.problems, gated.reasons, used, weight)
    record = generated.adapted.record
    return StageResult(
        samples=append_rows(samples, rows, resources.tasks),
        metrics={
            **_metrics(generated, gated, used, config),
            **(_gain_metrics(gain, weight) if accepted.any() else {}),
            **worth.metrics(expected),
        },
        figures=[
            *worth.figures(expected),
            *report.figures(record, generated.sources, pool.candidates, pool.measures, gated.reasons),
        ],
        carried=generated.adapted.folder,
        unavailable_services=unavailable_services(generated.checks),
    )


def _prepare(frame: pd.DataFrame, config: Config, resources: Resources) -> _Inputs | None:
    """The table with models of its labels, or None where no row has one."""
    models = multiclass_tasks([fit_label_agreement(frame, task, resources.evidence) for task in resources.tasks])
    if not any((task.codes >= 0).any() for task in models):
        return None
    corpus = workspace_texts(frame)
    recall = {name: share for task in models for name, share in task.recall().items()}
    return _Inputs(
        frame=frame,
        corpus=corpus,
        models=models,
        budgets=class_budgets(class_sizes(frame, resources.tasks), recall, config.gate),
        cross_fitting=CrossFitting(models, resources.evidence.embeddings(), config.gate),
        config=config.of_texts(len(corpus.texts)),
        resources=resources,
    )


def _generate(inputs: _Inputs) -> _Generated:
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
    return _Generated(adapted, good_enough, checks, sources, candidates, new_sources)


def _gate(inputs: _Inputs, generated: _Generated) -> _Gated:
    """Measures every candidate and puts it through the gate; without a good denoiser none passes."""
    evidence, gate, candidates = inputs.resources.evidence, inputs.config.gate, generated.candidates
    vectors = evidence.encoder.encode(candidates.texts)
    measures = measure_candidates(
        inputs.frame, candidates, vectors, evidence.embeddings(), inputs.models, inputs.cross_fitting.agrees()
    )
    verdicts: list[Reason | None] = [Reason.UNTRAINED] * len(candidates.texts)
    problems = np.full(len(verdicts), np.nan)
    if generated.good_enough:
        before_grammar = refuse_by_people(gate_verdicts(candidates, measures, gate), candidates, inputs.frame)
        reading = _read(inputs, generated, before_grammar)
        problems, measures = reading.problems, replace(measures, readable=reading.readable)
        verdicts = add_grammar_verdicts(before_grammar, problems, gate)
    reasons = fill_budgets(candidates, measures, verdicts, inputs.budgets, gate)
    return _Gated(CandidatePool(candidates, measures, verdicts, vectors, inputs.budgets), problems, reasons)


def _read(inputs: _Inputs, generated: _Generated, verdicts: Sequence[Reason | None]) -> WellFormedness:
    """How the candidates that passed so far read, by the checkers, the night's acceptability model and the denoiser."""
    candidates, checks, adapted = generated.candidates, generated.checks, generated.adapted
    acceptability = adapted_checker(
        inputs.corpus, set(candidates.sources), checks, adapted, inputs.config, inputs.resources.seed
    )
    cache = nats_cache(inputs.resources.evidence.cache, adapted.fingerprint)
    fluency = Fluency(adapted.pipeline.denoiser, adapted.pipeline.tokenizer, cache)
    return read_passed(candidates, verdicts, checks, acceptability, fluency, inputs.config.gate)


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


def _training_takes_them(gain: CrossValidatedGain | None, config: Config) -> bool:
    return config.when == "always" or (gain is not None and gain.helps)


def _metrics(generated: _Generated, gated: _Gated, used: np.ndarray, config: Config) -> dict[str, Any]:
    adapted = generated.adapted
    return {
        "sources": len(generated.sources.rows),
        "sources_drawn": generated.new_sources,
        "sources_skipped": generated.sources.skipped,
        "candidates": len(gated.reasons),
        "accepted": int(gated.accepted.sum()),
        "used": int(used.sum()),
        "rejected": report.count_reasons(gated.reasons),
        "heldout_loss": adapted.record["heldout_loss"],
        "heldout_loss_before": adapted.record["heldout_loss_before"],
        "max_heldout_loss": config.max_heldout_loss,
        "good_enough": generated.good_enough,
        "steps": adapted.record["steps"] if adapted.trained else 0,
        "start": adapted.record["start"] if adapted.trained else "carried, unchanged",
        "curve": adapted.record["curve"],
        "grammar": [*(checker.name for checker in generated.checks), "denoiser"],
        "when": config.when,
    }


def _gain_metrics(gain: CrossValidatedGain | None, weight: float) -> dict[str, Any]:
    if gain is None:
        return {"weight": weight}
    return {
        "weight": weight,
        "macro_f1_without": round(gain.macro_f1_without, 4),
        "macro_f1_with": round(gain.macro_f1_with, 4),
        "macro_f1_difference_95": [round(value, 4) for value in gain.interval],
    }
