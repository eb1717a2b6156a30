"""What several people's answers to one question come to.

The majority of those who gave an answer, until `PEOPLE` people have answered `SHARED_ROWS` rows each that others
answered, too. From then on each person is weighed by how often they are right, as the answers of all of them say
together (`samples.joint_consensus`, without any model: what people say is held against people alone). Two people who
differ give no hint who of them errs. Where no answer has more than half, or where the weights contradict the one that
has, the row comes back; until then its label is the weighted one, if that is sure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from tilth.samples import joint_consensus
from tilth.store.answers import Verdict

NONE = "\x00none of these"
"""In place of a label: no class fits; no label may hold its first sign."""
PEOPLE, SHARED_ROWS = 3, 10
"""People, and rows of each that others answered too, from which people are weighed by how often they are right."""
_SURE = 0.9
"""Probability from which the weighted label of a row on which people differ is in force until the row is answered."""


@dataclass(frozen=True, kw_only=True)
class Consensus:
    """Of each row (its id), what people say of one task, or of the text.

    Attributes:
        labels: the label, or `NONE`; for the text: a verdict.
        ballots: who answered what, of rows that several answered.
        differ: ids of rows on which no answer has more than half, or the weights of the people contradict it.
        unclear: ids on which people answered "unclear" and nothing else → who.
        skill: person → estimated share of right answers; empty where the majority alone decides.
    """

    labels: Mapping[str, str]
    ballots: Mapping[str, dict[str, str]]
    differ: frozenset[str]
    unclear: Mapping[str, frozenset[str]] = field(default_factory=dict)
    skill: Mapping[str, float] = field(default_factory=dict)


def consensus(answers: pd.DataFrame) -> Consensus:
    """Of the answers in force to one task's question, or of those on texts.

    Args:
        answers: `row_id`, `who`, `verdict` and `label`; one a row and person.
    """
    value = answers["label"].where(answers["verdict"].eq(Verdict.LABEL), NONE)
    value = value.where(answers["verdict"].isin([Verdict.LABEL, Verdict.NONE_OF_THESE]), answers["verdict"])
    votes = pd.DataFrame({"row_id": answers["row_id"], "who": answers["who"], "value": value})
    clear = votes[votes["value"].ne(Verdict.UNCLEAR)]
    several = clear["row_id"].duplicated(keep=False)
    labels = dict(zip(clear["row_id"][~several], clear["value"][~several], strict=True))
    ballots: dict[str, dict[str, str]] = {}
    for row_id, who, label in clear[several].itertuples(index=False, name=None):
        ballots.setdefault(row_id, {})[who] = label
    weighted, skill = _weighted(ballots)
    differ = set()
    for row_id, ballot in ballots.items():
        label, count = Counter(ballot.values()).most_common(1)[0]
        likeliest, probability = weighted.get(row_id, (label, 0.0))
        if 2 * count > len(ballot) and likeliest == label:
            labels[row_id] = label
            continue
        differ.add(row_id)
        if probability >= _SURE:
            labels[row_id] = likeliest
    unsure = votes[votes["value"].eq(Verdict.UNCLEAR) & ~votes["row_id"].isin(clear["row_id"])]
    unclear = {str(row_id): frozenset(part) for row_id, part in unsure.groupby("row_id")["who"]}
    return Consensus(labels=labels, ballots=ballots, differ=frozenset(differ), unclear=unclear, skill=skill)


def _weighted(ballots: Mapping[str, Mapping[str, str]]) -> tuple[dict[str, tuple[str, float]], dict[str, float]]:
    """Of each row its likeliest label and how likely, and each person's skill; nothing where answers are too few."""
    shared = Counter(who for ballot in ballots.values() for who in ballot)
    if sum(count >= SHARED_ROWS for count in shared.values()) < PEOPLE:
        return {}, {}
    values, people = sorted({one for ballot in ballots.values() for one in ballot.values()}), sorted(shared)
    if len(values) < 2:
        return {}, {}
    code, place = {one: number for number, one in enumerate(values)}, {who: number for number, who in enumerate(people)}
    votes = np.full((len(ballots), len(people)), np.nan)
    for row, ballot in enumerate(ballots.values()):
        for who, value in ballot.items():
            votes[row, place[who]] = code[value]
    found, skill = joint_consensus(votes, np.full((len(ballots), len(values)), 1 / len(values)))
    best = found.argmax(axis=1)
    likeliest = {
        row_id: (values[label], float(found[row, label]))
        for row, (row_id, label) in enumerate(zip(ballots, best, strict=True))
    }
    return likeliest, {who: round(float(skill[place[who]]), 4) for who in people}
