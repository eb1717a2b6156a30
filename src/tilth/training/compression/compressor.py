"""Make the night's model as small as its contract asks, or say by how much it fails."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tilth.training.compression.candidate import GIVEN_UP, Candidate, make_candidate
from tilth.training.compression.config import ContractConfig
from tilth.training.compression.contract import Verdict, nearest, settle, slower_here, uncertain_points
from tilth.training.compression.cost import Costs, costs_of
from tilth.training.compression.full_model import FullModel
from tilth.training.compression.held_out import FEWEST
from tilth.training.compression.search import Looked, excess, front, look_at_wording, order, search, weighed
from tilth.training.compression.speed import Clock
from tilth.training.compression.student import Bits, LastStudent, Shape, Winner, digests
from tilth.training.export import Predictor

log = logging.getLogger(__name__)

_PASSES, _FEWEST_TEXTS = 4, 5_000
_BEGINNING = 400
"""Characters of a long text that models are clocked on."""
NO_STUDENT = "long texts are read by passages, as no student is taught to: only the vocabulary and the bits change"


@dataclass(frozen=True, kw_only=True)
class Compressed:
    """What came of it.

    Attributes:
        candidate: what is exported; None exports the full model.
        facts: for `run.json`.
        front: the shapes that were looked at and that no other beats.
        winner: what keeps the contract, where something does, for the next night to start from.
    """

    candidate: Candidate | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    front: Sequence[Looked] = ()
    winner: Winner | None = None


def compress(full: FullModel, contract: ContractConfig, last: Winner | None = None) -> Compressed:
    """Make smaller models until one keeps the contract; without one, take the nearest that keeps the points.

    Nothing of gold takes part: points are counted on held-out train rows, size by the files, and throughput, where it
    decides, by a model of it. A latency is clocked, for it is this machine's.

    Args:
        full: the night's model.
        contract: what it may cost.
        last: last night's winner, which is tried before any search.
    """
    if not contract.enabled:
        return Compressed(facts={"answer": "none asked for"})
    if (why := _why_not(full)) is not None:
        log.warning("the contract is refused: %s; the full model is exported", why)
        return Compressed(facts={"answer": "refused", "why": why})
    attempt = _Attempt(full, contract.filled(), last)
    attempt.run()
    return attempt.conclude()


class _Attempt:
    """One night's attempt to keep a contract."""

    def __init__(self, full: FullModel, contract: ContractConfig, last: Winner | None) -> None:
        self._full, self._contract, self._winner, self._last = full, contract, last, last.shape if last else None
        self._costs: Costs = costs_of(full)
        self._steps = distillation_steps(full, contract)
        self._clock = Clock(full.eager(), _clocked_texts(full))
        self._looked: list[Looked] = []
        self._tried: list[tuple[Candidate, Verdict]] = []
        self._given_up: list[str] = []

    def run(self) -> None:
        """Make shapes in full until one keeps the contract."""
        for place, shape in enumerate(_once(self._shapes())):
            if (start := self._last_student(shape)) and self._make(shape, f"{place} from last night", start):
                return
            if self._make(shape, f"{place}"):
                return

    def _last_student(self, shape: Shape) -> LastStudent | None:
        """Last night's student of a shape, from which to go on."""
        if self._winner is None or not self._steps:
            return None
        full = self._full
        hidden, known = full.texts_at(~full.readable | full.deciding), full.texts_at(full.transfer_rows)
        return self._winner.student_of(shape, hidden, known)

    def _make(self, shape: Shape, name: str, start: LastStudent | None = None) -> bool:
        """Make a shape in full; whether it keeps the contract."""
        steps = self._steps if needs_distillation(self._full, shape) else 0
        try:
            candidate = make_candidate(self._full, shape, steps, name, start)
        except GIVEN_UP as error:
            log.warning("%s: %s", shape, error)
            self._given_up.append(f"{shape}: {error}".splitlines()[0])
            return False
        latency = None
        if self._contract.latency_ms is not None:
            predictor = Predictor(candidate.folder, threads=self._contract.threads)
            latency = self._clock.milliseconds(predictor.answers, self._contract)
        self._tried.append((candidate, settle(self._contract, candidate, self._costs, latency)))
        return self._tried[-1][1].met

    def conclude(self) -> Compressed:
        """The answer, with all that it rests on."""
        held_out, chosen = self._full.held_out, nearest(self._tried)
        facts: dict[str, Any] = {
            "contract": self._contract.model_dump(mode="json", exclude_none=True),
            "steps": self._steps,
            **({"undistilled": NO_STUDENT} if self._full.reads_passages else {}),
            "looked_at": len(self._looked),
            "held_out_rows": len(held_out.texts),
            "held_out_macro_f1": round(held_out.macro_f1(held_out.codes), 4),
            "tried": [describe(candidate) | {"misses": list(verdict.misses)} for candidate, verdict in self._tried],
        } | ({"given_up": self._given_up} if self._given_up else {})
        if chosen is None:
            why = "every smaller model loses more points than it may; the full one is exported"
            log.warning("the contract is refused: %s", why)
            return Compressed(facts={**facts, "answer": "refused", "why": why}, front=front(self._looked))
        candidate, verdict = chosen
        facts |= {"answer": "met" if verdict.met else "refused", "chosen": describe(candidate)}
        clocked = self._clock.throughput(Predictor(candidate.folder, threads=1).answers)
        facts["chosen"] |= {"throughput": clocked}
        if slower := slower_here(self._contract, clocked):
            facts["slower_here"] = slower
        if doubt := uncertain_points(self._contract, candidate.loss):
            facts["uncertain"] = doubt
        if verdict.met:
            log.info("the contract is met: %s%s", candidate.shape, f"; {slower}" if slower else "")
        else:
            facts["why"] = "; ".join(verdict.misses)
            log.warning("the contract is refused; the nearest is %s: %s", candidate.shape, facts["why"])
        winner = self._kept(candidate) if verdict.met else None
        return Compressed(candidate=candidate, facts=facts, front=front(self._looked), winner=winner)

    def _kept(self, candidate: Candidate) -> Winner:
        """What the next night starts from."""
        student = None
        if candidate.model is not None and needs_distillation(self._full, candidate.shape):
            texts = digests([*self._full.texts_at(self._full.transfer_rows), *self._full.extra_texts])
            student = LastStudent.of(candidate.model.trunk, candidate.model.heads, candidate.folder, texts)
        return Winner(shape=candidate.shape, student=student)

    def _shapes(self) -> Iterator[Shape]:
        """The shapes to make in full: last night's winner, what takes little work, and what a search finds."""
        wording = [Shape(layers=(), meaning=False)] if self._full.wording_alone is not None else []
        if not self._steps:
            yield from (shape for shape in (*self._forms(), *wording) if shape == self._last)
            yield from self._whole()
            yield from wording
            return
        if self._last is not None and (not self._last.layers or max(self._last.layers) < self._full.layers):
            yield self._last
        eager = self._clock.eager_milliseconds(self._contract) if self._contract.latency_ms is not None else None
        whole = (weighed(form, self._costs, agreement=1.0) for form in self._forms())
        yield from (one.shape for one in whole if not excess(one, self._contract, eager, self._costs))
        known = [self._last] if self._last is not None else []
        self._looked = search(self._full, self._costs, self._contract, seed=self._full.seed, known=known)
        self._looked += [look_at_wording(self._full, self._costs) for _ in wording]
        yield from self._within_tries(order(self._looked, self._contract, eager, self._costs))
        yield from self._whole()

    def _within_tries(self, found: Sequence[Shape]) -> Iterator[Shape]:
        """As many shapes as may be distilled; the wording alone takes no distillation, and so none of their places."""
        left = self._contract.tries
        for shape in found:
            if not shape.meaning:
                yield shape
            elif left and shape != self._last and needs_distillation(self._full, shape):
                left -= 1
                yield shape

    def _whole(self) -> Iterator[Shape]:
        """All layers, the smallest first, until one surely keeps the points: others are larger and as fast."""
        for shape in self._forms():
            yield shape
            if any(candidate.shape == shape and verdict.surely for candidate, verdict in self._tried):
                return

    def _forms(self) -> list[Shape]:
        """The full encoder in fewer bits and pieces, the smallest first."""
        whole, cuts = tuple(range(self._full.layers)), (True,) if self._full.vocabulary is None else (True, False)
        bits: tuple[Bits, ...] = (4, 8)
        forms = (Shape(layers=whole, cut_vocabulary=cut, bits=some) for cut in cuts for some in bits)
        return sorted(forms, key=self._costs.megabytes)


