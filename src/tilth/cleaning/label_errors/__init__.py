"""What is wrong among the given labels.

In: given labels, the shared evidence (vectors, n-grams, near rows, folds) and the annotators' votes. Out: each label's
quality, verdict and suggestion, and what the policy does with it (`find_label_errors`). Models of two views of the text
predict each label out of fold (`models/two_views`), the share of wrong labels follows from how these agree
(`noise/wrong_share`), each label's quality from both (`label_quality`), the cut from what is preferred
(`operating_point`). What people say of some suspects corrects the qualities of all (`update_with_answers`).

A filter by name judges by the evidence models alone. One with a threshold is one more entry of `filters.SCORES`, one
without is one more name in `WITHOUT_THRESHOLD` and a branch of `flag_labels`; another evidence model is one more of
`fit_evidence_models` in `models/`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.cleaning.label_errors.config import LabelErrorsConfig
    from tilth.cleaning.label_errors.detection import find_label_errors
    from tilth.cleaning.label_errors.filters import check_filter_name

__getattr__, __dir__ = lazy_exports(__name__)
