"""The models that say what a row's label should be, none of which learned from the row.

In: views of rows (meaning, wording, pictures), given labels. Out: out-of-fold probabilities of every label, a view each
and pooled. A further view is a module here; whether it speaks is for `model_verdict.py` to weigh.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.cleaning.label_errors.models.meaning import MeaningView, meaning_view
    from tilth.cleaning.label_errors.models.out_of_fold_models import (
        FitProbes,
        ModelProbabilities,
        NeighborGraph,
        fit_evidence_models,
    )
    from tilth.cleaning.label_errors.models.picture_view import add_picture_view
    from tilth.cleaning.label_errors.models.two_views import TwoViews, agreement, fit_two_views, three_accuracies

__getattr__, __dir__ = lazy_exports(__name__)
