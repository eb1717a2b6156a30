"""What is wrong among the given labels.

In: given labels and out-of-fold models of the rows. Out: each label's quality, verdict and suggestion, and what the
policy does with it. A filter is one function in `filters.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.cleaning.label_errors.config import LabelErrorsConfig
    from tilth.cleaning.label_errors.detection import judge_all
    from tilth.cleaning.label_errors.filters import check_name

__all__ = ["LabelErrorsConfig", "check_name", "judge_all"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "config": ("LabelErrorsConfig",),
        "detection": ("judge_all",),
        "filters": ("check_name",),
    },
)
