"""modAL's learner, made to work with today's scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from modAL.models import ActiveLearner
from sklearn.utils import check_X_y


class Learner(ActiveLearner):
    """An `ActiveLearner` over dense vectors.

    modAL 0.4.2 checks its data with the keyword `force_all_finite`, which scikit-learn 1.8 took away; `fit` alone
    is replaced here. A night's learner is new, so that nothing is taught to it bit by bit (`teach`).

    Attributes:
        wording: what a second model, of the words, says of the pool that is queried next: probabilities of the same
            classes, shape (rows, classes). None where there is no such model.
    """

    wording: np.ndarray | None = None

    def fit(self, X: np.ndarray, y: np.ndarray, bootstrap: bool = False, **fit_kwargs: Any) -> Learner:  # noqa: N803 - modAL's own name
        """Fit to these rows, shape (rows, dimensions), forgetting all others."""
        check_X_y(X, y, ensure_all_finite=self.force_all_finite)
        self.X_training, self.y_training = X, y
        self._fit_to_known(bootstrap=bootstrap, **fit_kwargs)
        return self
