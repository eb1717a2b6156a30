"""How the encoder is trained: the modes by cost, and which one a night takes.

In: labeled rows, held-out rows among them, `[training]`. Out: the encoder after its training and the texts' vectors by
it. Another mode is a file here and a line in `registry`; `choice` is what `auto` goes by.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.training.modes.base import Mode, TrainedTrunk, TuningJob, tuning_rows
    from tilth.training.modes.choice import Choice, choose_mode
    from tilth.training.modes.registry import MODES

__all__ = ["MODES", "Choice", "Mode", "TrainedTrunk", "TuningJob", "choose_mode", "tuning_rows"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "base": ("Mode", "TrainedTrunk", "TuningJob", "tuning_rows"),
        "choice": ("Choice", "choose_mode"),
        "registry": ("MODES",),
    },
)
