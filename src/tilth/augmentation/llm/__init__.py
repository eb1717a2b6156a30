"""Paraphrases by a large diffusion language model on an accelerator.

In: texts. Out: paraphrases, behind the same gate as the small denoiser's. A model is added in `checkpoints.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.augmentation.llm.checkpoints import check_large, load_large
    from tilth.augmentation.llm.config import LargeConfig

__getattr__, __dir__ = lazy_exports(__name__)
