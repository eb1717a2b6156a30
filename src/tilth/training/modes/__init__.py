"""How the encoder is trained: the modes by cost; and the top of a model of pictures.

In: labeled rows, held-out rows among them, and how to train. Out: the encoder after its training and the texts' vectors
by it. Another mode is an entry of `MODES`; `training/fitting/mode_choice.py` is what `auto` goes by.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.training.modes.base import TuningJob, remove_checkpoints
    from tilth.training.modes.picture_layers import PictureLayers, read_pictures
    from tilth.training.modes.registry import MODES
    from tilth.training.modes.top import drawn_rows

__getattr__, __dir__ = lazy_exports(__name__)
