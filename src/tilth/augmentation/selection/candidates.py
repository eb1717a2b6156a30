"""Candidates and their measures, as arrays that are aligned with each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Candidates:
    """Paraphrases as the pipeline gave them, one an entry of each list.

    Attributes:
        parents: The parent's row (candidates,).
        texts: The paraphrases.
        sources: Their parents' texts.
        frames: What each must keep, by `tilth.augmentation.text.slots.frame_json`.
        noise_levels: The noise that each was made with (candidates,).
        classes: The parents' classes.
        template_row: The row in whose wording each is, -1 for its parent's (candidates,).
    """

    parents: np.ndarray
    texts: list[str]
    sources: list[str]
    frames: list[str]
    noise_levels: np.ndarray
    classes: list[tuple[str, str]]
    template_row: np.ndarray


@dataclass(frozen=True)
class CandidateMeasures:
    """What the gate measured of each candidate; every array is (candidates,).

    Attributes:
        similarity: Cosine to the source.
        agreement: Smallest probability, over tasks, that the parent's label was kept; NaN without a label.
        first_choice: Whether the parent's label is every model's first choice, for it and for the parent's own text.
        changed: Token edit distance to the source.
        novelty: Smallest token edit distance to a row that is not gold.
        leaks: Whether it is a gold row's text.
        readable: Probability that it reads without a mistake; NaN where that was not measured.
    """

    similarity: np.ndarray
    agreement: np.ndarray
    first_choice: np.ndarray
    changed: np.ndarray
    novelty: np.ndarray
    leaks: np.ndarray
    readable: np.ndarray
