"""The code that an exported model's answers rest on, as the key of those that are cached."""

from __future__ import annotations

from pathlib import Path

from tilth.store import digest_made_by

_FILES = (
    "training/export/predictor.py",
    "training/export/answers.py",
    "training/export/checked_rows.py",
    "training/export/picture_reader.py",
    "training/export/text_reader.py",
    "training/export/edge/inputs.py",
    "training/export/folder/digests.py",
    "training/export/folder/readable_folder.py",
    "training/export/graphs/session.py",
    "training/export/packed/packed_passages.py",
    "training/export/packed/packed_pictures.py",
    "training/export/packed/packed_weights.py",
    "training/export/packed/packed_wording.py",
    "training/export/packed/scope.py",
    "training/export/torch_trunk.py",
    "training/heads/ngram_features.py",
    "devices.py",
    "learn/encoder/attention/block_attention.py",
    "learn/encoder/attention/long_reader.py",
    "learn/encoder/attention/windows.py",
    "learn/encoder/chunking.py",
    "learn/encoder/passages.py",
    "learn/encoder/tokenizer.py",
    "learn/encoder/trunk.py",
    "learn/encoder/windowed_trunk.py",
    "learn/lexical/analyzers.py",
    "learn/passages/passage_pooling.py",
    "learn/pictures/preparation.py",
    "learn/probabilities/hierarchy.py",
    "pictures.py",
)
"""Of the package; a test holds them to what the predictor imports."""


def predictor_code_digest() -> str:
    """Digest of the code that turns a model folder and a text into an answer, and of the libraries that it calls."""
    package = Path(__file__).parents[2]
    return digest_made_by([package / name for name in _FILES], ("onnxruntime", "tokenizers", "torch", "transformers"))
