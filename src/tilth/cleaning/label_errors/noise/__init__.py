"""How wrong labels come about, and how many there are.

In: given labels, the models' probabilities. Out: labels made wrong on purpose, the probability of each true label under
errors that depend on the row, and the share of labels that are wrong. Another kind of noise is a function beside
`inject_noise`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.cleaning.label_errors.noise.instance_dependent_noise import true_label_posterior
    from tilth.cleaning.label_errors.noise.noise_injection import (
        FilterScore,
        best_threshold,
        error_rate,
        filter_score,
        inject_noise,
        probability_by_score,
    )
    from tilth.cleaning.label_errors.noise.wrong_share import ErrorRate, estimate_error_rate

__getattr__, __dir__ = lazy_exports(__name__)
