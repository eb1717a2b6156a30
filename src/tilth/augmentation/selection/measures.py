"""What the gate measures of candidates: similarity, agreement, novelty, distance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tilth.augmentation.selection.candidates import CandidateMeasures, Candidates
from tilth.augmentation.selection.label_agreement import LabelAgreementModels, combine_tasks
from tilth.augmentation.text import edit_distance, rewording
from tilth.samples import Split
from tilth.text import normal_form

_NEAREST = 10  # rows that novelty is measured against, beside the parent


def measure_candidates(
    frame: pd.DataFrame,
    candidates: Candidates,
    vectors: np.ndarray,
    embeddings: np.ndarray,
    models: Sequence[LabelAgreementModels],
    agrees: np.ndarray,
) -> CandidateMeasures:
    """All measures but how each candidate reads, which is dear and measured where the others let it pass.

    Args:
        frame: The table.
        candidates: What is measured.
        vectors: Their embeddings (candidates, dimensions).
        embeddings: All rows' (rows, dimensions).
        models: Label-agreement models, one a task.
        agrees: Whether models that did not see a row give its own text its label (rows,).
    """
    gold = (frame["split"] == Split.GOLD).to_numpy(dtype=bool)
    agreement, first_choice = combine_tasks([task.agreement(candidates.parents, vectors) for task in models])
    gold_forms = {normal_form(text) for text in frame.loc[gold, "text"]}
    return CandidateMeasures(
        similarity=(vectors * embeddings[candidates.parents]).sum(axis=1),
        agreement=agreement,
        first_choice=first_choice & agrees[candidates.parents],
        changed=changed(candidates),
        novelty=novelty(candidates, vectors, embeddings, frame["text"].tolist(), np.flatnonzero(~gold)),
        leaks=np.array([normal_form(text) in gold_forms for text in candidates.texts], dtype=bool),
        readable=np.full(len(candidates.texts), np.nan),
    )


def changed(candidates: Candidates) -> np.ndarray:
    """Token edit distance of each to its source (candidates,)."""
    return np.array(list(map(rewording, candidates.sources, candidates.texts)), dtype=float)


def novelty(
    candidates: Candidates, vectors: np.ndarray, embeddings: np.ndarray, texts: Sequence[str], among: np.ndarray
) -> np.ndarray:
    """Smallest token edit distance to the rows `among` that are nearest, the parent among them (candidates,).

    Args:
        candidates: What is measured.
        vectors: Their embeddings.
        embeddings: All rows'.
        texts: All rows' texts.
        among: The rows that count (all but gold).
    """
    words = {int(row): normal_form(texts[row]).split() for row in among}
    known_texts = {" ".join(form) for form in words.values()}
    smallest = np.ones(len(candidates.texts))
    for start in range(0, len(smallest), 512):
        cosine = vectors[start : start + 512] @ embeddings[among].T
        count = min(_NEAREST, len(among))
        nearest_rows = among[np.argpartition(-cosine, count - 1, axis=1)[:, :count]]
        for place, nearest in enumerate(nearest_rows, start):
            form = normal_form(candidates.texts[place])
            if form in known_texts:
                smallest[place] = 0.0
                continue
            rows = {int(row) for row in nearest} | {int(candidates.parents[place])}
            smallest[place] = min(edit_distance(form.split(), words[row]) for row in rows if row in words)
    return smallest
