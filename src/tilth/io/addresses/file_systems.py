"""Files by pattern and by address: globs, and what fsspec reads and writes (S3, GCS, Azure, HTTP, SFTP, …).

Which addresses can be read follows from what is installed beside tilth: `pip install s3fs` reads s3://, gcsfs gs://,
adlfs az://. Nothing is fetched but what the config or a person names.
"""

from __future__ import annotations

import glob
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from tilth.errors import InputError, RequestError, TilthError, did_you_mean, disk_is_full
from tilth.io.text_files import HUB, STANDARD_INPUT

_PATTERN = re.compile(r"[*?\[]")


def is_address(name: str) -> bool:
    """Whether an input's name is an address, such as s3://bucket/rows.csv, and no path.

    >>> is_address("s3://bucket/rows.csv"), is_address("data/rows.csv")
    (True, False)
    """
    return re.match(r"[A-Za-z][\w+.-]*://", name) is not None


def expand(names: Iterable[str], root: Path) -> list[str]:
    """Input names, with the files in place of each pattern, in the order of their names; each file once.

    Args:
        names: files, patterns such as data/*.jsonl or data/**/*.jsonl, addresses (which may be patterns), others as
            they are.
        root: the folder that a relative pattern starts from.

    Raises:
        InputError: a pattern that no file matches.
    """
    return list(dict.fromkeys(name for given in names for name in _matching(given, root)))


def _matching(name: str, root: Path) -> Iterator[str]:
    plain = name == STANDARD_INPUT or name.startswith(HUB) or not _PATTERN.search(name) or (root / name).exists()
    if plain:
        yield name
        return
    if is_address(name):
        files, path = file_system(name, "input")
        matches = sorted(files.unstrip_protocol(match) for match in _reached(name, lambda: files.glob(path)))
    else:
        found = glob.glob(name, root_dir=root, recursive=True)  # noqa: PTH207 (a pattern may be absolute)
        matches = sorted(one for one in found if (root / one).is_file())
    if not matches:
        folder = (root / name).parent
        near = [file.name for file in folder.glob("*")] if folder.is_dir() else []
        there = did_you_mean(Path(name).name, near) if near else "there is nothing where it looks"
        raise InputError(f'input "{name}": no file matches this pattern; {there}')
    yield from matches


def fetch(address: str) -> tuple[bytes, Path]:
    """What stands at an address, and the file's own name.

    Raises:
        InputError: nothing reads such an address, or there is nothing to be had at it.
    """
    if hub := re.match(r"https?://huggingface\.co/datasets/([\w.-]+(?:/[\w.-]+)?)", address):
        raise InputError(f'input "{address}" is a page; a data set of the Hub is named {HUB}{hub.group(1)}')
    files, path = file_system(address, "input")
    data = _reached(address, lambda: files.cat_file(path))
    return bytes(data), Path(PurePosixPath(path).name)


def file_system(address: str, what: str) -> tuple[Any, str]:
    """What reads and writes at an address, by fsspec, and the address's path there.

    Args:
        address: for example s3://bucket/rows.csv.
        what: it is of, for the message of an error.

    Raises:
        InputError: nothing reads such addresses, or the package that does is not installed.
    """
    import fsspec

    try:
        return fsspec.core.url_to_fs(address)
    except ValueError:
        scheme = address.partition("://")[0]
        known = [name for name in fsspec.available_protocols() if isinstance(name, str)]
        raise InputError(
            f'{what} "{address}": nothing reads {scheme}:// addresses; {did_you_mean(scheme, known)}'
        ) from None
    except ImportError as error:  # fsspec names the package
        raise InputError(f'{what} "{address}" needs one more package: {error}; install it with pip') from None


def _reached(address: str, read: Any) -> Any:
    try:
        return read()
    except FileNotFoundError:
        raise InputError(f'input "{address}": there is no such file') from None
    except Exception as error:  # each service's client raises its own; each means that the rows are not to be had
        raise InputError(
            f'input "{address}" is not to be had ({type(error).__name__}: {error}); check the address, and the rights '
            "that its service reads from the environment"
        ) from error


@contextmanager
def written_at(name: str, *, force: bool = False) -> Iterator[Path]:
    """Where a file or folder is to be written: a path itself, or for an address a place that is copied there.

    Args:
        name: a path, or an address such as s3://bucket/better.csv.
        force: write over what is at the address.

    Raises:
        RequestError: something is there already, or the address cannot be written.
    """
    if not is_address(name):
        yield Path(name)
        return
    files, path = file_system(name, "target")
    with tempfile.TemporaryDirectory() as folder, reaching(name, "written"):
        place = Path(folder) / PurePosixPath(path).name
        if files.exists(path) and not force:
            raise RequestError(f"{name} is there already; give another name, or --force to write over it")
        yield place
        if place.is_dir():
            put_folder(files, place, path)
        else:
            files.put_file(str(place), path)


@contextmanager
def reaching(name: str, verb: str) -> Iterator[None]:
    """Say in words why an address cannot be reached.

    Args:
        name: of the address, as the message has it.
        verb: what cannot be done with it: read or written.

    Raises:
        RequestError: for whatever a service's client raises; errors of tilth's own go through.
    """
    try:
        yield
    except TilthError:
        raise
    except Exception as error:  # each service's client raises its own
        fix = "check the address, the rights, and the variables that its service reads, such as AWS_ACCESS_KEY_ID"
        if disk_is_full(error):
            fix = "no room is left there: free some"
        raise RequestError(f"{name} cannot be {verb} ({one_line(error)}); {fix}") from error


def put_folder(files: Any, folder: Path, target: str, last: str = "") -> None:
    """Copy the files of a folder to a path of a file system, one of them after all others."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in sorted(paths, key=lambda path: path.relative_to(folder).as_posix() == last):
        place = f"{target}/{path.relative_to(folder).as_posix()}"
        files.makedirs(place.rpartition("/")[0], exist_ok=True)
        files.put_file(str(path), place)


def one_line(error: Exception) -> str:
    """What a service's client raised, on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())
