"""How many paraphrases each class may have, which of the accepted fill that, and what each counts in training."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from tilth.augmentation.selection.candidates import CandidateMeasures, Candidates
from tilth.augmentation.selection.config import GateConfig
from tilth.augmentation.text import edit_distance
from tilth.samples import Reason
from tilth.text import normal_form


def fill_budgets(
    candidates: Candidates,
    measures: CandidateMeasures,
    verdicts: Sequence[Reason | None],
    budgets: Mapping[tuple[str, str], int],
    gate: GateConfig,
) -> list[Reason | None]:
    """The verdicts with the budget applied: in each class the best candidates stay, and none is like a sibling.

    The best is the one of least Bayes risk (Kumar & Byrne 2004): closest on average to its siblings, which are
    samples of one distribution; the one whose label is surest, and the one that reads best.
    """
    final = list(verdicts)
    passed = [place for place, reason in enumerate(verdicts) if reason is None]
    words = {place: normal_form(candidates.texts[place]).split() for place in passed}
    siblings: dict[int, list[int]] = defaultdict(list)
    for place in passed:
        siblings[int(candidates.parents[place])].append(place)
    score = {place: _score(place, siblings[int(candidates.parents[place])], words, measures) for place in passed}
    chosen: dict[int, list[int]] = defaultdict(list)
    used, forms = Counter[tuple[str, str]](), set[str]()
    for place in sorted(passed, key=lambda place: (-score[place], place)):
        parent, name, form = int(candidates.parents[place]), candidates.classes[place], " ".join(words[place])
        if form in forms or any(edit_distance(words[place], words[other]) < gate.changed for other in chosen[parent]):
            final[place] = Reason.NOVELTY
        elif used[name] >= budgets.get(name, 0) or len(chosen[parent]) >= gate.per_source:
            final[place] = Reason.BUDGET
        else:
            chosen[parent].append(place)
            forms.add(form)
            used[name] += 1
    return final


def share_weights(rows: int, parents: np.ndarray, weight: float) -> tuple[np.ndarray, np.ndarray]:
    """What each row and each paraphrase count: a row and its paraphrases together one.

    Were paraphrases added at a weight of their own, classes in which the gate accepts many would grow at the cost of
    those in which it accepts few.

    Args:
        rows: How many rows there are.
        parents: The row of each paraphrase (paraphrases,).
        weight: What those of one row count together, in units of what the row itself does.

    Returns:
        The rows' weights (rows,) and the paraphrases' (paraphrases,).

    >>> share_weights(3, np.array([0, 0, 2]), 1.0)
    (array([0.5, 1. , 0.5]), array([0.25, 0.25, 0.5 ]))
    """
    row_weights = np.ones(rows)
    row_weights[parents] = 1 / (1 + weight)
    return row_weights, weight / (1 + weight) / np.bincount(parents, minlength=rows)[parents]


def _score(place: int, siblings: Sequence[int], words: Mapping[int, list[str]], measures: CandidateMeasures) -> float:
    similarities = [1 - edit_distance(words[place], words[other]) for other in siblings if other != place]
    consensus = float(np.mean(similarities)) if similarities else 0.0
    probabilities = np.nan_to_num([measures.agreement[place], measures.readable[place]])
    return round(consensus + float(probabilities.sum()), 6)


_WEAK = 1.5  # a class that held-out predictions never hit gets this many times the budget of one that they always do


def class_budgets(
    sizes: Mapping[tuple[str, str], int], recall: Mapping[tuple[str, str], float], gate: GateConfig
) -> dict[tuple[str, str], int]:
    """Accepted paraphrases of each class at most: the more a row the thinner it is, and more for weak ones.

    A class may have far more paraphrases than it lacks rows, since those of a row count no more together than it does.

    >>> class_budgets({("t", "a"): 4, ("t", "b"): 10, ("t", "c"): 20}, {}, GateConfig(growth=0.5, thin=1.0, enough=12))
    {('t', 'a'): 4, ('t', 'b'): 6, ('t', 'c'): 10}
    """
    usual = max(float(np.median(list(sizes.values()))) if sizes else 0.0, float(gate.enough))
    budgets = {}
    for name, size in sizes.items():
        thinness = max(0.0, 1 - size / usual)
        wanted = size * (gate.growth + max(0.0, gate.thin - gate.growth) * thinness)
        budgets[name] = int(np.ceil(wanted * (1 + (_WEAK - 1) * (1 - recall.get(name, 1.0)))))
    return budgets
