"""The ids of rows that were forgotten, as digests: an input that still holds them is read without them."""

from __future__ import annotations

from collections.abc import Iterable, Set
from pathlib import Path

from tilth.errors import DamagedFileError
from tilth.store import files

TOMBSTONES = "forgotten.json"


def tombstones(data: Path) -> Set[str]:
    """Digests of the ids that were forgotten."""
    path = data / TOMBSTONES
    if not path.exists():
        return frozenset()
    digests = files.read_json(path)
    if not isinstance(digests, list):
        raise DamagedFileError(f"{path} is damaged: expected a list of digests; put it back from a backup")
    return frozenset(map(str, digests))


def add_tombstones(data: Path, row_ids: Iterable[str]) -> None:
    """Keep the digests of ids, and not the ids, so that an input that still holds them is read without them."""
    files.write_json(data / TOMBSTONES, sorted(tombstones(data) | {files.digest(row_id) for row_id in row_ids}))
