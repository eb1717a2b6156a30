"""The paraphraser: discrete text diffusion in diffusers' terms.

In: the workspace's texts. Out: a denoiser adapted to them, and a `ParaphrasePipeline` that draws paraphrases. A
scheduler is added in `scheduler.py`, by its name in `make`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.augmentation.diffusion.adaptation import Adapted, adapt
    from tilth.augmentation.diffusion.checkpoints import find_denoiser, holds_denoiser, load_paraphraser
    from tilth.augmentation.diffusion.config import AdaptConfig, DiffusionConfig
    from tilth.augmentation.diffusion.denoiser import Denoiser, inverse
    from tilth.augmentation.diffusion.pipeline import ParaphraseOutput, own_generators
    from tilth.augmentation.diffusion.vocabulary import CLS, MASK, SEP

__all__ = [
    "CLS",
    "MASK",
    "SEP",
    "AdaptConfig",
    "Adapted",
    "Denoiser",
    "DiffusionConfig",
    "ParaphraseOutput",
    "adapt",
    "find_denoiser",
    "holds_denoiser",
    "inverse",
    "load_paraphraser",
    "own_generators",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "adaptation": ("Adapted", "adapt"),
        "checkpoints": ("find_denoiser", "holds_denoiser", "load_paraphraser"),
        "config": ("AdaptConfig", "DiffusionConfig"),
        "denoiser": ("Denoiser", "inverse"),
        "pipeline": ("ParaphraseOutput", "own_generators"),
        "vocabulary": ("CLS", "MASK", "SEP"),
    },
)
