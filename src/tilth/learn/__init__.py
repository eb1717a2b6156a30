"""What several stages learn from the same rows.

In: texts and labels. Out: nearest neighbors, a linear probe, label spreading, calibrated probabilities, and
out-of-fold predictions, each computed once and cached (`Evidence`). A model that two stages need belongs here.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.learn.calibration import calibrate, fit_temperature, soften, softmax
    from tilth.learn.hierarchy import decide
    from tilth.learn.linear_probe import fit_predict, new_probe, scores
    from tilth.learn.neighbors import Neighbors
    from tilth.learn.out_of_fold import OutOfFold, knowable
    from tilth.learn.shared_features import Evidence

__all__ = [
    "Evidence",
    "Neighbors",
    "OutOfFold",
    "calibrate",
    "decide",
    "fit_predict",
    "fit_temperature",
    "knowable",
    "new_probe",
    "scores",
    "soften",
    "softmax",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "calibration": ("calibrate", "fit_temperature", "soften", "softmax"),
        "hierarchy": ("decide",),
        "linear_probe": ("fit_predict", "new_probe", "scores"),
        "neighbors": ("Neighbors",),
        "out_of_fold": ("OutOfFold", "knowable"),
        "shared_features": ("Evidence",),
    },
)
