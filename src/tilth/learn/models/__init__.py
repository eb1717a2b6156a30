"""The simple models that stages share, and their predictions for rows that they did not learn from.

In: views of rows (embeddings, n-grams), labels. Out: the linear probe, models of further views (`VIEWS`), out-of-fold
probabilities, self-trained ones too. A model of another view is one more entry of `VIEWS` in `views.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.learn.models.carried_probes import CarriedProbes
    from tilth.learn.models.linear_probe import FittedProbe, fit_predict, fit_probe, new_probe
    from tilth.learn.models.out_of_fold import (
        OutOfFold,
        cross_validate,
        fit_probes,
        knowable,
        predict_by_folds,
        probes_from,
    )
    from tilth.learn.models.self_training import fit_self_trained, predict_self_trained, pseudo_label
    from tilth.learn.models.views import (
        VIEWS,
        Features,
        class_centroids,
        complement_naive_bayes,
        pool,
        stiff_regression,
    )

__getattr__, __dir__ = lazy_exports(__name__)
