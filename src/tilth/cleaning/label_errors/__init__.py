"""What is wrong among the given labels.

In: given labels, the shared evidence (vectors, near rows, folds) and the annotators' votes. Out: each label's quality,
verdict and suggestion, and what the policy does with it (`find_label_errors`). The evidence models predict each label
out of fold, the filters flag labels by these probabilities, and the filter that finds injected errors best is used.
A filter with a threshold is one more entry of `filters.SCORES`, one without a name in `WITHOUT_THRESHOLD` and a branch
of `flag_labels`; another evidence model is one more part of `out_of_fold_models.fit_evidence_models`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.cleaning.label_errors.config import LabelErrorsConfig
    from tilth.cleaning.label_errors.detection import find_label_errors
    from tilth.cleaning.label_errors.filters import check_filter_name

__all__ = ["LabelErrorsConfig", "check_filter_name", "find_label_errors"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "config": ("LabelErrorsConfig",),
        "detection": ("find_label_errors",),
        "filters": ("check_filter_name",),
    },
)
