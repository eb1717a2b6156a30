"""Whether paraphrases help: the gain that cross-validation on the night's own train rows sees, by the model to be.

In: candidates with the gate's verdicts, the label-agreement models, how rows are worded, and how training would train
the encoder. Out: macro-F1 without and with the paraphrases, its interval, and the model that was asked. Another model
is a `View` in `views.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.augmentation.proof.cross_validation import CrossValidatedGain, cross_validate_gain
    from tilth.augmentation.proof.tuned_encoder import MOST, Tuning
    from tilth.augmentation.proof.views import CandidatePool
    from tilth.augmentation.proof.wording import WordFeatures, word_features

__getattr__, __dir__ = lazy_exports(__name__)
