"""Fine-tuning the encoder together with a head for each task, on accelerate.

In: texts with classes and weights, heads to start from, `[training]`. Out: a tuned trunk, its losses, and how it was
trained. `loop` is the loop, `batches` says which rows each step takes, `precision` what is computed in, `checkpoint`
what a killed night goes on from.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.training.trainer.batches import TuningRows
    from tilth.training.trainer.config import TrainerConfig
    from tilth.training.trainer.loop import Tuned, tune

__all__ = ["TrainerConfig", "Tuned", "TuningRows", "tune"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {"batches": ("TuningRows",), "config": ("TrainerConfig",), "loop": ("Tuned", "tune")},
)
