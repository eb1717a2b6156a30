"""One vector a text digest, in few large files: the keys are held in memory, the vectors stay on disk."""

from __future__ import annotations

import json
import logging
import mmap
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from tilth.progress import part_of
from tilth.store.cache import used
from tilth.store.files import atomic, digest

log = logging.getLogger(__name__)

_SEGMENTS = 32
"""Files of one kind that may stand side by side before they are joined."""
_ROWS = 16_384
"""Vectors that are copied at once where files are joined: 24 MiB of 384 dimensions."""
_BLOCK = 2_048
"""Texts that are computed before their vectors are written: half a minute of the default encoder on a slow core."""
_CHECKSUM, _PIECE = "crc32", 1 << 20
"""What the header calls the checksum of what stands behind it, and bytes that are read at once to compute it."""
_WIDTH = 16
"""Bytes of a key, which is `files.digest` of a text."""


Through = Callable[[Callable[[list[str]], np.ndarray], Iterable[list[str]]], Iterable[np.ndarray]]
"""`map`, or what stands in its place."""


class Vectors:
    """One vector a text digest: few large files, each written once, so that a night adds only what is new.

    A sorted index of the keys is held in memory, 32 bytes a text. The vectors, 1,536 bytes a text for the default
    encoder, stay on disk: the rows asked for are read through a mapping, whose pages are given back at once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._segments: list[Path] = []
        self._mapped: list[tuple[np.ndarray, mmap.mmap]] = []
        self._keys = np.zeros(0, dtype=f"S{_WIDTH}")
        self._places = np.zeros((0, 2), dtype=np.int64)  # segment and row of each key
        self._map(sorted(folder.glob("*.safetensors")) if folder.exists() else [])

    def __len__(self) -> int:
        return len(self._keys)

    def of(
        self,
        texts: Sequence[str],
        compute: Callable[[list[str]], np.ndarray],
        *,
        shard: int | None = None,
        through: Through = map,
        expect: Callable[[int], None] | None = None,
    ) -> np.ndarray:
        """The texts' vectors, shape (texts, dimensions); those not held are computed from their texts, and held.

        Args:
            texts: each is a key.
            compute: from some texts to one vector each.
            shard: texts that are computed at once; None takes as many as are written at once.
            through: calls `compute` on the shards and gives the results in their order: `map`, or what spreads the
                calls over processes.
            expect: is told before how many texts will be computed, if any.
        """
        keys = [bytes.fromhex(digest(text)) for text in texts]
        missing = sorted(self.missing(keys), key=lambda place: len(texts[place]))  # texts of like length together
        if missing and expect is not None:
            expect(len(missing))
        block = max(_BLOCK, -(-len(missing) // _SEGMENTS))
        size = shard or block
        parts = [missing[first : first + size] for first in range(0, len(missing), size)]
        computed = iter(through(compute, ([texts[i] for i in part] for part in parts)))
        places: list[int] = []
        whole: list[np.ndarray] = []
        for number, part in enumerate(parts):
            with part_of(number * size, len(part), len(missing)):
                whole.append(next(computed))
            places += part
            if len(places) >= block or part is parts[-1]:  # whoever is killed has lost one block
                self.add([keys[i] for i in places], np.concatenate(whole))
                places, whole = [], []
        used(self.folder)
        return self.get(keys)

    def missing(self, keys: Sequence[bytes]) -> list[int]:
        """Positions of the keys that are not held; of equal keys only the first."""
        if not keys:
            return []
        unique, first = np.unique(_array(keys), return_index=True)
        return sorted(first[~np.isin(unique, self._keys, assume_unique=True)].tolist())

    def get(self, keys: Sequence[bytes]) -> np.ndarray:
        """Vectors of keys that are all held, float32, shape (keys, dimensions)."""
        if missing := self.missing(keys):
            raise KeyError(f"{len(missing)} of {len(keys)} keys are not held in {self.folder}; add their vectors first")
        places = np.searchsorted(self._keys, _array(keys))
        segments, rows = self._places[places].T
        vectors = np.empty((len(keys), self._mapped[segments[0]][0].shape[1]), dtype=np.float32)
        for number in np.unique(segments):
            here = np.flatnonzero(segments == number)
            here = here[np.argsort(rows[here], kind="stable")]  # from the front of the file to its end
            mapped, pages = self._mapped[number]
            vectors[here] = mapped[rows[here]]
            if hasattr(mmap, "MADV_DONTNEED"):
                pages.madvise(mmap.MADV_DONTNEED)
        return vectors

    def add(self, keys: Sequence[bytes], vectors: np.ndarray) -> None:
        """Hold these vectors, float32 of shape (keys, dimensions), and write them as one file."""
        if not keys:
            return
        whole = np.ascontiguousarray(vectors, dtype=np.float32)
        self._map([_write(self.folder, _array(keys), whole.shape[1], [whole])])
        if len(self._segments) >= _SEGMENTS:
            self._rewrite(np.arange(len(self._keys)))

    def unneeded(self, needed: np.ndarray) -> int:
        """How many keys are held that are not among the needed ones, as `keys_of` gives them."""
        return int((~np.isin(self._keys, needed)).sum())

    def prune(self, needed: np.ndarray) -> int:
        """Forget all keys but the needed ones, and return how many bytes the files have become less by."""
        before = _size(self._segments)
        kept = np.flatnonzero(np.isin(self._keys, needed))
        if len(kept) < len(self._keys):
            self._rewrite(kept)
        return before - _size(self._segments)

    def forget(self, keys: Sequence[bytes]) -> None:
        """Hold these keys no more; their files are written anew without them."""
        self._rewrite(np.flatnonzero(~np.isin(self._keys, _array(keys))))

    def _map(self, segments: Sequence[Path]) -> None:
        """Map files and take their keys into the index; one that is damaged is left out."""
        keys, places = [self._keys], [self._places]
        for segment in segments:
            try:
                stored_keys, mapped = _open(segment)
            except FileNotFoundError:  # another process has joined it with others just now
                continue
            except (SafetensorError, OSError, ValueError, KeyError) as error:
                log.warning("cache file %s is damaged (%s): what it held is computed again", segment, error)
                continue
            keys.append(stored_keys)
            places.append(np.stack([np.full(len(stored_keys), len(self._mapped)), np.arange(len(stored_keys))], axis=1))
            self._segments.append(segment)
            self._mapped.append(mapped)
        self._keys, first = np.unique(np.concatenate(keys), return_index=True)
        self._places = np.concatenate(places)[first]

    def _rewrite(self, kept: np.ndarray) -> None:
        """Put the keys at these places of the index into one file, and remove all others; few rows at once."""
        old, keys = self._segments, self._keys[kept]
        joined = []
        if len(keys):
            parts = (self.get([_bytes(key) for key in keys[i : i + _ROWS]]) for i in range(0, len(keys), _ROWS))
            joined = [_write(self.folder, keys, self._mapped[0][0].shape[1], parts)]
        self._segments, self._mapped = [], []
        self._keys, self._places = self._keys[:0], self._places[:0]
        self._map(joined)
        for segment in old:
            if segment not in joined:
                segment.unlink(missing_ok=True)


def keys_of(parts: Iterable[Sequence[str]]) -> np.ndarray:
    """The keys of texts that come in parts, each once and in order, as `Vectors.prune` takes them."""
    keys = _array([])
    for texts in parts:
        keys = np.union1d(keys, _array([bytes.fromhex(digest(text)) for text in texts]))
    return keys


def _array(keys: Sequence[bytes]) -> np.ndarray:
    """Keys of one width each; numpy compares them as bytes, and a last byte of 0 as any other of that width."""
    return np.frombuffer(b"".join(keys), dtype=f"S{_WIDTH}")


def _bytes(key: np.bytes_) -> bytes:
    return bytes(key).ljust(_WIDTH, b"\0")  # numpy drops zeros at the end


def _size(files: Iterable[Path]) -> int:
    return sum(file.stat().st_size for file in files if file.exists())


def _open(segment: Path) -> tuple[np.ndarray, tuple[np.ndarray, mmap.mmap]]:
    """The keys of a file, and its vectors, mapped: safetensors' own slices are of neighboring rows alone."""
    with safe_open(segment, framework="numpy") as checked:
        keys, written = checked.get_tensor("keys"), (checked.metadata() or {}).get(_CHECKSUM)
    with segment.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))["vectors"]
        pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if header["dtype"] != "F32" or len(header["shape"]) != 2:
        raise ValueError(f"vectors are {header['dtype']} of shape {header['shape']}, expected F32 of two dimensions")
    if written is not None and written != _checksum(pages, 8 + length):
        raise ValueError("its checksum is another than when it was written")
    rows, width = header["shape"]
    start = 8 + length + header["data_offsets"][0]
    vectors = np.frombuffer(pages, dtype="<f4", count=rows * width, offset=start).reshape(rows, width)
    return np.ascontiguousarray(keys).view(f"S{_WIDTH}").ravel(), (vectors, pages)


