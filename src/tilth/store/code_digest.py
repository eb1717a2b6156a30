"""What a kept value rests on beside its inputs: the code that made it, and the libraries that the code calls."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from tilth.store.files import digest, digest_json


@cache
def digest_code(*files: Path) -> str:
    """Digest of source files and their names, so that an edit never meets an old result; read once a process."""
    return digest(*(part for file in files for part in (file.name, file.read_bytes())))


@cache
def library_versions() -> dict[str, str]:
    """The versions of the libraries that tilth requires; an upgrade may change what a stage says."""
    try:
        lines = importlib.metadata.requires("tilth") or []
    except importlib.metadata.PackageNotFoundError:  # run from source that was never installed
        lines = []
    names = [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in lines if "extra ==" not in line]
    return {name: importlib.metadata.version(name) for name in names}


def digest_made_by(files: Iterable[Path], libraries: Iterable[str]) -> str:
    """Digest of source files and of the versions of the libraries, among those tilth requires, that they call."""
    versions = library_versions()
    return digest_json([digest_code(*files), [versions.get(library) for library in libraries]])
