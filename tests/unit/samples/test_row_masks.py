"""Which rows are learned from, and at which weight."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tilth.samples import sample_weights

FRAME = pd.DataFrame(
    {
        "weight": [1.0, 0.5, 1.0, 1.0],
        "tone_confidence": [0.9, 0.4, 0.4, np.nan],
        "tone_reason": [None, "label_review", "label_review", None],
        "tone_given_weight": [0.95, 0.8, np.nan, np.nan],
    }
)


def test_a_label_in_review_counts_by_what_cleaning_says() -> None:
    assert sample_weights(FRAME, "tone").tolist() == [0.9, 0.4, 0.4, 1.0]
    plain = FRAME.drop(columns="tone_given_weight")
    assert sample_weights(plain, "tone").tolist() == [0.9, 0.2, 0.4, 1.0]
