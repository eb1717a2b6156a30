"""Several annotators a row: their consensus, and how good each of them is.

CROWDLAB (Goh, Tkachenko and Mueller 2022, arXiv:2210.06812) weighs each annotator, and a model that did not learn
from the row, by how well they agree with the others, and takes the mean. Beside it stands a Bayesian consensus
(`samples.joint_consensus`) with the model's probabilities as the prior, the nearer to the truth of the two in
benchmarks/annotators.py. A row with a single vote is treated as any other label is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from cleanlab.multiannotator import get_label_quality_multiannotator

from tilth.samples import joint_consensus


@dataclass(frozen=True, kw_only=True)
class Consensus:
    """The annotators' consensus.

    Attributes:
        several: which rows more than one of them labeled; boolean, shape (rows,).
        label: the consensus as a code; meaningful where `several`, shape (rows,).
        quality: probability that it is right, shape (rows,).
        annotators: one entry an annotator, the best first: `annotator`, `votes`, `skill` (estimated share of right
            votes), and by CROWDLAB `quality`, `agreement` (share of the rows that others labeled too on which they
            give its consensus) and `worst_class`.
        ignored: votes for a label that no current row has.
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
    annotations: Sequence[str | None], labels: Sequence[str], probabilities: np.ndarray, method: str = "joint"
) -> Consensus | None:
    """The consensus on each row, or None where no row has several votes.

    Args:
        annotations: each row's votes as JSON (annotator → label), or None.
        labels: the label of each code.
        probabilities: by models that did not learn from the row, shape (rows, labels).
        method: `joint` or `crowdlab`.
    """
    votes, ignored = _votes(annotations, labels)
    count = votes.notna().sum(axis=1).to_numpy()
    if not (count > 1).any():
        return None
    voted = count > 0
    wide, prior = votes[voted].dropna(axis=1, how="all"), probabilities[voted]
    crowdlab = get_label_quality_multiannotator(wide, prior, return_detailed_quality=False, verbose=False)
    joint, skill = joint_consensus(wide.to_numpy(dtype=float), prior)
    label, quality = np.full(len(count), -1), np.full(len(count), np.nan)
    if method == "joint":
        label[voted], quality[voted] = joint.argmax(axis=1), joint.max(axis=1)
    else:
        label[voted] = crowdlab["label_quality"]["consensus_label"].to_numpy(dtype=int)
        quality[voted] = crowdlab["label_quality"]["consensus_quality_score"].to_numpy(dtype=float)
    stats = crowdlab["annotator_stats"].assign(skill=pd.Series(skill, index=wide.columns))
    annotators = _annotators(stats, labels)
    return Consensus(several=count > 1, label=label, quality=quality, annotators=annotators, ignored=ignored)


def _annotators(stats: pd.DataFrame, labels: Sequence[str]) -> list[dict[str, Any]]:
    """See `Consensus.annotators`."""
    return [
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


def _votes(annotations: Sequence[str | None], labels: Sequence[str]) -> tuple[pd.DataFrame, int]:
    """Codes of shape (rows, annotators), NaN for no vote; and the number of votes for labels without a code."""
    rows = [json.loads(text) if isinstance(text, str) else {} for text in annotations]
    names = {name: place for place, name in enumerate(sorted({name for row in rows for name in row}))}
    index, ignored = {label: code for code, label in enumerate(labels)}, 0
    cells = np.full((len(rows), len(names)), np.nan, dtype=np.float32)
    for number, row in enumerate(rows):
        for name, label in row.items():
            if label in index:
                cells[number, names[name]] = index[label]
            else:
                ignored += 1
    return pd.DataFrame(cells, columns=list(names)), ignored
