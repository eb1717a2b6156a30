"""Which rows are paraphrased, and which candidates are kept.

In: rows with labels, candidates with their vectors. Out: sources, the gate's verdicts, each class's budget, and the
cross-validated gain. A condition of the gate is added in `gate.py` with a word of `Reason`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.augmentation.selection.budget import budgets, fill, shared
    from tilth.augmentation.selection.candidates import Candidates, Measured
    from tilth.augmentation.selection.config import GateConfig
    from tilth.augmentation.selection.cross_fitting import Proving
    from tilth.augmentation.selection.cross_validation import Offered, Proof, prove
    from tilth.augmentation.selection.gate import _read, grammatical, verdicts
    from tilth.augmentation.selection.learning_curve import Worth, measure
    from tilth.augmentation.selection.measures import _measured
    from tilth.augmentation.selection.sources import Chosen

__all__ = [
    "Candidates",
    "Chosen",
    "GateConfig",
    "Measured",
    "Offered",
    "Proof",
    "Proving",
    "Worth",
    "_measured",
    "_read",
    "budgets",
    "fill",
    "grammatical",
    "measure",
    "prove",
    "shared",
    "verdicts",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "budget": ("budgets", "fill", "shared"),
        "candidates": ("Candidates", "Measured"),
        "config": ("GateConfig",),
        "cross_fitting": ("Proving",),
        "cross_validation": ("Offered", "Proof", "prove"),
        "gate": ("_read", "grammatical", "verdicts"),
        "learning_curve": ("Worth", "measure"),
        "measures": ("_measured",),
        "sources": ("Chosen",),
    },
)
