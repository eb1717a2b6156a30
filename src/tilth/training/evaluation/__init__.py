"""How good the model is.

In: predictions, gold or held-out rows, paraphrases. Out: figures and pictures of the report, predictions for promotion,
and rows whose answer does not survive a paraphrase. Nothing that is measured here changes the model.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.training.evaluation.estimate import estimated_scores
    from tilth.training.evaluation.evaluation import (
        calibration,
        class_names,
        figures,
        measure_on_gold,
        picture_views,
        scores,
        sharing,
        views,
    )
    from tilth.training.evaluation.held_out import HeldOutAnswers, answer_held_out, read_digests, write_predictions
    from tilth.training.evaluation.robustness import measure_robustness

__getattr__, __dir__ = lazy_exports(__name__)
