from __future__ import annotations

import numpy as np
import pytest

from tilth.active_learning import query_strategies
from tilth.active_learning.learner import Learner
from tilth.learn import new_probe


def test_the_learner_fits_anew_and_refuses_what_is_not_finite() -> None:
    learner = Learner(estimator=new_probe(), query_strategy=query_strategies.get("margin"))
    first, labels = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array(["a", "b"])
    learner.fit(first[::-1], labels)
    learner.fit(first, labels)
    assert learner.X_training.shape == (2, 2)
    assert learner.predict(first).tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="NaN"):
        learner.fit(np.array([[np.nan, 1.0]]), np.array(["a"]))
