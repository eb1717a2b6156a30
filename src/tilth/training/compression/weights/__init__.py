"""The same weights in fewer bits.

In: an encoder's matrices. Out: weights that share few values, packed beside the graph that reads them, and an encoder
that computes in training as if its weights were rounded already. A further kind of rounding begins in
`weight_sharing.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.training.compression.weights.fake_quantization import shared_weights
    from tilth.training.compression.weights.graph_packing import cut_embeddings, pack_graph, share_products
    from tilth.training.compression.weights.static_rounding import int8_products

__getattr__, __dir__ = lazy_exports(__name__)
