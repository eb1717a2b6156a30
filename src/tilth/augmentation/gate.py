"""The gate: what is measured of each candidate, the checks in their order, and the budget that the best ones fill."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tilth.augmentation.config import GateConfig
from tilth.augmentation.meaning import stem, turned
from tilth.augmentation.slots import keeps_slots
from tilth.samples import Reason
from tilth.text import normal_form

_NEAREST = 10  # rows that novelty is measured against, beside the parent


@dataclass(frozen=True)
class Candidates:
    """Paraphrases as the pipeline gave them, one an entry of each list.

    Attributes:
        parents: The parent's row (candidates,).
        texts: The paraphrases.
        sources: Their parents' texts.
        frames: What each must keep, by `tilth.augmentation.slots.frame_json`.
        levels: The noise that each was made with (candidates,).
        classes: The parents' classes.
        beside: The row in whose wording each is, -1 for its parent's (candidates,).
    """

    parents: np.ndarray
    texts: list[str]
    sources: list[str]
    frames: list[str]
    levels: np.ndarray
    classes: list[tuple[str, str]]
    beside: np.ndarray


@dataclass(frozen=True)
class Measured:
    """What the gate measured of each candidate; every array is (candidates,).

    Attributes:
        similarity: Cosine to the source.
        agreement: Smallest probability, over tasks, that the parent's label was kept; NaN without a label.
        first_choice: Whether the parent's label is every judge's first choice, for it and for the parent's own text.
        changed: Token edit distance to the source.
        novelty: Smallest token edit distance to a row that is not gold.
        leaks: Whether it is a gold row's text.
        readable: Probability that it reads without a mistake; NaN where that was not looked for.
    """

    similarity: np.ndarray
    agreement: np.ndarray
    first_choice: np.ndarray
    changed: np.ndarray
    novelty: np.ndarray
    leaks: np.ndarray
    readable: np.ndarray


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


def edit_distance(one: Sequence[str], two: Sequence[str]) -> float:
    """Token edit distance over the longer length, 0 to 1.

    >>> edit_distance("where is my card".split(), "where is the new card".split())
    0.4
    """
    if not one or not two:
        return float(bool(one) or bool(two))
    row = list(range(len(two) + 1))
    for place, word in enumerate(one, 1):
        corner, row[0] = row[0], place
        for other, match in enumerate(two, 1):
            corner, row[other] = row[other], min(row[other] + 1, row[other - 1] + 1, corner + (word != match))
    return row[-1] / max(len(one), len(two))


def rewording(source: str, paraphrase: str) -> float:
    """Token edit distance of two texts' normal forms."""
    return edit_distance(normal_form(source).split(), normal_form(paraphrase).split())


def changed(candidates: Candidates) -> np.ndarray:
    """Token edit distance of each to its source (candidates,)."""
    return np.array(list(map(rewording, candidates.sources, candidates.texts)), dtype=float)


def novelty(
    candidates: Candidates, vectors: np.ndarray, rows: np.ndarray, texts: Sequence[str], among: np.ndarray
) -> np.ndarray:
    """Smallest token edit distance to the rows `among` that are nearest, the parent among them (candidates,).

    Args:
        candidates: What is measured.
        vectors: Their embeddings.
        rows: All rows' embeddings.
        texts: All rows' texts.
        among: The rows that count (all but gold).
    """
    words = {int(row): normal_form(texts[row]).split() for row in among}
    taken = {" ".join(form) for form in words.values()}
    found = np.ones(len(candidates.texts))
    for start in range(0, len(found), 512):
        cosine = vectors[start : start + 512] @ rows[among].T
        count = min(_NEAREST, len(among))
        near = among[np.argpartition(-cosine, count - 1, axis=1)[:, :count]]
        for place, nearest in enumerate(near, start):
            form = normal_form(candidates.texts[place])
            if form in taken:
                found[place] = 0.0
                continue
            others = {int(row) for row in nearest} | {int(candidates.parents[place])}
            found[place] = min(edit_distance(form.split(), words[row]) for row in others if row in words)
    return found


def fill(
    candidates: Candidates,
    measured: Measured,
    reasons: list[Reason | None],
    allowed: Mapping[tuple[str, str], int],
    gate: GateConfig,
) -> list[Reason | None]:
    """The verdicts with the budget applied: in each class the best candidates stay, and none is like a sibling.

    The best is the one of least Bayes risk (Kumar & Byrne 2004): closest on average to its siblings, which are
    samples of one distribution; the one whose label is surest, and the one that reads best.
    """
    final = list(reasons)
    passed = [place for place, reason in enumerate(reasons) if reason is None]
    words = {place: normal_form(candidates.texts[place]).split() for place in passed}
    siblings: dict[int, list[int]] = defaultdict(list)
    for place in passed:
        siblings[int(candidates.parents[place])].append(place)
    score = {place: _score(place, siblings[int(candidates.parents[place])], words, measured) for place in passed}
    chosen: dict[int, list[int]] = defaultdict(list)
    used, forms = Counter[tuple[str, str]](), set[str]()
    for place in sorted(passed, key=lambda place: (-score[place], place)):
        parent, name, form = int(candidates.parents[place]), candidates.classes[place], " ".join(words[place])
        if form in forms or any(edit_distance(words[place], words[k]) < gate.changed for k in chosen[parent]):
            final[place] = Reason.NOVELTY
        elif used[name] >= allowed.get(name, 0) or len(chosen[parent]) >= gate.per_source:
            final[place] = Reason.BUDGET
        else:
            chosen[parent].append(place)
            forms.add(form)
            used[name] += 1
    return final


def shared(rows: int, parents: np.ndarray, weight: float) -> tuple[np.ndarray, np.ndarray]:
    """What each row and each paraphrase count: a row and its paraphrases together one.

    Were paraphrases added at a weight of their own, classes in which the gate accepts many would grow at the cost of
    those in which it accepts few.

    Args:
        rows: How many rows there are.
        parents: The row of each paraphrase (paraphrases,).
        weight: What those of one row count together, in units of what the row itself does.

    Returns:
        The rows' weights (rows,) and the paraphrases' (paraphrases,).

    >>> shared(3, np.array([0, 0, 2]), 1.0)
    (array([0.5, 1. , 0.5]), array([0.25, 0.25, 0.5 ]))
    """
    own = np.ones(rows)
    own[parents] = 1 / (1 + weight)
    return own, weight / (1 + weight) / np.bincount(parents, minlength=rows)[parents]


def _score(place: int, siblings: Sequence[int], words: Mapping[int, list[str]], measured: Measured) -> float:
    others = [1 - edit_distance(words[place], words[k]) for k in siblings if k != place]
    consensus = float(np.mean(others)) if others else 0.0
    known = np.nan_to_num([measured.agreement[place], measured.readable[place]])
    return round(consensus + float(known.sum()), 6)
