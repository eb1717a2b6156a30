"""Fine-tuning the encoder together with a head for each task, on accelerate.

In: texts with classes and weights, heads to start from, `[training]`. Out: a tuned trunk, its losses, and how it was
trained. `tuning` starts it, here or, by `processes`, `worker` and `sharding`, in several processes; `loop` is the loop,
`model` what it trains, `objectives` what it makes smaller, `batches` says which rows each step takes, `precision` what
is computed in, and what is refused before a night begins, `checkpoint` what a killed night goes on from,
`early_stopping` when it is over.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.training.trainer.batches import TuningRows, plan_batches, rate
    from tilth.training.trainer.config import TrainerConfig
    from tilth.training.trainer.model import AllLayers
    from tilth.training.trainer.objectives import CLASSIFY, Objective, contrastive, cross_entropy
    from tilth.training.trainer.precision import check_hardware
    from tilth.training.trainer.sharding import check_tensor_parallel
    from tilth.training.trainer.tuning import Tuned, tune

__getattr__, __dir__ = lazy_exports(__name__)
