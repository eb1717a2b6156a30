"""The model that leaves the night.

In: the encoder, frozen or tuned, and heads. Out: a folder with ONNX graphs, tokenizer and labels, and the `Predictor`
that reads it. The graphs are in `graphs/`, what else the folder holds in `packed/`, the folder itself in `folder/`,
models for boards in `edge/`. A new kind of compressed weights is one more entry of `QUANTIZED` in
`graphs/onnx_graphs.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.training.export.answer_cache import cached_answers, picture_vectors
    from tilth.training.export.answers import Answers
    from tilth.training.export.edge import edge_facts, export_edge, quantize_edge
    from tilth.training.export.folder import add_pictures, check_digests, picture_settings, push_model, write_digests
    from tilth.training.export.graphs import (
        RUNTIME_ERRORS,
        PictureGraphs,
        TrunkGraphs,
        cache_key,
        open_session,
        quantize,
        strip_notes,
    )
    from tilth.training.export.model_folder import export
    from tilth.training.export.packed import (
        CODES,
        PASSAGES,
        WEIGHTS,
        PackedGraph,
        PackedHead,
        PackedPassages,
        PackedPictures,
        PackedWording,
        PictureHead,
        ScaledWeights,
        Scope,
        Seen,
        SharedWeights,
        Weights,
        decisive_sentences,
        load_weights,
        log_certainty,
        mix_tasks,
        pool_tasks,
        pool_views,
        save_weights,
    )
    from tilth.training.export.picture_reader import PictureReader
    from tilth.training.export.predictor import Predictor
    from tilth.training.export.predictor_code import predictor_code_digest

__getattr__, __dir__ = lazy_exports(__name__)
