"""How the denoiser learns: in its pretraining, and each night the workspace's own language.

In: texts of train rows, a denoiser. Out: the adapted denoiser and its held-out losses (`adapt_denoiser`); examples and
the loop by which it is trained. What it learns from is chosen in `adaptation_corpus.py`, and never a gold text.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.augmentation.diffusion.adaptation.adaptation import AdaptedDenoiser, adapt_denoiser
    from tilth.augmentation.diffusion.adaptation.loss_groups import groups_of

__getattr__, __dir__ = lazy_exports(__name__)
