"""Whether a folder holds a model that this release reads: its files, its version, and their digests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tilth.errors import DamagedFileError, RequestError
from tilth.training.export.folder.digests import check_digests
from tilth.training.export.packed import PASSAGES, WORDING

VERSION, BY_PASSAGES, BY_TORCH = 4, 5, 6
_READABLE = (2, 3, VERSION, BY_PASSAGES, BY_TORCH)
"""A model of version 2 goes by the meaning alone; from 4 on there are digests; one of 5 reads passages, and the encoder
of one of 6 is run by torch."""
_DIGESTED = 4

_FILES = ("heads.onnx", "tokenizer.json", "tilth.json")
_ENCODER = "model.onnx"


def checked_folder(folder: Path) -> Path:
    """The model's folder, where a run's folder or the model's own is given.

    Raises:
        RequestError: the folder holds no model, one of another version, or one whose files are not those that were
            written.
        DamagedFileError: its `tilth.json` cannot be read.
    """
    folder = folder / "model" if (folder / "run.json").is_file() else folder
    missing = [name for name in _FILES if not (folder / name).is_file()]
    settings = _settings(folder) if "tilth.json" not in missing else {}
    if settings.get("version") != BY_TORCH and not (folder / _ENCODER).is_file():
        missing.insert(0, _ENCODER)
    if missing:
        raise RequestError(
            f"{folder} lacks {', '.join(missing)}; give the folder of a run that trained a model, such as "
            "data/runs/latest"
        )
    if (version := settings.get("version")) not in _READABLE:
        raise RequestError(f"{folder} holds a model of version {version}, expected {VERSION}; run the night again")
    if version >= _DIGESTED:
        check_digests(folder)
    for key, name in (("wording", WORDING), ("passages", PASSAGES)):
        if settings.get(key) and not (folder / name).is_file():
            raise RequestError(f"{folder} lacks {name}, which its tilth.json names; copy the whole folder of the model")
    return folder


def _settings(folder: Path) -> dict[str, Any]:
    try:
        settings: dict[str, Any] = dict(json.loads((folder / "tilth.json").read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise DamagedFileError(f"{folder / 'tilth.json'} is damaged ({error}); run the night again") from None
    return settings
