"""What several people's answers to one question come to.

The majority of those who gave an answer: cleanlab's estimates of annotators need more rows that several answered than a
queue has, and a label that one person alone gave has nothing to be weighed against. Where no answer has more than half,
there is none, and the row comes back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from tilth.store.answers import Verdict

NONE = "\x00none of these"
"""In place of a label: no class fits; no label may hold its first sign."""


@dataclass(frozen=True, kw_only=True)
class Consensus:
    """Of each row (its id), what people say of one task, or of the text.

    Attributes:
        labels: the label, or `NONE`; for the text: a verdict.
        ballots: who answered what, of rows that several answered.
        differ: ids of rows on which no answer has more than half.
        unclear: ids on which people answered "unclear" and nothing else → who.
    """

    labels: Mapping[str, str]
    ballots: Mapping[str, dict[str, str]]
    differ: frozenset[str]
    unclear: Mapping[str, frozenset[str]] = field(default_factory=dict)


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
    differ = set()
    for row_id, ballot in ballots.items():
        label, count = Counter(ballot.values()).most_common(1)[0]
        if 2 * count > len(ballot):
            labels[row_id] = label
        else:
            differ.add(row_id)
    unsure = votes[votes["value"].eq(Verdict.UNCLEAR) & ~votes["row_id"].isin(clear["row_id"])]
    unclear = {str(row_id): frozenset(part) for row_id, part in unsure.groupby("row_id")["who"]}
    return Consensus(labels=labels, ballots=ballots, differ=frozenset(differ), unclear=unclear)
