"""Files that are whole or not there: write beside, fsync, rename."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import re
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from tilth.errors import DamagedFileError

TEMPORARY = ".tilth-tmp-"
"""Every unfinished file or folder starts with this, so that leftovers of a killed process are known and removed."""

_FORGOTTEN = 86_400.0  # seconds after which what another machine left unfinished is taken for a leftover


def unfinished_prefix() -> str:
    """The beginning of a name for something unfinished of this process: it says who is at work on it."""
    return f"{TEMPORARY}{platform.node()}-{os.getpid()}-"


def folder_of_unfinished(name: str) -> Path | None:
    """The folder in which something unfinished was to appear; None for a name of anything else."""
    folder, unfinished, _ = name.partition(f"/{TEMPORARY}")
    return Path(folder).resolve() if unfinished else None


def digest(*parts: str | bytes) -> str:
    """Hex digest, 128 bits, of the parts in order; ("ab",) and ("a", "b") differ."""
    whole = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8, "little"))
        whole.update(data)
    return whole.hexdigest()


def digest_json(value: Any) -> str:
    """Digest of plain data, whatever the order of its keys."""
    return digest(json.dumps(value, sort_keys=True, default=str, ensure_ascii=False))


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_tree(path: Path, without: Collection[str] = ()) -> str:
    """Digest of a file, or of a folder's files with their relative names, those of some names left out."""
    if path.is_file():
        return sha256_file(path)[:32]
    files = sorted(file for file in path.rglob("*") if file.is_file() and file.name not in without)
    return digest(*(part for file in files for part in (str(file.relative_to(path)), sha256_file(file))))


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` (file or folder) that takes its place when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    holder = Path(tempfile.mkdtemp(prefix=unfinished_prefix(), dir=path.parent))
    try:
        yield holder / path.name
        _publish(holder / path.name, path)
    finally:
        shutil.rmtree(holder, ignore_errors=True)


def _publish(source: Path, target: Path) -> None:
    for file in [source] if source.is_file() else [p for p in source.rglob("*") if p.is_file()]:
        _sync(file)
    if source.is_dir() and target.exists():
        # Out of the way in one step: whoever is killed here leaves no half-removed folder under the final name.
        target.replace(source.parent / f"{source.name}.old")
    source.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: Path, value: Any) -> None:
    """Write plain data, readable and with its keys in the order given."""
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read what `write_json` wrote.

    Raises:
        DamagedFileError: it is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # of JSON as of UTF-8
        raise damaged(path, "JSON", error) from error


def damaged(path: Path, expected: str, error: Exception) -> DamagedFileError:
    """What is said of a file that tilth wrote and that holds something else now."""
    why = " ".join(str(error).split())  # Arrow's has several lines
    return DamagedFileError(
        f"{path} is damaged: expected {expected}, found {path.stat().st_size} bytes that are none ({why}); put it "
        f"back from a backup, or move {path.parent} out of the way and run the night again"
    )


def copy(source: Path, target: Path) -> None:
    """Publish a copy of a file or folder under a new name."""
    with atomic(target) as temporary:
        if source.is_dir():
            shutil.copytree(source, temporary)
        else:
            shutil.copy2(source, temporary)


def link_or_copy(source: str, target: str) -> None:
    """A second name for a file that nobody writes to again, or a copy where the disk gives none."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def clear_leftovers(folder: Path) -> int:
    """Remove what killed processes left unfinished below a folder, and return how many they were.

    What a living process is at work on, a `tilth report` beside a night for one, stays.
    """
    removed = leftovers(folder)
    for path in removed:
        _remove(path)
    return len(removed)


def leftovers(folder: Path) -> list[Path]:
    """What `clear_leftovers` would remove."""
    return [path for path in folder.rglob(f"{TEMPORARY}*") if not _at_work(path)] if folder.exists() else []


def discard(path: Path) -> None:
    """Remove a published file or folder; whoever is killed here leaves nothing half-removed under the final name."""
    if path.is_dir() and not path.is_symlink():
        holder = Path(tempfile.mkdtemp(prefix=unfinished_prefix(), dir=path.parent))
        path.replace(holder / path.name)
        path = holder
    _remove(path)


def size(path: Path) -> int:
    """The bytes of a file, or of all files of a folder."""
    if path.is_dir() and not path.is_symlink():
        return sum(size(inner) for inner in path.iterdir())
    return path.lstat().st_size


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _at_work(path: Path) -> bool:
    """Whether the process that began something may still live; of another machine's, whether it is of today."""
    named = re.fullmatch(r"(.*)-(\d+)-[^-]*", path.name.removeprefix(TEMPORARY))
    if named is None:
        return False
    if named[1] != platform.node():
        with contextlib.suppress(OSError):
            return time.time() - path.lstat().st_mtime < _FORGOTTEN
        return False
    try:
        os.kill(int(named[2]), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # somebody else's
        pass
    return True
