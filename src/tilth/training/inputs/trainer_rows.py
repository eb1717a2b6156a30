"""The rows of a table as the trainer takes them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tilth.training.inputs.training_set import TrainingSet
from tilth.training.trainer import TuningRows


def tuning_rows(texts: pd.Series, tuning_set: TrainingSet, places: np.ndarray) -> TuningRows:
    """The rows at these places as the trainer takes them.

    Those of the hold-out and those without a label are never trained on.

    Args:
        texts: of the table.
        tuning_set: classes and weights, without propagated ones.
        places: ascending, shape (chosen rows,).
    """
    return TuningRows(
        texts=texts.iloc[places].tolist(),
        codes={name: values[places] for name, values in tuning_set.codes.items()},
        weights={name: values[places] for name, values in tuning_set.weights.items()},
        measured=~tuning_set.outside_hold_out[places],
    )
