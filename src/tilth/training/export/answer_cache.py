"""What an exported model says of texts, each text read once: a night pays for new texts alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tilth.store import MODEL_CARD, Cache, Vectors, digest, digest_json, digest_tree
from tilth.training.export.digests import DIGESTS
from tilth.training.export.packed_wording import FILE
from tilth.training.export.predictor import Answers, Predictor, predictor_code_digest

_HEADS = ("heads.onnx", FILE, "tilth.json", DIGESTS)
"""Files of a model folder that have no part in a text's vector; of the settings, `tilth.json` has some."""
_OF_HEADS = ("tasks", "scope", "wording")


def cached_answers(folder: Path, texts: Sequence[str], cache: Cache) -> Answers:
    """The answers of `Predictor.load(folder).answers(texts)`.

    A model answers each text alone, so that a text's vector and what the heads make of it are kept under the model's
    digest: the vectors go on while the encoder stays, what the heads say while the whole model does.

    Args:
        folder: a model folder.
        texts: any.
        cache: where both are kept.
    """
    predictor, code = Predictor.load(folder), predictor_code_digest()
    settings = {name: value for name, value in predictor.settings.items() if name not in _OF_HEADS}
    trunk = digest(code, digest_tree(predictor.folder, (MODEL_CARD, *_HEADS)), digest_json(settings))
    whole = digest(code, digest_tree(predictor.folder, (MODEL_CARD,)))
    vectors, readings = Vectors(cache.folder("exported", trunk)), Vectors(cache.folder("readings", whole))

    def read(new: list[str]) -> np.ndarray:
        return predictor.read(new, vectors.of(new, predictor.embed))

    return predictor.decide(readings.of(texts, read) if len(texts) else predictor.read([]))
