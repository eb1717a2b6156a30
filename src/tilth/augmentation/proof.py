"""Whether paraphrases help: cross-validation on the night's own train rows, in which held-out labels choose nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tilth.augmentation import scoring
from tilth.augmentation.config import Config, GateConfig
from tilth.augmentation.gate import Candidates, Measured, fill, keeps_label, shared
from tilth.augmentation.judges import TaskJudges, agreement_of, probabilities, together, trained_on
from tilth.evidence import knowable
from tilth.judge import fit_predict
from tilth.samples import Reason

_MANY, _FEW_PARTS = 3000, 3
"""Labeled rows beyond which three parts are held out in turn, and not each fold: a fit is dear, and few suffice."""


@dataclass(frozen=True)
class Proof:
    """Cross-validated macro-F1 on the night's own train rows, without and with paraphrases, mean over tasks.

    `interval` holds the difference's 95% bootstrap interval, `weight` what a row's paraphrases count beside it, by
    `tilth.augmentation.gate.shared`: of the weights that were tried the one with the best figure, which is therefore a
    little too good.
    """

    without: float
    with_them: float
    interval: tuple[float, float]
    weight: float

    @property
    def helps(self) -> bool:
        """Whether there is a gain whose interval lies at or above zero: where none can be seen none is proved."""
        return self.with_them > self.without and self.interval[0] >= 0


@dataclass(frozen=True)
class Offered:
    """Candidates that passed all checks but that of their label, and what the gate needs to choose among them.

    Attributes:
        candidates, measured: As the gate has them.
        graded: Its verdicts before the budget was filled.
        vectors: The candidates' embeddings (candidates, dimensions).
        allowed: Each class's budget.
    """

    candidates: Candidates
    measured: Measured
    graded: Sequence[Reason | None]
    vectors: np.ndarray
    allowed: Mapping[tuple[str, str], int]


class Proving:
    """The night's judges, and those without one or two parts of the rows, each made once and when it is asked.

    Args:
        judges: One a task; at least one knows a label.
        rows: The table's embeddings (rows, dimensions).
        gate: `[augmentation.gate]`.
    """

    def __init__(self, judges: Sequence[TaskJudges], rows: np.ndarray, gate: GateConfig) -> None:
        self.judges = [found for found in judges if (found.codes >= 0).any()]
        self.rows, self.gate = rows, gate
        self.parts = _parts(self.judges)
        self.refits = [_Refits(found, rows, self.parts) for found in self.judges]
        self.held = [int(part) for part in np.unique(self.parts)]
        self._vouched: dict[int | None, np.ndarray] = {}

    @property
    def possible(self) -> bool:
        """Whether labels of two classes can be held out: where each class has one, no model of the others knows it."""
        return any(len(np.unique(found.codes[knowable(found.codes, self.parts)])) > 1 for found in self.judges)

    def vouched(self, held: int | None = None) -> np.ndarray:
        """Whether judges that saw neither a row's part nor the held one give its own text its label (rows,)."""
        if held not in self._vouched:
            every = np.arange(len(self.rows))
            if held is None:
                own = together([found.agreement(every, self.rows) for found in self.judges])
            else:
                own = self.agreement(every, self.rows, held)
            self._vouched[held] = keeps_label(*own, self.gate)
        return self._vouched[held]

    def vouched_by_any(self) -> np.ndarray:
        """Whether the night's judges or those of any part held out do so (rows,).

        These rows are worth drawing: were only those of the night's judges drawn, the labels of each part would have
        chosen what is offered when that part is held out, and the gain would seem larger than it is.
        """
        every = [self.vouched(), *(self.vouched(held) & (self.parts != held) for held in self.held)]
        return np.asarray(np.any(every, axis=0))

    def holds(self, rows: np.ndarray, held: int) -> np.ndarray:
        """Whether each of the rows, -1 for none, has a label and stands in the part (rows,)."""
        labeled = np.any([found.codes >= 0 for found in self.judges], axis=0)
        return np.asarray((rows >= 0) & labeled[rows] & (self.parts[rows] == held))

    def agreement(self, parents: np.ndarray, vectors: np.ndarray, held: int) -> tuple[np.ndarray, np.ndarray]:
        """As `TaskJudges.agreement`, over all tasks and by judges that did not see the part `held` either."""
        judged = []
        for one in self.refits:
            models = {other: one.without(held, other) for other in map(int, np.unique(self.parts[parents]))}
            judged.append(
                agreement_of(
                    one.found.codes[parents], self.parts[parents], models, one.without(held), vectors,
                    len(one.found.task.labels), one.found.temperature,
                )
            )  # fmt: skip
        return together(judged)


