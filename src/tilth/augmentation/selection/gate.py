"""The gate: the checks that each candidate must pass, in their order."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tilth.augmentation.selection.candidates import CandidateMeasures, Candidates
from tilth.augmentation.selection.config import GateConfig
from tilth.augmentation.text import keeps_slots, replaces_by_opposite, stem
from tilth.samples import Reason
from tilth.text import digest, normal_form

if TYPE_CHECKING:
    from tilth.augmentation.quality import AcceptabilityChecker, Checker, Fluency, WellFormedness


def gate_verdicts(candidates: Candidates, measures: CandidateMeasures, gate: GateConfig) -> list[Reason | None]:
    """The first check that each candidate fails, or None where it passes all but grammar, which is dear and last."""
    keeps = keeps_label(measures.agreement, measures.first_choice, gate)
    return [_verdict(candidates, measures, keeps, place, gate) for place in range(len(candidates.texts))]


def keeps_label(agreement: np.ndarray, first_choice: np.ndarray, gate: GateConfig) -> np.ndarray:
    """Whether models give each candidate its parent's label, which one without a label cannot lose (candidates,)."""
    return np.asarray(np.isnan(agreement) | ((agreement >= gate.agreement) & first_choice))


def _verdict(
    candidates: Candidates, measures: CandidateMeasures, keeps: np.ndarray, place: int, gate: GateConfig
) -> Reason | None:
    similarity = measures.similarity[place]
    checks = (
        (Reason.EMPTY, bool(normal_form(candidates.texts[place]))),
        (Reason.LEAK, not measures.leaks[place]),
        (Reason.FRAME, _keeps_frame(candidates, place, similarity, gate)),
        (Reason.SIMILARITY, gate.low <= similarity <= gate.high),
        (Reason.NOVELTY, measures.changed[place] >= gate.changed and measures.novelty[place] >= gate.novelty),
        (Reason.LABEL_AGREEMENT, bool(keeps[place])),
    )
    return next((reason for reason, passed in checks if not passed), None)


def refuse_by_people(
    verdicts: Sequence[Reason | None], candidates: Candidates, frame: pd.DataFrame
) -> list[Reason | None]:
    """The verdicts with those candidates refused that a person called a wrong paraphrase of the same row."""
    if "wrong_paraphrases" not in frame:
        return list(verdicts)
    column = frame["wrong_paraphrases"]
    wrong = {place: set(json.loads(text)) for place, text in enumerate(column) if isinstance(text, str)}
    return [
        Reason.REFUSED if digest(text) in wrong.get(int(parent), ()) else reason
        for reason, text, parent in zip(verdicts, candidates.texts, candidates.parents, strict=True)
    ]


def add_grammar_verdicts(
    verdicts: Sequence[Reason | None], problems: np.ndarray, gate: GateConfig
) -> list[Reason | None]:
    """The verdicts with the grammar check applied, by the problems added (candidates,), NaN where not measured."""
    return [
        Reason.GRAMMAR if reason is None and not added <= gate.grammar else reason
        for reason, added in zip(verdicts, problems, strict=True)
    ]


def _keeps_frame(candidates: Candidates, place: int, similarity: float, gate: GateConfig) -> bool:
    """All slots kept, no word turned round, and the most salient one kept unless all is close enough without it."""
    source, text = candidates.sources[place], candidates.texts[place]
    content = json.loads(candidates.frames[place])["content"]
    kept = not content or similarity >= gate.content or stem(content[0]) in {stem(w) for w in normal_form(text).split()}
    return kept and keeps_slots(source, text) and not replaces_by_opposite(source, text)


def read_passed(
    candidates: Candidates,
    chosen: np.ndarray,
    checks: Sequence[Checker],
    acceptability: AcceptabilityChecker | None,
    fluency: Fluency,
    gate: GateConfig,
) -> WellFormedness:
    """How the candidates that passed so far read; NaN for the others.

    Args:
        candidates: All of them.
        chosen: Which of them are read (candidates,).
        checks: The grammar checkers.
        acceptability: The model adapted to the night, if there is one.
        fluency: The night's denoiser.
        gate: `[augmentation.gate]`.
    """
    from tilth.augmentation.quality import (
        WellFormedness,
        measure_well_formedness,
    )  # it loads transformers and diffusers

    problems, readable = np.full(len(chosen), np.nan), np.full(len(chosen), np.nan)
    passed = np.flatnonzero(chosen).tolist()
    sources, texts = ([each[place] for place in passed] for each in (candidates.sources, candidates.texts))
    reading = measure_well_formedness(sources, texts, checks, acceptability, fluency, gate)
    problems[passed], readable[passed] = reading.problems, reading.readable
    return WellFormedness(problems, readable)
