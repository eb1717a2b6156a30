"""What nights carry over, in folders that are named by the digest of what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tilth.errors import DamagedFileError
from tilth.store.cache import Cache
from tilth.store.files import copy, digest_tree, read_json
from tilth.store.fits.fits import FIT_DATES, Fits

FITS = ".fits"
"""Ends the name, in the carried state, of what was fitted on many rows."""


def fits_left(record: Mapping[str, Any], name: str, cache: Cache) -> Fits:
    """What a step of a night fitted or took over, for whoever reads that night again; none where it is gone.

    Args:
        record: the night's `run.json`.
        name: of the step.
        cache: where fits that are gone are found, or kept once they are made anew.
    """
    left = record.get("carried", {}).get("out", {}).get(f"{name}{FITS}")
    return Fits(carried=Path(record["workspace"]["data"]) / "state" / left if left else None, share=np.inf, cache=cache)


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
