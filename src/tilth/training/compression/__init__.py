"""Make the night's model smaller, as far as its contract asks and its held-out rows allow.

In: the full model, the table, `[training.contract]`. Out: a smaller model in a folder, whether the contract is met, and
what every shape that was tried costs and loses. `student/steps` names the steps that make an encoder smaller, each with
one job; another is one more function there. `weights/` rounds the weights. `compressor` decides.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.training.compression.candidate import publish
    from tilth.training.compression.compressor import compress
    from tilth.training.compression.config import ContractConfig
    from tilth.training.compression.figures import contract_figures, flipped_rows
    from tilth.training.compression.full_model import FullModel, SmallerModel
    from tilth.training.compression.held_out import Fold, HeldOut, Loss
    from tilth.training.compression.student import Shape, Winner, no_encoder
    from tilth.training.compression.weights import int8_products

__getattr__, __dir__ = lazy_exports(__name__)
