"""What a check computes of each text alone, kept under the text's digest: a night pays for new texts alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from tilth import languages
from tilth.engine import map_blocks
from tilth.store import Cache, Vectors, digest, digest_json, digest_made_by

Shared = TypeVar("Shared")

_ROWS = 8192
"""Texts of a block: a second or so of what looks at one text alone. So few are computed here, workers or none."""


def per_text(
    cache: Cache,
    name: str,
    texts: Sequence[str],
    function: Callable[[list[str], Shared], np.ndarray],
    shared: Shared,
    key: Sequence[str] = (),
) -> np.ndarray:
    """What a function gives for each text, float32, shape (texts, numbers).

    Args:
        cache: the night's.
        name: of the check.
        texts: one a row.
        function: of a module's top; from some texts to a row of numbers each.
        shared: what all calls need.
        key: what the numbers rest on beside the text and the code, as `shared` has it.
    """
    if not texts:
        return np.zeros((0, 1), dtype=np.float32)

    def here(block: list[str]) -> np.ndarray:
        return function(block, shared)

    def through(_: object, blocks: Iterable[list[str]]) -> Iterator[np.ndarray]:
        several = list(blocks)
        return map_blocks(function, several, shared) if len(several) > 1 else map(here, several)

    files = [*sorted(Path(__file__).parent.glob("*.py")), Path(languages.__file__)]
    folder = cache.folder("checks", digest(name, digest_made_by(files, ("py3langid",)), digest_json(sorted(key))))
    return Vectors(folder).of(texts, here, shard=_ROWS, through=through)