def _once(shapes: Iterator[Shape]) -> Iterator[Shape]:
    """Each of some shapes when it first comes."""
    seen: set[Shape] = set()
    for shape in shapes:
        if shape not in seen:
            seen.add(shape)
            yield shape


def describe(candidate: Candidate) -> dict[str, Any]:
    """A candidate's measures, for `run.json`."""
    return {
        "shape": candidate.shape.to_json(),
        "in_words": str(candidate.shape),
        "size_mb": round(candidate.size / 1e6, 3),
        **candidate.loss.to_json(),
        **candidate.facts,
    }


def distillation_steps(full: FullModel, contract: ContractConfig) -> int:
    """Batches of distillation that the contract leaves for a shape; none where a student could not read the texts."""
    if full.reads_passages:
        return 0
    if contract.steps != "auto":
        return contract.steps
    texts = int(full.transfer_rows.sum()) + len(full.extra_texts)
    if texts < _FEWEST_TEXTS:
        return 0
    return min(math.ceil(_PASSES * texts / full.batch_size), contract.most_steps)


def needs_distillation(full: FullModel, shape: Shape) -> bool:
    """Whether a shape has less than the full model's layers, heads and channels."""
    return shape.meaning and (len(shape.layers) < full.layers or shape.heads < 1 or shape.channels < 1)


def _clocked_texts(full: FullModel) -> list[str]:
    """What models are clocked on: of long texts the beginnings, for the full model in PyTorch reads no more."""
    return [text[: _BEGINNING if full.reads_passages else None] for text in full.held_out.texts]


def _why_not(full: FullModel) -> str | None:
    """Why nothing could be decided; None where it can."""
    rows = int(full.deciding.sum())
    if rows < FEWEST or not (full.labeled & ~full.deciding).any():
        return f"{rows} held-out rows, {FEWEST} are needed to count points by"
    reached, chance = full.held_out.macro_f1(full.held_out.codes), full.held_out.chance()
    if not reached > chance:
        return (
            f"the model itself is no better than chance on held-out rows (macro-F1 {reached:.3f}, of one that guesses "
            f"up to {chance:.3f}): there is nothing to keep"
        )
    return None
