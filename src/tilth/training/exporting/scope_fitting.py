"""The out-of-scope score's scale and threshold, from held-out train rows: no text out of scope is needed, nor gold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tilth.training.export import Scope, log_certainty
from tilth.training.fitting import FittedModel
from tilth.training.heads import class_prototypes
from tilth.training.inputs import Config
from tilth.training.views import Wording


def fit_scope(texts: Sequence[str], fitted: FittedModel, wording: Wording, config: Config) -> Scope:
    """Measure how sure the model is of held-out rows, and how near to prototypes that were found without them they lie.

    Args:
        texts: of all rows.
        fitted: the model, with its held-out probabilities.
        wording: the other view.
        config: `[training]`.
    """
    rows, known = fitted.training_set, fitted.training_set.outside_hold_out & fitted.training_set.original
    measured = {task.name: rows.measured(task) for task in rows.tasks}
    held_out = np.all(list(measured.values()), axis=0)
    if not held_out.any() or not known.any():
        return Scope(reject_below=config.reject_below or 0.0)
    meaning = {name: fitted.held_out[name][held_out[places]] for name, places in measured.items()}
    mixed = wording.mix_held_out([texts[place] for place in np.flatnonzero(held_out).tolist()], meaning)
    prototypes = class_prototypes(
        fitted.embeddings[known], {name: values[known] for name, values in rows.codes.items()}
    )
    nearest = np.clip((fitted.embeddings[held_out] @ prototypes.T).max(axis=1), 0, 1)
    return Scope.fit(
        log_certainty([*mixed.values()]),
        nearest,
        reject_share=config.reject_share,
        reject_below=config.reject_below,
    )
