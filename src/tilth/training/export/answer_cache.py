"""What an exported model says of texts, each text read once: a night pays for new texts alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tilth.engine import map_blocks
from tilth.store import MODEL_CARD, Cache, Vectors, digest, digest_json, digest_tree, sha256_file
from tilth.training.export.answers import Answers
from tilth.training.export.folder import DIGESTS
from tilth.training.export.packed import PICTURE_GRAPH, PICTURES, WORDING, Seen
from tilth.training.export.predictor import Predictor, embed_texts
from tilth.training.export.predictor_code import predictor_code_digest

_HEADS = ("heads.onnx", WORDING, "tilth.json", DIGESTS, PICTURES, PICTURE_GRAPH)
"""Files of a model folder that have no part in a text's vector; of the settings, `tilth.json` has some."""
_OF_HEADS = ("tasks", "scope", "wording", "pictures")
_SHARD = 256
"""Texts that are read at once, by one worker where there are several."""


def cached_answers(
    folder: Path, texts: Sequence[str], cache: Cache, pictures: Sequence[tuple[str, Path] | None] | None = None
) -> Answers:
    """The answers of `Predictor.load(folder).answers(texts, pictures)`.

    A model answers each text alone, so that a text's vector and what the heads make of it are kept under the model's
    digest: the vectors go on while the encoder stays, what the heads say while the whole model does.

    Args:
        folder: a model folder.
        texts: any.
        cache: where both are kept.
        pictures: beside the texts, the digest of each one's content and where it stands; None where a row has none. A
            model that knows none goes by the texts.
    """
    predictor, code = Predictor.load(folder), predictor_code_digest()
    settings = {name: value for name, value in predictor.settings.items() if name not in _OF_HEADS}
    trunk = digest(code, digest_tree(predictor.folder, (MODEL_CARD, *_HEADS)), digest_json(settings))
    whole = digest(code, digest_tree(predictor.folder, (MODEL_CARD,)))
    vectors, readings = Vectors(cache.folder("exported", trunk)), Vectors(cache.folder("readings", whole))

    def through(_: object, shards: Iterable[list[str]]) -> Iterator[np.ndarray]:
        return map_blocks(embed_texts, shards, predictor)

    def read(new: list[str]) -> np.ndarray:
        return predictor.read(new, vectors.of(new, predictor.embed, shard=_SHARD, through=through))

    readings_of_texts = readings.of(texts, read) if len(texts) else predictor.read([])
    if pictures is None or "pictures" not in predictor.settings:
        return predictor.decide(readings_of_texts)
    return predictor.decide(readings_of_texts, _seen(predictor, texts, pictures, cache))


def _seen(
    predictor: Predictor, texts: Sequence[str], pictures: Sequence[tuple[str, Path] | None], cache: Cache
) -> Seen:
    """What the rows have; each picture is read once, whatever becomes of the text side and the heads."""
    vectors = picture_vectors(cache, predictor.folder / PICTURE_GRAPH, predictor.settings["pictures"])
    paths = dict(one for one in pictures if one is not None)
    if not paths:
        return Seen.none(len(texts))
    found = vectors.of(list(paths), lambda new: predictor.embed_pictures([paths[one] for one in new]))
    place = {one: row for row, one in enumerate(paths)}
    rows = [place[one[0]] if one is not None else 0 for one in pictures]
    return Seen.of(texts, found[rows], [one is not None for one in pictures])


def picture_vectors(cache: Cache, graph: Path, settings: Mapping[str, Any]) -> Vectors:
    """Where the vectors of pictures by an exported graph are kept, by the digests of their content.

    Args:
        cache: the night's.
        graph: of the model of pictures.
        settings: by `picture_settings`.
    """
    return Vectors(cache.folder("exported", digest(predictor_code_digest(), sha256_file(graph), digest_json(settings))))
