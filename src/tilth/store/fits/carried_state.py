"""What nights carry over, in folders that are named by the digest of what is in them."""

from __future__ import annotations

from pathlib import Path

from tilth.errors import DamagedFileError
from tilth.store.files import copy, digest_tree, read_json
from tilth.store.fits.fits import FIT_DATES


def state_digest(folder: Path) -> str:
    """The name of what a step carries over; the dates of fits are no part of it."""
    return digest_tree(folder, without=(FIT_DATES,))


def is_whole_state(folder: Path) -> bool:
    """Whether what was carried over stands there as it was left."""
    if not folder.exists() or state_digest(folder) != folder.name:
        return False
    try:
        read_json(folder / FIT_DATES)
    except FileNotFoundError:  # of what is no fit
        pass
    except DamagedFileError:
        return False
    return True


def keep_state(folder: Path, state: Path, digest: str) -> None:
    """Copy what a step carries over into the state, unless it stands there whole: what a disk damaged is replaced."""
    if not is_whole_state(state / digest):
        copy(folder, state / digest)
