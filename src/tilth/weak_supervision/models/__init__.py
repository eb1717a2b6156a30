"""Votes and texts to labels.

In: a label matrix and texts. Out: label probabilities, by Snorkel's label model, a majority vote, a joint model of
votes and text, or the text alone, whichever is best on held-out labels.

To add a label model: its probabilities in a module beside `label_model`, its name in `model_selection.candidates` and
its call in `model_selection.label_probabilities`, where it is compared with the others.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.weak_supervision.models.joint_model import ROUNDS, TextFeatures, prepare_texts, select_texts
    from tilth.weak_supervision.models.label_columns import weak_label_columns
    from tilth.weak_supervision.models.label_model import measure_accuracies
    from tilth.weak_supervision.models.model_selection import (
        MIN_LABELED_ROWS,
        TEXT_MODEL,
        Choice,
        LabelModelInputs,
        choose_label_model,
        held_out_probabilities,
    )
    from tilth.weak_supervision.models.propagation import propagate

__getattr__, __dir__ = lazy_exports(__name__)
