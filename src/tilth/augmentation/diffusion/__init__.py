"""The paraphraser: discrete text diffusion in diffusers' terms.

In: the workspace's texts. Out: a denoiser adapted to them, and a `ParaphrasePipeline` that generates paraphrases. A
scheduler is added in `scheduler.py`, by its name in `make_scheduler`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.augmentation.diffusion.adaptation import AdaptedDenoiser, adapt_denoiser, groups_of
    from tilth.augmentation.diffusion.checkpoints import find_denoiser, holds_denoiser, load_paraphraser
    from tilth.augmentation.diffusion.config import AdaptConfig, DiffusionConfig
    from tilth.augmentation.diffusion.cores import each_on_a_core
    from tilth.augmentation.diffusion.denoiser import Denoiser, shortlist_positions
    from tilth.augmentation.diffusion.pipeline import ParaphraseOutput, ParaphrasePipeline, generator_per_text
    from tilth.augmentation.diffusion.vocabulary import CLS, MASK, SEP

__getattr__, __dir__ = lazy_exports(__name__)
