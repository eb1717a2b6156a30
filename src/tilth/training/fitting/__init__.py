"""Fit the night's model.

In: training rows, the encoder's vectors, `[training]`. Out: heads, on the encoder as it came or as it was trained
(`FittedModel`), and why. A further way to train the encoder is a mode (`modes/`); by what it is chosen stands in
`mode_choice.py` and `mode_comparison.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.training.fitting.fitting import FittedModel, encoder_config, fit_model
    from tilth.training.fitting.head_fitting import fit_task_head, fit_without_held_out
    from tilth.training.fitting.picture_tuning import TunedPictures, tune_pictures
    from tilth.training.fitting.short_tuning import ShortTuner
    from tilth.training.fitting.stiff_predictions import with_stiff_predictions

__getattr__, __dir__ = lazy_exports(__name__)
