"""The content-addressed cache: a key is a digest of everything that the value depends on. Safe to delete.

The time of change of what stands there is the time of its last use: whoever takes a value that was there says so by
`used`, and `store.retention` goes by it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from tilth.store.files import atomic, digest, size

log = logging.getLogger(__name__)

VECTORS = ("checks", "embeddings", "exported", "nats", "picture_embeddings", "readings")
"""Kinds that hold a folder of `Vectors` a key."""
FOLDERS = ("adapted", "checkpoints", "ledger", "onnx", "passages", "stages")
"""Kinds that hold a folder a key, which `atomic` published whole or whose files stand each for itself; vectors of
passages are among them, for they are kept by their tokens, which no row's text names."""
FILES = (
    "activations",
    "blocks",
    "fits",
    "focus",
    "neighbors",
    "ngrams",
    "out_of_fold",
    "paraphrases",
    "pictures",
    "votes",
)
"""Kinds that hold a file a key."""

_DIGEST = "digest"
"""In the header of a file of arrays: of their names, types and values."""


@dataclass(frozen=True, kw_only=True)
class Unit:
    """What the cache holds under one key.

    Attributes:
        path: the file or the folder.
        kind: one of the kinds above.
        bytes: of all of it.
        used: when it was made, added to or taken last, in seconds since 1970.
    """

    path: Path
    kind: str
    bytes: int
    used: float


class Cache:
    """Arrays and vectors under `data/cache`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __repr__(self) -> str:
        return f"<Cache {self.root}>"

    def arrays(self, kind: str, key: str, compute: Callable[[], Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """The named arrays under a key, computed and kept where they are not there yet."""
        path = self.root / kind / f"{key}.safetensors"
        if (cached := _load(path)) is not None:
            used(path)
            return cached
        value = {name: np.ascontiguousarray(array) for name, array in compute().items()}
        with atomic(path) as temporary:
            save_file(value, temporary, metadata={_DIGEST: _digest_arrays(value)})
        return value

    def latest(self, kind: str, prefix: str) -> dict[str, np.ndarray] | None:
        """The named arrays that were made or taken last among the keys of one beginning; None where there are none."""
        paths = sorted((self.root / kind).glob(f"{prefix}*.safetensors"), key=lambda path: path.stat().st_mtime_ns)
        return next((value for path in reversed(paths) if (value := _load(path)) is not None), None)

    def folder(self, kind: str, key: str) -> Path:
        """Where a cached folder stands, or would stand; publish it with `files.atomic`."""
        return self.root / kind / key


def used(path: Path) -> None:
    """Remember that a value of the cache was taken just now; its time of change is what is remembered."""
    with contextlib.suppress(OSError):  # a cache that may only be read is used all the same
        os.utime(path)


def units(root: Path) -> list[Unit]:
    """What a cache holds; what has another name than tilth gives is none of it."""
    entries = []
    for kind in (*VECTORS, *FOLDERS, *FILES):
        for path in sorted((root / kind).glob("*")):
            if path.is_dir() != (kind in FILES) and re.fullmatch(r"[0-9a-f]{32}(\.\w+)?", path.name):
                used_at = path.stat().st_mtime
                entries.append(Unit(path=path, kind=kind, bytes=size(path), used=used_at))
    return entries


def _load(path: Path) -> dict[str, np.ndarray] | None:
    try:
        with safe_open(path, framework="numpy") as file:
            arrays: dict[str, np.ndarray] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
            written = (file.metadata() or {}).get(_DIGEST)
        if written != _digest_arrays(arrays):
            raise ValueError("its digest is another than when it was written")
    except FileNotFoundError:
        return None
    except (SafetensorError, OSError, ValueError) as error:
        log.warning("cache file %s is damaged (%s): it is computed again", path.name, error)
        return None
    return arrays


def _digest_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    parts: list[str | bytes] = []
    for name, array in sorted(arrays.items()):
        parts += [name, str(array.dtype), str(array.shape), np.ascontiguousarray(array).tobytes()]
    return digest(*parts)
