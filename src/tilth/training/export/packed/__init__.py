"""What an exported model holds beside its graphs, each in one file that numpy alone reads.

In: arrays of weights, thresholds. Out: the same on disk and back, and the answers that follow from them: shared
weights, wording heads, picture heads, weights of passages, the score of a text out of scope. `Predictor` imports them,
so that nothing here loads more than numpy.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.training.export.packed.packed_passages import (
        PASSAGES,
        PackedPassages,
        Reading,
        decisive_sentences,
        read_passages,
    )
    from tilth.training.export.packed.packed_pictures import PICTURE_GRAPH, PICTURES, PackedPictures, PictureHead, Seen
    from tilth.training.export.packed.packed_weights import (
        CODES,
        WEIGHTS,
        PackedGraph,
        ScaledWeights,
        SharedWeights,
        Weights,
        load_weights,
        save_weights,
    )
    from tilth.training.export.packed.packed_wording import (
        WORDING,
        PackedHead,
        PackedWording,
        mix_tasks,
        pool_tasks,
        pool_views,
    )
    from tilth.training.export.packed.scope import Scope, log_certainty

__getattr__, __dir__ = lazy_exports(__name__)
