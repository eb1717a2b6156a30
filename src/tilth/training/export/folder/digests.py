"""Whether a model's folder is the one that a night wrote: the SHA-256 of each of its files, checked as it is loaded."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tilth.errors import DamagedFileError

DIGESTS = "digests.json"
_FOR_PEOPLE = "README.md"  # the card is written once the night is measured, and changes no answer
_FIX = "copy the whole folder of the model again, or run the night again"


def write_digests(folder: Path) -> None:
    """Write the digest of every file of a folder but its card; whoever writes a model does this last."""
    digests = {file.name: _sha256(file) for file in _files(folder)}
    (folder / DIGESTS).write_text(json.dumps(digests, indent=1) + "\n", encoding="utf-8")


def check_digests(folder: Path) -> None:
    """See that every file is there and is what was written.

    Raises:
        DamagedFileError: one is missing or changed; the message names the first.
    """
    try:
        digests: dict[str, str] = dict(json.loads((folder / DIGESTS).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise DamagedFileError(f"{folder} lacks {DIGESTS}, the digests of its files; {_FIX}") from None
    except (ValueError, TypeError) as error:
        raise DamagedFileError(f"{folder / DIGESTS} is no list of digests ({error}); {_FIX}") from None
    for name, expected in digests.items():
        if not (folder / name).is_file():
            raise DamagedFileError(f"{folder} lacks {name}, which {DIGESTS} names; {_FIX}")
        if (digest := _sha256(folder / name)) != expected:
            raise DamagedFileError(
                f"{folder / name} has changed since it was written: its SHA-256 is {digest[:12]}…, expected "
                f"{expected[:12]}…; {_FIX}"
            )


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.is_file() and file.name not in {DIGESTS, _FOR_PEOPLE})


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
