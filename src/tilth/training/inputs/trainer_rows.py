"""The rows of a table as the trainer takes them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from tilth.learn import NamedClasses
from tilth.training.inputs.training_set import TrainingSet
from tilth.training.trainer import TuningRows


def tuning_rows(texts: pd.Series, tuning_set: TrainingSet, places: np.ndarray) -> TuningRows:
    """The rows at these places as the trainer takes them, and the texts of the classes after them, task by task.

    Those of the hold-out and those without a label are never trained on.

    Args:
        texts: of the table.
        tuning_set: classes and weights, without propagated ones.
        places: ascending, shape (chosen rows,).
    """
    named, their_codes = tuning_set.named_texts()
    ones = np.ones(len(named))
    return TuningRows(
        texts=[*texts.iloc[places].tolist(), *named],
        codes={name: np.concatenate([of[places], their_codes[name]]) for name, of in tuning_set.codes.items()},
        weights={name: np.concatenate([of[places], ones]) for name, of in tuning_set.weights.items()},
        measured=np.concatenate([~tuning_set.outside_hold_out[places], np.zeros(len(named), dtype=bool)]),
    )


def named_by(tuning_set: TrainingSet, vectors: np.ndarray) -> dict[str, NamedClasses]:
    """The texts of the classes with such vectors, those of `tuning_rows` after its rows, shape (texts, dimensions)."""
    found, first = {}, 0
    for task in tuning_set.tasks:
        if (named := tuning_set.named.get(task.name)) is not None:
            last = first + len(named.texts)
            found[task.name] = replace(named, vectors=vectors[first:last]) if named.texts else named
            first = last
    return found
