"""What is made of a model's probabilities.

In: probabilities or scores of classes, held-out labels, people's answers. Out: calibrated and corrected probabilities,
and labels of several tasks that agree. Each is a pure function of arrays: a further one is a module here.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.learn.probabilities.answered_confidence import Corrected, correct_confidence, logistic_posterior
    from tilth.learn.probabilities.calibration import apply_temperature, calibrate, fit_temperature
    from tilth.learn.probabilities.hierarchy import decide

__getattr__, __dir__ = lazy_exports(__name__)
