"""Several annotators a row: their consensus, and how good each of them is.

CROWDLAB (Goh, Tkachenko and Mueller 2022, arXiv:2210.06812) weighs each annotator, and a model that did not learn
from the row, by how well they agree with the others, and takes the mean. Beside it stands a Bayesian consensus: the
model's belief as the prior, a skill for each annotator, and one confusion that all share for their errors (Dawid and
Skene 1979, with the parameters that few votes an annotator can bear), fitted by expectation maximization. It is the
nearer to the truth of the two in benchmarks/annotators.py. Rows with a single vote are judged as any other label is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from cleanlab.multiannotator import get_label_quality_multiannotator
from scipy.special import softmax

_SKILL = (2.0, 1.0)
"""Right and wrong votes that each annotator is given beforehand."""
_ROUNDS = 20
_LEAST = 1e-6


@dataclass(frozen=True, kw_only=True)
class Consensus:
    """What the annotators say together.

    Attributes:
        several: which rows more than one of them labeled; boolean, shape (rows,).
        label: the consensus as a code; meaningful where `several`, shape (rows,).
        quality: probability that it is right, shape (rows,).
        annotators: one entry an annotator, the best first: `annotator`, `votes`, `skill` (estimated share of right
            votes), and by CROWDLAB `quality`, `agreement` (share of the rows that others labeled too on which they
            give its consensus) and `worst_class`.
        ignored: votes for a label that no row in force has.
    """

    several: np.ndarray
    label: np.ndarray
    quality: np.ndarray
    annotators: list[dict[str, Any]]
    ignored: int

    def metrics(self) -> dict[str, Any]:
        """As the record holds it."""
        several = int(self.several.sum())
        return {"rows": several, "annotators": self.annotators, "ignored_votes": self.ignored}


def consensus(
    annotations: Sequence[str | None], labels: Sequence[str], belief: np.ndarray, method: str = "joint"
) -> Consensus | None:
    """The consensus on each row, or None where no row has several votes.

    Args:
        annotations: each row's votes as JSON (annotator → label), or None.
        labels: the label of each code.
        belief: probabilities by models that did not learn from the row, shape (rows, labels).
        method: `joint` or `crowdlab`.
    """
    ballots, ignored = _ballots(annotations, labels)
    count = ballots.notna().sum(axis=1).to_numpy()
    if not (count > 1).any():
        return None
    heard = count > 0
    wide = ballots[heard].dropna(axis=1, how="all")
    found = get_label_quality_multiannotator(wide, belief[heard], return_detailed_quality=False, verbose=False)
    joint, skill = weigh(wide.to_numpy(dtype=float), belief[heard])
    label, quality = np.full(len(count), -1), np.full(len(count), np.nan)
    if method == "joint":
        label[heard], quality[heard] = joint.argmax(axis=1), joint.max(axis=1)
    else:
        label[heard] = found["label_quality"]["consensus_label"].to_numpy(dtype=int)
        quality[heard] = found["label_quality"]["consensus_quality_score"].to_numpy(dtype=float)
    stats = found["annotator_stats"].assign(skill=pd.Series(skill, index=wide.columns))
    annotators = [
        {
            "annotator": str(name),
            "votes": int(row["num_examples_labeled"]),
            "skill": round(float(row["skill"]), 4),
            "quality": round(float(row["annotator_quality"]), 4),
            "agreement": None if np.isnan(share := float(row["agreement_with_consensus"])) else round(share, 4),
            "worst_class": labels[int(row["worst_class"])],
        }
        for name, row in stats.sort_values("skill", ascending=False, kind="stable").iterrows()
    ]
    return Consensus(several=count > 1, label=label, quality=quality, annotators=annotators, ignored=ignored)


def weigh(ballots: np.ndarray, belief: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of each row's label, and each annotator's share of right votes.

    Args:
        ballots: codes, NaN where one said nothing, shape (rows, annotators).
        belief: what models think that did not learn from the row, shape (rows, labels).

    Returns:
        float64 of shape (rows, labels), and of shape (annotators,).
    """
    classes, number = belief.shape[1], ballots.shape[1]
    row, who = np.nonzero(~np.isnan(ballots))
    vote = ballots[row, who].astype(int)
    votes = np.bincount(who, minlength=number)
    prior = np.log(np.maximum(belief, _LEAST))
    mistaken = _of_models(belief)
    errors, skill = mistaken, np.full(number, _SKILL[0] / sum(_SKILL))
    for _ in range(_ROUNDS):
        said = np.log(np.maximum(errors, _LEAST)).T[vote] + np.log(1 - skill[who])[:, None]
        said[np.arange(len(vote)), vote] = np.log(skill[who])
        logits = prior.copy()
        np.add.at(logits, row, said)
        posterior = softmax(logits, axis=1)
        skill = (np.bincount(who, posterior[row, vote], number) + _SKILL[0]) / (votes + sum(_SKILL))
        skill = np.clip(skill, 1 / classes + 1e-3, 1 - 1e-3)  # one who is worse than chance is not turned round
        counted = np.zeros((classes, classes))
        np.add.at(counted, vote, posterior[row])
        counted = counted.T
        np.fill_diagonal(counted, 0)
        errors = counted + classes * mistaken
        errors /= errors.sum(axis=1, keepdims=True)
    return posterior, skill


def _of_models(belief: np.ndarray) -> np.ndarray:
    """What models mistake each class for, as a first guess at people's errors; rows sum to 1, the diagonal is 0."""
    mistaken = np.full((belief.shape[1],) * 2, 1e-3)
    np.add.at(mistaken, belief.argmax(axis=1), belief)
    np.fill_diagonal(mistaken, 0)
    return np.asarray(mistaken / mistaken.sum(axis=1, keepdims=True))


def _ballots(annotations: Sequence[str | None], labels: Sequence[str]) -> tuple[pd.DataFrame, int]:
    """Codes of shape (rows, annotators), NaN where one said nothing; and the votes for labels without a code."""
    said = [json.loads(text) if isinstance(text, str) else {} for text in annotations]
    names = {name: place for place, name in enumerate(sorted({name for row in said for name in row}))}
    index, ignored = {label: code for code, label in enumerate(labels)}, 0
    cells = np.full((len(said), len(names)), np.nan, dtype=np.float32)
    for number, row in enumerate(said):
        for name, label in row.items():
            if label in index:
                cells[number, names[name]] = index[label]
            else:
                ignored += 1
    return pd.DataFrame(cells, columns=list(names)), ignored
