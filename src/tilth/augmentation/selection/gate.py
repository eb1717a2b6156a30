"""The gate: what is measured of each candidate, the checks in their order, and the budget that the best ones fill."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from tilth.augmentation.quality import AcceptabilityChecker, Checker, Fluency, Reading, well_formedness
from tilth.augmentation.selection.candidates import Candidates, Measured
from tilth.augmentation.selection.config import GateConfig
from tilth.augmentation.text import keeps_slots, stem, turned
from tilth.samples import Reason
from tilth.text import normal_form


def verdicts(candidates: Candidates, measured: Measured, gate: GateConfig) -> list[Reason | None]:
    """The first check that each candidate fails, or None where it passes all but grammar, which is dear and last."""
    keeps = keeps_label(measured.agreement, measured.first_choice, gate)
    return [_verdict(candidates, measured, keeps, place, gate) for place in range(len(candidates.texts))]


def keeps_label(agreement: np.ndarray, first_choice: np.ndarray, gate: GateConfig) -> np.ndarray:
    """Whether judges give each candidate its parent's label, which one without a label cannot lose (candidates,)."""
    return np.asarray(np.isnan(agreement) | ((agreement >= gate.agreement) & first_choice))


def _verdict(
    candidates: Candidates, measured: Measured, keeps: np.ndarray, place: int, gate: GateConfig
) -> Reason | None:
    similarity = measured.similarity[place]
    checks = (
        (Reason.EMPTY, bool(normal_form(candidates.texts[place]))),
        (Reason.LEAK, not measured.leaks[place]),
        (Reason.FRAME, _keeps_frame(candidates, place, similarity, gate)),
        (Reason.SIMILARITY, gate.low <= similarity <= gate.high),
        (Reason.NOVELTY, measured.changed[place] >= gate.changed and measured.novelty[place] >= gate.novelty),
        (Reason.LABEL_AGREEMENT, bool(keeps[place])),
    )
    return next((reason for reason, passed in checks if not passed), None)


def grammatical(reasons: Sequence[Reason | None], problems: np.ndarray, gate: GateConfig) -> list[Reason | None]:
    """The verdicts with the grammar check applied, by the problems added (candidates,), NaN where not looked for."""
    return [
        Reason.GRAMMAR if reason is None and not found <= gate.grammar else reason
        for reason, found in zip(reasons, problems, strict=True)
    ]


def _keeps_frame(candidates: Candidates, place: int, similarity: float, gate: GateConfig) -> bool:
    """All slots kept, no word turned round, and the most salient one kept unless all is close enough without it."""
    source, text = candidates.sources[place], candidates.texts[place]
    content = json.loads(candidates.frames[place])["content"]
    kept = not content or similarity >= gate.content or stem(content[0]) in {stem(w) for w in normal_form(text).split()}
    return kept and keeps_slots(source, text) and not turned(source, text)


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
    found = well_formedness.read(old, new, checks, critic, fluency, gate)
    problems[passed], readable[passed] = found.problems, found.readable
    return Reading(problems, readable)
