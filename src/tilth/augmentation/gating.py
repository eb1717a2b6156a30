"""Put a night's candidates through the gate, and read those that pass what comes before grammar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tilth.augmentation.drawing import Drawn
from tilth.augmentation.night_inputs import NightInputs
from tilth.augmentation.proof import CandidatePool
from tilth.augmentation.quality import Fluency, WellFormedness, adapted_checker, nats_cache
from tilth.augmentation.selection import (
    add_grammar_verdicts,
    fill_budgets,
    gate_verdicts,
    measure_candidates,
    read_passed,
    refuse_by_people,
)
from tilth.samples import Reason


@dataclass(frozen=True)
class Gated:
    """The candidates with their measures, grammar problems (NaN where not measured) and final reasons."""

    pool: CandidatePool
    problems: np.ndarray
    reasons: Sequence[Reason | None]

    @property
    def accepted(self) -> np.ndarray:
        """Whether each candidate is (candidates,)."""
        return np.array([reason is None for reason in self.reasons], dtype=bool)


def put_through_gate(inputs: NightInputs, drawn: Drawn) -> Gated:
    """Measures every candidate and puts it through the gate."""
    evidence, gate, candidates = inputs.resources.evidence, inputs.config.gate, drawn.candidates
    vectors = evidence.encoder.encode(candidates.texts)
    measures = measure_candidates(
        inputs.frame, candidates, vectors, evidence.embeddings(), inputs.models, inputs.cross_fitting.agrees()
    )
    before_grammar = refuse_by_people(gate_verdicts(candidates, measures, gate), candidates, inputs.frame)
    reading = read(inputs, drawn, np.array([reason is None for reason in before_grammar], dtype=bool))
    problems, measures = reading.problems, replace(measures, readable=reading.readable)
    verdicts = add_grammar_verdicts(before_grammar, problems, gate)
    reasons = fill_budgets(candidates, measures, verdicts, inputs.budgets, gate)
    return Gated(CandidatePool(candidates, measures, verdicts, vectors, inputs.budgets), problems, reasons)


def read(inputs: NightInputs, drawn: Drawn, chosen: np.ndarray) -> WellFormedness:
    """How chosen candidates (candidates,) read, by checkers, acceptability model and denoiser; NaN for the others."""
    candidates, checks, adapted = drawn.candidates, drawn.checks, drawn.adapted
    acceptability = adapted_checker(
        drawn.corpus, set(candidates.sources), checks, adapted, inputs.config, inputs.resources.seed
    )
    cache = nats_cache(inputs.resources.evidence.cache, adapted.fingerprint)
    fluency = Fluency(adapted.pipeline.denoiser, adapted.pipeline.tokenizer, cache)
    return read_passed(candidates, chosen, checks, acceptability, fluency, inputs.config.gate)
