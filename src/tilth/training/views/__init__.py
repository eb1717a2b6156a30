"""What a row means, pooled with how it is worded and with what its picture shows.

In: probabilities of the heads on the encoder, n-grams, vectors of pictures. Out: pooled probabilities, by how far
held-out rows say that each view counts, and what the exported model needs to pool alike. A further view is a module.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.training.views.picture_view import PictureView, cross_validated, fit_pictures
    from tilth.training.views.pooling_share import SURE
    from tilth.training.views.view_pooling import Wording, WordingTrial, fit_wording

__getattr__, __dir__ = lazy_exports(__name__)
