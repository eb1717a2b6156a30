"""What a stage's result depends on, and whether another night may take it from the cache."""

from __future__ import annotations

import logging
from pathlib import Path

from tilth import store
from tilth.errors import DamagedFileError

log = logging.getLogger(__name__)

SEAL = "seal.json"
"""In a result's folder: the digest of all the other files."""

_SHARED = (
    "samples",
    "store",
    "stage",
    "learn",
    "config/settings.py",
    "config/base.py",
    "config/engine.py",
    "config/nights.py",
    "errors.py",
    "languages.py",
    "text.py",
    "descent.py",
    "devices.py",
    "lazy.py",
    "notes.py",
    "pictures.py",
    "progress.py",
    "threads.py",
    "engine/blocks.py",
    "io/exports/csv_writer.py",
)
"""What every stage may run beside its own package; a test holds this list to what the stages really import."""


def kept(folder: Path) -> bool:
    """Whether a stage's result stands there that another night may take: nobody who was asked for it kept silent.

    A damaged one is computed again, and takes the place of this one.
    """
    if not (folder / "result.json").exists():
        return False
    try:
        if store.read_json(folder / SEAL)["digest"] != store.digest_tree(folder, without=(SEAL,)):
            log.warning("%s is damaged, by its digest: the stage is computed again", folder)
            return False
        return not store.read_json(folder / "result.json")["unavailable_services"]
    except (DamagedFileError, FileNotFoundError, KeyError) as error:
        log.warning("%s: the stage is computed again", error)
        return False


def code_files(name: str) -> list[Path]:
    """The files of the package that a stage runs or reads."""
    root = Path(__file__).parents[2]
    files: list[Path] = []
    for part in (*_SHARED, name):
        code = sorted((root / part).rglob("*")) if (root / part).is_dir() else [root / part]
        files += [path for path in code if path.is_file() and "__pycache__" not in path.parts]
    return files


def code_digest(name: str) -> str:
    """Digest of the source that a stage runs."""
    return store.digest_code(*code_files(name))
