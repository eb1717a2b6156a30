"""The stage's work: adapt the denoiser, paraphrase, put every candidate through the gate, prove that it helps."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from datasets import Dataset

from tilth.augmentation import judges as judging
from tilth.augmentation import readability, report, sources, weights, worth
from tilth.augmentation.acceptability import AcceptabilityChecker
from tilth.augmentation.adapt import Adapted, adapt
from tilth.augmentation.attestation import AttestedChecker
from tilth.augmentation.config import Config, GateConfig
from tilth.augmentation.corpus import Written, written
from tilth.augmentation.critic import night_critic
from tilth.augmentation.drawing import Paraphraser, draw
from tilth.augmentation.fluency import Fluency, keep
from tilth.augmentation.gate import Candidates, Measured, changed, fill, grammatical, novelty, verdicts
from tilth.augmentation.grammar import Checker, checkers, unheard
from tilth.augmentation.link_grammar import LinkGrammarChecker
from tilth.augmentation.nearby import Made, Rows, recombinations
from tilth.augmentation.proof import Offered, Proof, Proving, prove
from tilth.augmentation.readability import Reading
from tilth.augmentation.rows import appended, rows_of
from tilth.augmentation.slots import frame_json
from tilth.samples import Reason, Split, to_pandas
from tilth.stage import Resources, StageResult
from tilth.text import normal_form

logger = logging.getLogger(__name__)
_SHOWN = 10  # sources that a denoiser below the quality asked for still paraphrases, so that a reader can see why


def augment(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """See `tilth.augmentation.run`."""
    frame = to_pandas(samples)
    fitted = judging.telling([judging.fit(frame, task, resources.evidence) for task in resources.tasks])
    if not any((found.codes >= 0).any() for found in fitted):
        return StageResult(samples=samples, skipped="no labels: a paraphrase inherits its label, and no row has one")
    people = written(frame)
    config = config.of_texts(len(people.texts))
    allowed = sources.budgets(sources.sizes(frame, resources.tasks), _recall(fitted), config.gate)
    proving = Proving(fitted, resources.evidence.embeddings(), config.gate)
    order = sources.in_order(frame, resources.tasks, allowed)
    expected = worth.estimate(proving, frame["id"].tolist(), order, config, resources.seed)
    if expected is not None and not expected.enough:
        return worth.nothing_drawn(samples, expected, config, resources)
    attested = AttestedChecker(people.texts, config.gate.attested)
    checks: list[Checker] = [attested, *checkers(config.grammar, config.grammar_server, config.placed())]
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
        critic = _critic(people, set(candidates.sources), checks, adapted, config, resources.seed)
        kept = keep(resources.evidence.cache, adapted.fingerprint)
        fluency = Fluency(adapted.pipeline.denoiser, adapted.pipeline.tokenizer, kept)
        read = _read(candidates, first, checks, critic, fluency, config.gate)
        measured = replace(measured, readable=read.readable)
        graded = grammatical(first, read.problems, config.gate)
    reasons = fill(candidates, measured, graded, allowed, config.gate)
    accepted = np.array([reason is None for reason in reasons], dtype=bool)
    offered = Offered(candidates, measured, graded, vectors, allowed)
    proved = prove(proving, offered, config, resources.seed) if accepted.any() and proving.possible else None
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
        unheard=unheard(checks),
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
    content = sources.salient_words(texts, chosen.words, resources.evidence.encoder)
    paraphraser, fingerprint, config = _backend(adapted, config)
    paraphraser.set_progress_bar_config(disable=None, desc="paraphrasing", leave=False)
    output, drawn = draw(
        paraphraser, fingerprint, texts, content, people.casing, config, resources.seed, resources.evidence.cache
    )
    salient = [words[:1] for words in content]
    others = recombinations(rows, chosen.rows, chosen.words, salient, people.casing, adapted.pipeline.tokenizer, config)
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
    from tilth.augmentation.large_weights import load_large

    large = load_large(config.backend, config.large)
    return large, large.fingerprint, config.model_copy(update={"inference_steps": config.large.inference_steps})


def _measured(
    frame: pd.DataFrame,
    candidates: Candidates,
    vectors: np.ndarray,
    fitted: Sequence[judging.TaskJudges],
    vouched: np.ndarray,
    resources: Resources,
) -> Measured:
    rows, gold = resources.evidence.embeddings(), (frame["split"] == Split.GOLD).to_numpy(dtype=bool)
    agreement, first = judging.together([found.agreement(candidates.parents, vectors) for found in fitted])
    gold_forms = {normal_form(text) for text in frame.loc[gold, "text"]}
    texts = frame["text"].tolist()
    return Measured(
        similarity=(vectors * rows[candidates.parents]).sum(axis=1),
        agreement=agreement,
        first_choice=first & vouched,
        changed=changed(candidates),
        novelty=novelty(candidates, vectors, rows, texts, np.flatnonzero(~gold)),
        leaks=np.array([normal_form(text) in gold_forms for text in candidates.texts], dtype=bool),
        readable=np.full(len(candidates.texts), np.nan),
    )


def _critic(
    people: Written,
    besides: set[str],
    checks: Sequence[Checker],
    adapted: Adapted,
    config: Config,
    seed: int,
) -> AcceptabilityChecker | None:
    """The night's critic, unless the config's checkers go without the acceptability model."""
    shipped = next((checker for checker in checks if isinstance(checker, AcceptabilityChecker)), None)
    if shipped is None:
        return None
    return night_critic(
        people.texts, besides, people.casing, adapted.pipeline.tokenizer, adapted.folder,
        shipped=shipped, steps=config.adapt.critic_steps, seed=seed, start=weights.find(config.denoiser),
    )  # fmt: skip


def _read(
    candidates: Candidates,
    reasons: Sequence[Reason | None],
    checks: Sequence[Checker],
    critic: AcceptabilityChecker | None,
    fluency: Fluency,
    gate: GateConfig,
) -> Reading:
    """How what passed so far reads, else NaN."""
    problems, readable = np.full(len(reasons), np.nan), np.full(len(reasons), np.nan)
    passed = [place for place, reason in enumerate(reasons) if reason is None]
    old, new = ([texts[place] for place in passed] for texts in (candidates.sources, candidates.texts))
    found = readability.read(old, new, checks, critic, fluency, gate)
    problems[passed], readable[passed] = found.problems, found.readable
    return Reading(problems, readable)


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
