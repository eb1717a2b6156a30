"""The model that leaves the night.

In: the encoder, frozen or tuned, and heads. Out: a folder with ONNX graphs, tokenizer and labels, and the `Predictor`
that reads it. A new kind of compressed weights is one more entry of `QUANTIZED` in `onnx_graphs.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.training.export.answer_cache import cached_answers, picture_vectors
    from tilth.training.export.answers import Answers
    from tilth.training.export.digests import check_digests, write_digests
    from tilth.training.export.edge import EdgeFacts, edge_facts, export_edge, quantize_edge
    from tilth.training.export.graph_structure import strip_notes
    from tilth.training.export.model_folder import export
    from tilth.training.export.onnx_graphs import TrunkGraphs, cache_key, quantize
    from tilth.training.export.packed_passages import PASSAGES, PackedPassages, decisive_sentences
    from tilth.training.export.packed_pictures import PackedPictures, PictureHead, Seen
    from tilth.training.export.packed_weights import (
        CODES,
        WEIGHTS,
        PackedGraph,
        ScaledWeights,
        SharedWeights,
        Weights,
        load_weights,
        save_weights,
    )
    from tilth.training.export.packed_wording import PackedHead, PackedWording, mix_tasks, pool_tasks, pool_views
    from tilth.training.export.picture_files import add_pictures, picture_settings
    from tilth.training.export.picture_graphs import PictureGraphs
    from tilth.training.export.picture_reader import PictureReader
    from tilth.training.export.predictor import Predictor
    from tilth.training.export.predictor_code import predictor_code_digest
    from tilth.training.export.scope import Scope, log_certainty
    from tilth.training.export.session import open_session

__all__ = [
    "CODES",
    "PASSAGES",
    "WEIGHTS",
    "Answers",
    "EdgeFacts",
    "PackedGraph",
    "PackedHead",
    "PackedPassages",
    "PackedPictures",
    "PackedWording",
    "PictureGraphs",
    "PictureHead",
    "PictureReader",
    "Predictor",
    "ScaledWeights",
    "Scope",
    "Seen",
    "SharedWeights",
    "TrunkGraphs",
    "Weights",
    "add_pictures",
    "cache_key",
    "cached_answers",
    "check_digests",
    "decisive_sentences",
    "edge_facts",
    "export",
    "export_edge",
    "load_weights",
    "log_certainty",
    "mix_tasks",
    "open_session",
    "picture_settings",
    "picture_vectors",
    "pool_tasks",
    "pool_views",
    "predictor_code_digest",
    "quantize",
    "quantize_edge",
    "save_weights",
    "strip_notes",
    "write_digests",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "answer_cache": ("cached_answers", "picture_vectors"),
        "answers": ("Answers",),
        "digests": ("check_digests", "write_digests"),
        "edge": ("EdgeFacts", "edge_facts", "export_edge", "quantize_edge"),
        "graph_structure": ("strip_notes",),
        "model_folder": ("export",),
        "onnx_graphs": ("TrunkGraphs", "cache_key", "quantize"),
        "packed_passages": ("PASSAGES", "PackedPassages", "decisive_sentences"),
        "packed_pictures": ("PackedPictures", "PictureHead", "Seen"),
        "packed_weights": (
            "CODES",
            "WEIGHTS",
            "PackedGraph",
            "ScaledWeights",
            "SharedWeights",
            "Weights",
            "load_weights",
            "save_weights",
        ),
        "packed_wording": ("PackedHead", "PackedWording", "mix_tasks", "pool_tasks", "pool_views"),
        "picture_files": ("add_pictures", "picture_settings"),
        "picture_graphs": ("PictureGraphs",),
        "picture_reader": ("PictureReader",),
        "predictor": ("Predictor",),
        "predictor_code": ("predictor_code_digest",),
        "scope": ("Scope", "log_certainty"),
        "session": ("open_session",),
    },
)
