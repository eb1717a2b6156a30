"""The content-addressed cache: a key is a digest of everything that the value depends on. Safe to delete."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from tilth.store.files import atomic, digest

log = logging.getLogger(__name__)

_SEGMENTS = 32
"""Vector files of one kind that may stand side by side before they are joined."""


class Cache:
    """Arrays and vectors under `data/cache`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def arrays(self, kind: str, key: str, compute: Callable[[], Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """The named arrays under a key, computed and kept where they are not there yet."""
        path = self.root / kind / f"{key}.safetensors"
        if (found := _load(path)) is not None:
            return found
        value = {name: np.ascontiguousarray(array) for name, array in compute().items()}
        with atomic(path) as temporary:
            save_file(value, temporary)
        return value

    def folder(self, kind: str, key: str) -> Path:
        """Where a cached folder stands, or would stand; publish it with `files.atomic`."""
        return self.root / kind / key


class Vectors:
    """One vector a text digest: few large files, each written once, so that a night adds only what is new."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._vectors: dict[bytes, np.ndarray] = {}
        self._segments = sorted(folder.glob("*.safetensors")) if folder.exists() else []
        for segment in self._segments:
            if (found := _load(segment)) is not None:
                self._vectors.update(zip(map(bytes, found["keys"]), found["vectors"], strict=True))

    def of(self, texts: Sequence[str], compute: Callable[[list[str]], np.ndarray]) -> np.ndarray:
        """The texts' vectors, shape (texts, dimensions); those not held are computed from their texts, and held."""
        keys = [bytes.fromhex(digest(text)) for text in texts]
        if missing := self.missing(keys):
            self.add([keys[i] for i in missing], compute([texts[i] for i in missing]))
        return self.get(keys)

    def missing(self, keys: Sequence[bytes]) -> list[int]:
        """Positions of the keys that are not held; of equal keys only the first."""
        first: dict[bytes, int] = {}
        for position, key in enumerate(keys):
            first.setdefault(key, position)
        return [position for key, position in first.items() if key not in self._vectors]

    def get(self, keys: Sequence[bytes]) -> np.ndarray:
        """Vectors of keys that are all held, float32, shape (keys, dimensions)."""
        return np.stack([self._vectors[key] for key in keys])

    def add(self, keys: Sequence[bytes], vectors: np.ndarray) -> None:
        """Hold these vectors, float32 of shape (keys, dimensions), and write them as one file."""
        if not keys:
            return
        self._vectors.update(zip(keys, vectors, strict=True))
        if len(self._segments) + 1 < _SEGMENTS:
            self._segments.append(self._write(keys, vectors))
            return
        joined = self._write(list(self._vectors), np.stack(list(self._vectors.values())))
        for segment in self._segments:
            segment.unlink(missing_ok=True)
        self._segments = [joined]

    def _write(self, keys: Sequence[bytes], vectors: np.ndarray) -> Path:
        raw = np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(len(keys), -1)
        path = self.folder / f"{digest(raw.tobytes())}.safetensors"
        with atomic(path) as temporary:
            save_file({"keys": raw, "vectors": np.ascontiguousarray(vectors, dtype=np.float32)}, temporary)
        return path


def _load(path: Path) -> dict[str, np.ndarray] | None:
    try:
        arrays: dict[str, np.ndarray] = load_file(path)
        return arrays
    except FileNotFoundError:
        return None
    except (SafetensorError, OSError) as error:
        log.warning("cache file %s is damaged (%s): it is computed again", path.name, error)
        return None