def prove(proving: Proving, offered: Offered, config: Config, seed: int) -> Proof:
    """Cross-validates the whole way from candidates to a model.

    The gate is run anew for each part that is held out, with judges that know neither that part nor the candidate's
    own: were the night's accepted ones taken, labels of held-out rows would have chosen them, and they would seem to
    help where they harm (at 5 labels a class of banking77 by +0.03 against -0.007 on gold). Grammar, which labels do
    not touch, was looked at where the night's own judges let a candidate pass.

    Args:
        proving: The judges.
        offered: What the gate may choose from.
        config: `[augmentation]`.
        seed: Of the bootstrap.
    """
    asked = proving.judges
    before = [np.zeros((len(found.codes), len(found.task.labels))) for found in asked]
    after = {weight: [one.copy() for one in before] for weight in config.weights}
    for held in proving.held:
        taken, chance = _accepted(proving, held, offered)
        parents = offered.candidates.parents[taken]
        counted = {weight: shared(len(proving.rows), parents, weight) for weight in config.weights}
        for place, found in enumerate(asked):
            out = (found.codes >= 0) & (proving.parts == held)
            if not out.any():
                continue
            judge = proving.refits[place].without(held)
            before[place][out] = probabilities(judge, proving.rows[out], len(found.task.labels))
            for weight, (own, theirs) in counted.items():
                after[weight][place][out] = _with(proving, found, held, offered, taken, own, theirs * chance)
    return _compared(asked, before, after, seed)


def _parts(judges: Sequence[TaskJudges]) -> np.ndarray:
    known = max(int((found.codes >= 0).sum()) for found in judges)
    return judges[0].folds % _FEW_PARTS if known > _MANY else judges[0].folds


class _Refits:
    """One task's judges without some parts of its rows, each made once; the night's own where parts are folds."""

    def __init__(self, found: TaskJudges, rows: np.ndarray, parts: np.ndarray) -> None:
        self.found, self.parts, self._rows = found, parts, rows
        self._made: dict[frozenset[int], Any] = {}
        if np.array_equal(parts, found.folds):
            self._made = {frozenset({fold}): model for fold, model in enumerate(found.models)}

    def without(self, *left_out: int) -> Any:
        """The judge of the rows outside these parts, or None where there was nothing to tell apart."""
        key = frozenset(left_out)
        if key not in self._made:
            taught = (self.found.codes >= 0) & ~np.isin(self.parts, left_out)
            self._made[key] = trained_on(self._rows[taught], self.found.codes[taught])
        return self._made[key]


def _accepted(proving: Proving, held: int, offered: Offered) -> tuple[np.ndarray, np.ndarray]:
    """Candidates that the gate lets through without the held-out part's labels, and how sure their labels are.

    One in the wording of a held-out row would teach much of that row, which no other row to be labeled has.
    """
    parents = offered.candidates.parents
    chance, first = proving.agreement(parents, offered.vectors, held)
    first &= proving.vouched(held)[parents]
    free = keeps_label(chance, first, proving.gate) & (proving.parts[parents] != held)
    free &= ~proving.holds(offered.candidates.beside, held)
    reasons = [
        (None if free[place] else Reason.LABEL_AGREEMENT) if reason in (None, Reason.LABEL_AGREEMENT) else reason
        for place, reason in enumerate(offered.graded)
    ]
    measured = replace(offered.measured, agreement=chance, first_choice=first)
    final = fill(offered.candidates, measured, reasons, offered.allowed, proving.gate)
    taken = np.array([place for place, reason in enumerate(final) if reason is None], dtype=np.int64)
    return taken, np.nan_to_num(chance[taken], nan=1.0)


def _with(
    proving: Proving,
    found: TaskJudges,
    held: int,
    offered: Offered,
    taken: np.ndarray,
    own: np.ndarray,
    theirs: np.ndarray,
) -> np.ndarray:
    """Probabilities on the held-out rows, by a judge of the others and of paraphrases (held, labels).

    `own` weighs all rows, `theirs` the paraphrases that are taken.
    """
    rows, known, out = proving.rows, found.codes >= 0, proving.parts == held
    taught = known & ~out
    labels = found.codes[offered.candidates.parents[taken]]
    added = labels >= 0
    return fit_predict(
        np.concatenate([rows[taught], offered.vectors[taken[added]]]),
        np.concatenate([found.codes[taught], labels[added]]),
        rows[known & out],
        len(found.task.labels),
        np.concatenate([own[taught], theirs[added]]),
    )


def _compared(
    judges: Sequence[TaskJudges],
    before: Sequence[np.ndarray],
    after: Mapping[float, Sequence[np.ndarray]],
    seed: int,
) -> Proof:
    every = scoring.labeled(judges)

    def said(beliefs: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [belief.argmax(axis=1) for belief in beliefs]

    tried = {weight: said(beliefs) for weight, beliefs in after.items()}
    scores = {weight: scoring.score(judges, guesses, every) for weight, guesses in tried.items()}
    best, plain = max(scores, key=lambda weight: scores[weight]), said(before)
    found = scoring.interval(judges, tried[best], plain, seed)
    return Proof(scoring.score(judges, plain, every), scores[best], found, best)
