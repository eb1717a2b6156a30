"""How good predictions are.

In: predicted and true labels. Out: macro-F1 and other scores, and the interval of the difference of two models. A
further score is one more function of `metrics.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.learn.metrics.metrics import (
        expected_calibration_error,
        f1_counts,
        macro_f1,
        paired_bootstrap,
        scores,
        why_no_score,
    )
    from tilth.learn.metrics.model_comparison import Difference, Labels, difference, score, score_interval

__getattr__, __dir__ = lazy_exports(__name__)
