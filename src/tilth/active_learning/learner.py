"""modAL's learner, made to work with today's scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from modAL.models import ActiveLearner
from sklearn.utils import check_X_y


class Learner(ActiveLearner):
    """An `ActiveLearner` over dense vectors.

    modAL 0.4.2 checks its data with the keyword `force_all_finite`, which scikit-learn 1.8 took away; the two
    methods that `fit` and `teach` check with are replaced here, and nothing else.

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

    def teach(
        self,
        X: np.ndarray,  # noqa: N803 - modAL's own name
        y: np.ndarray,
        bootstrap: bool = False,
        only_new: bool = False,
        **fit_kwargs: Any,
    ) -> None:
        """Add rows, shape (rows, dimensions), and fit to all that are known; to these alone with `only_new`."""
        check_X_y(X, y, ensure_all_finite=self.force_all_finite)
        if only_new:
            self._fit_on_new(X, y, bootstrap=bootstrap, **fit_kwargs)
            return
        if self.X_training is None:
            self.X_training, self.y_training = X, y
        else:
            self.X_training = np.vstack([self.X_training, X])
            self.y_training = np.concatenate([self.y_training, y])
        self._fit_to_known(bootstrap=bootstrap, **fit_kwargs)
