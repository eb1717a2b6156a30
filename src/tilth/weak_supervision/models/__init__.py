"""Votes and texts to labels.

In: a label matrix and texts. Out: label probabilities, by Snorkel's label model, a majority vote, a joint model of
votes and text, or the text alone, whichever is best on held-out labels.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.weak_supervision.models.joint_model import ROUNDS, Text, part, see
    from tilth.weak_supervision.models.label_columns import write_labels
    from tilth.weak_supervision.models.model_selection import (
        FEW_LABELS,
        TEXT,
        Choice,
        Witnesses,
        believe_unseen,
        choose,
    )
    from tilth.weak_supervision.models.propagation import propagate

__all__ = [
    "FEW_LABELS",
    "ROUNDS",
    "TEXT",
    "Choice",
    "Text",
    "Witnesses",
    "believe_unseen",
    "choose",
    "part",
    "propagate",
    "see",
    "write_labels",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "joint_model": ("ROUNDS", "Text", "part", "see"),
        "label_columns": ("write_labels",),
        "model_selection": ("Choice", "FEW_LABELS", "TEXT", "Witnesses", "believe_unseen", "choose"),
        "propagation": ("propagate",),
    },
)
