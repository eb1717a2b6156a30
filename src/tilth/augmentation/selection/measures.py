"""What the gate measures of candidates: similarity, agreement, novelty, distance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tilth.augmentation.selection import label_agreement as judging
from tilth.augmentation.selection.candidates import Candidates, Measured
from tilth.augmentation.text import edit_distance, rewording
from tilth.samples import Split
from tilth.stage import Resources
from tilth.text import normal_form


def _measured(
    frame: pd.DataFrame,
    candidates: Candidates,
    vectors: np.ndarray,
    fitted: Sequence[judging.TaskJudges],
    vouched: np.ndarray,
    resources: Resources,
) -> Measured:
    rows, gold = resources.evidence.embeddings(), (frame["split"] == Split.GOLD).to_numpy(dtype=bool)
    agreement, first = judging.together([found.agreement(candidates.parents, vectors) for found in fitted])
    gold_forms = {normal_form(text) for text in frame.loc[gold, "text"]}
    texts = frame["text"].tolist()
    return Measured(
        similarity=(vectors * rows[candidates.parents]).sum(axis=1),
        agreement=agreement,
        first_choice=first & vouched,
        changed=changed(candidates),
        novelty=novelty(candidates, vectors, rows, texts, np.flatnonzero(~gold)),
        leaks=np.array([normal_form(text) in gold_forms for text in candidates.texts], dtype=bool),
        readable=np.full(len(candidates.texts), np.nan),
    )


_NEAREST = 10  # rows that novelty is measured against, beside the parent


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