def _write(folder: Path, keys: np.ndarray, width: int, parts: Iterable[np.ndarray]) -> Path:
    """Write a safetensors file of `keys` and `vectors`, part after part, so that no more than one is in memory."""
    raw = keys.tobytes()

    def header(checksum: int) -> bytes:
        end = len(raw) + 4 * width * len(keys)
        found = json.dumps(
            {
                "__metadata__": {_CHECKSUM: f"{checksum:08x}"},
                "keys": {"dtype": "U8", "shape": [len(keys), _WIDTH], "data_offsets": [0, len(raw)]},
                "vectors": {"dtype": "F32", "shape": [len(keys), width], "data_offsets": [len(raw), end]},
            }
        ).encode()
        return found + b" " * (-len(found) % 8)

    path = folder / f"{digest(raw)}.safetensors"
    with atomic(path) as temporary, temporary.open("wb") as file:
        file.write(len(header(0)).to_bytes(8, "little") + header(0) + raw)
        checksum = zlib.crc32(raw)
        for part in parts:
            whole = np.ascontiguousarray(part, dtype="<f4")
            checksum = zlib.crc32(whole.data, checksum)
            file.write(whole.data)
        file.seek(8)
        file.write(header(checksum))  # of the same length, now that it is known
    return path


def _checksum(pages: mmap.mmap, start: int) -> str:
    """Of all that stands behind the header, a piece at a time, whose memory is given back."""
    checksum = 0
    for first in range(0, len(pages), _PIECE):
        checksum = zlib.crc32(pages[max(first, start) : first + _PIECE], checksum)
        if hasattr(mmap, "MADV_DONTNEED"):
            pages.madvise(mmap.MADV_DONTNEED, first, min(_PIECE, len(pages) - first))
    return f"{checksum:08x}"
