"""The stage's work: adapt the denoiser, paraphrase, put every candidate through the gate, prove that it helps."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from datasets import Dataset

from tilth.augmentation import figures as report
from tilth.augmentation import worth
from tilth.augmentation.config import Config
from tilth.augmentation.diffusion import Adapted, adapt
from tilth.augmentation.generation import _paraphrased
from tilth.augmentation.paraphrase_rows import appended, rows_of
from tilth.augmentation.quality import (
    AttestedChecker,
    Checker,
    Fluency,
    Reading,
    adapted_checker,
    checkers,
    keep,
    unavailable_services,
)
from tilth.augmentation.selection import (
    Offered,
    Proof,
    Proving,
    _measured,
    _read,
    budgets,
    fill,
    grammatical,
    prove,
    sources,
    verdicts,
)
from tilth.augmentation.selection import label_agreement as judging
from tilth.augmentation.text import written
from tilth.samples import Reason, to_pandas
from tilth.stage import Resources, StageResult

logger = logging.getLogger(__name__)
_SHOWN = 10  # sources that a denoiser below the quality asked for still paraphrases, so that a reader can see why


def augment(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """See `tilth.augmentation.run`."""
    frame = to_pandas(samples)
    fitted = judging.multiclass_tasks([judging.fit(frame, task, resources.evidence) for task in resources.tasks])
    if not any((found.codes >= 0).any() for found in fitted):
        return StageResult(samples=samples, skipped="no labels: a paraphrase inherits its label, and no row has one")
    people = written(frame)
    config = config.of_texts(len(people.texts))
    allowed = budgets(sources.sizes(frame, resources.tasks), _recall(fitted), config.gate)
    proving = Proving(fitted, resources.evidence.embeddings(), config.gate)
    order = sources.in_order(frame, resources.tasks, allowed)
    expected = worth.estimate(proving, frame["id"].tolist(), order, config, resources.seed)
    if expected is not None and not expected.enough:
        return worth.nothing_drawn(samples, expected, config, resources)
    attested = AttestedChecker(people.texts, config.gate.attested)
    checks: list[Checker] = [attested, *checkers(config.grammar, config.grammar_server, config.resolve_device())]
    adapted = adapt(
        frame, resources.tasks, resources.evidence, config,
        seed=resources.seed, folder=resources.scratch / "denoiser", carried=resources.carried,
    )  # fmt: skip
    trained = config.backend != "tilth" or _good_enough(adapted, config)
    chosen = sources.choose(
        frame, resources.tasks, allowed, config.sources if trained else min(_SHOWN, config.sources),
        adapted.pipeline.tokenizer, proving.vouched_by_any(),
    )  # fmt: skip
    candidates, drawn = _paraphrased(frame, people, chosen, fitted, adapted, checks, config, resources)
    vectors = resources.evidence.encoder.encode(candidates.texts)
    measured = _measured(frame, candidates, vectors, fitted, proving.vouched()[candidates.parents], resources)
    graded: list[Reason | None] = [Reason.UNTRAINED] * len(candidates.texts)
    read = Reading(np.full(len(graded), np.nan), measured.readable)
    if trained:
        first = verdicts(candidates, measured, config.gate)
        critic = adapted_checker(people, set(candidates.sources), checks, adapted, config, resources.seed)
        kept = keep(resources.evidence.cache, adapted.fingerprint)
        fluency = Fluency(adapted.pipeline.denoiser, adapted.pipeline.tokenizer, kept)
        read = _read(candidates, first, checks, critic, fluency, config.gate)
        measured = replace(measured, readable=read.readable)
        graded = grammatical(first, read.problems, config.gate)
    reasons = fill(candidates, measured, graded, allowed, config.gate)
    accepted = np.array([reason is None for reason in reasons], dtype=bool)
    offered = Offered(candidates, measured, graded, vectors, allowed)
    proved = prove(proving, offered, config.weights, resources.seed) if accepted.any() and proving.possible else None
    used, weight = accepted & _taken(proved, config), proved.weight if proved else min(config.weights)
    proof = _told(proved) if proved else {"weight": weight}
    rows = rows_of(frame, candidates, measured, read.problems, reasons, used, weight)
    return StageResult(
        samples=appended(samples, rows, resources.tasks),
        metrics={
            "sources": len(chosen.rows),
            "sources_drawn": drawn,
            "sources_skipped": chosen.skipped,
            "candidates": len(candidates.texts),
            "accepted": int(accepted.sum()),
            "used": int(used.sum()),
            "rejected": report.counted(reasons),
            "heldout_loss": adapted.record["heldout_loss"],
            "heldout_loss_before": adapted.record["heldout_loss_before"],
            "max_heldout_loss": config.max_heldout_loss,
            "good_enough": trained,
            "steps": adapted.record["steps"] if adapted.trained else 0,
            "start": adapted.record["start"] if adapted.trained else "carried, unchanged",
            "curve": adapted.record["curve"],
            "grammar": [*(checker.name for checker in checks), "denoiser"],
            "when": config.when,
            **(proof if accepted.any() else {}),
            **worth.metrics(expected),
        },
        figures=[*worth.figures(expected), *report.figures(adapted.record, chosen, candidates, measured, reasons)],
        carried=adapted.folder,
        unavailable_services=unavailable_services(checks),
    )


def _good_enough(adapted: Adapted, config: Config) -> bool:
    """Whether the held-out loss is known and low enough; says so where it is not."""
    loss = adapted.record["heldout_loss"]
    if loss is not None and loss <= config.max_heldout_loss:
        return True
    logger.warning(
        "the paraphraser's held-out loss is %s, above max_heldout_loss = %s: no paraphrase is accepted",
        loss, config.max_heldout_loss,
    )  # fmt: skip
    return False


def _recall(fitted: Sequence[judging.TaskJudges]) -> dict[tuple[str, str], float]:
    return {name: value for found in fitted for name, value in found.recall().items()}


def _taken(proved: Proof | None, config: Config) -> bool:
    """Whether training takes the accepted ones."""
    return config.when == "always" or (config.when == "auto" and proved is not None and proved.helps)


def _told(proved: Proof) -> dict[str, Any]:
    return {
        "weight": proved.weight,
        "macro_f1_without": round(proved.without, 4),
        "macro_f1_with": round(proved.with_them, 4),
        "macro_f1_difference_95": [round(value, 4) for value in proved.interval],
    }
