"""The code that an exported model's answers rest on, as the key of those that are cached."""

from __future__ import annotations

from pathlib import Path

from tilth.store import digest_made_by

_LEARN = (
    "probabilities/hierarchy.py",
    "passages/passage_pooling.py",
    "encoder/chunking.py",
    "encoder/passages.py",
    "lexical/analyzers.py",
)


def predictor_code_digest() -> str:
    """Digest of the code that turns a model folder and a text into an answer, and of the libraries that it calls."""
    here = Path(__file__).with_name("predictor.py")
    learn = here.parents[2] / "learn"
    views = (
        here.parent / "answers.py",
        here.parent / "checked_rows.py",
        here.parent / "folder" / "digests.py",
        here.parent / "packed" / "packed_passages.py",
        here.parent / "packed" / "packed_weights.py",
        here.parent / "packed" / "packed_wording.py",
        here.parent / "folder" / "readable_folder.py",
        here.parent / "packed" / "scope.py",
        here.parent / "graphs" / "session.py",
        here.parent / "text_reader.py",
        here.parent / "edge" / "inputs.py",
        here.parents[1] / "heads" / "ngram_features.py",
    )
    pictures = (
        here.parent / "packed" / "packed_pictures.py",
        here.parent / "picture_reader.py",
        learn / "pictures" / "preparation.py",
        here.parents[2] / "pictures.py",
    )
    files = (here, *views, *pictures, *(learn / name for name in _LEARN))
    return digest_made_by(files, ("onnxruntime", "tokenizers"))
