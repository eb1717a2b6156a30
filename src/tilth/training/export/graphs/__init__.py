"""The ONNX graphs of an exported model.

In: trunk and heads as torch modules. Out: their graphs, in float and quantized, traced once an architecture, written
with fewer and faster operators; and ONNX Runtime at work on them (`open_session`). A new kind of quantized trunk is one
more entry of `QUANTIZED` in `onnx_graphs.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.training.export.graphs.graph_rewriting import attention_masks, needed, read_by, rename_input
    from tilth.training.export.graphs.graph_structure import strip_notes
    from tilth.training.export.graphs.onnx_graphs import (
        QUANTIZED,
        TrunkGraphs,
        cache_key,
        quantize,
        quantize_by_samples,
        write_heads,
    )
    from tilth.training.export.graphs.picture_graphs import PictureGraphs
    from tilth.training.export.graphs.session import CPU, RUNTIME_ERRORS, Provider, open_session

__getattr__, __dir__ = lazy_exports(__name__)
