"""The bytes of an input file or of standard input, and what kind they are; errors name the fix."""

from __future__ import annotations

import codecs
import gzip
import os
import re
import shlex
import sys
import zlib
from pathlib import Path

from tilth.errors import InputError, did_you_mean
from tilth.notes import Notes

HUB, STANDARD_INPUT = "hf:", "-"
KINDS = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
"""The endings of the files that tilth reads."""
SAVED = "state.json"
"""What a folder holds that `datasets` saved one data set in."""

UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""The byte order marks that a file in UTF-16 begins with."""

_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_OTHERS = {
    b"PK\x03\x04": ("a ZIP archive or an Excel workbook", "unpack it, name it .xlsx, or save its sheet as CSV UTF-8"),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook", "save its sheet as CSV UTF-8"),
    b"SQLite format 3": (
        "an SQLite database",
        "write its table as CSV: sqlite3 -header -csv FILE 'select * from TABLE'",
    ),
    b"BZh": ("compressed by bzip2", "unpack it: bunzip2 FILE"),
    b"\xfd7zXZ": ("compressed by xz", "unpack it: unxz FILE"),
    b"\x28\xb5\x2f\xfd": ("compressed by zstd", "unpack it: unzstd FILE"),
}
"""How files begin that tilth does not read, what they are, and what makes them readable."""


def shown(name: str) -> str:
    """What a person reads for an input: the file's own name."""
    return "standard input" if name == STANDARD_INPUT else Path(name).name


def content(name: str, root: Path) -> tuple[bytes, Path]:
    """What a file, or standard input, holds, and its path.

    Raises:
        InputError: there is no such file, or nothing in it.
    """
    path = located(name, root)
    if name != STANDARD_INPUT:
        return path.read_bytes(), path
    data = sys.stdin.buffer.read()
    if not data:
        raise InputError('input "-": standard input is empty; it can be read once, for one of input, gold, …')
    return data, path


def located(name: str, root: Path) -> Path:
    """The path of an input file, or of standard input.

    Raises:
        InputError: there is no such file, none that may be read, or nothing is piped in.
    """
    if name == STANDARD_INPUT:
        if sys.stdin is None or sys.stdin.isatty():
            raise InputError(
                'input "-" is standard input, and nothing is piped in; for example: tilth run … < rows.csv'
            )
        return Path(shown(STANDARD_INPUT))
    if address := re.match(r"(\w+)://", name):
        raise InputError(_elsewhere(name, address.group(1)))
    path = root / name
    if not name.strip() or path.is_dir():
        files = sorted(path.glob("*")) if name.strip() else []
        near = [file.name for file in files if file.suffix.lower() in KINDS or (file / SAVED).is_file()]
        raise InputError(
            f'input "{name}" is {"a folder" if name.strip() else "empty"}; name a file, for example '
            f"{Path(name) / near[0] if near else 'rows.csv'}"
        )
    if not path.is_file():
        near = [file.name for file in path.parent.glob("*")] if path.parent.is_dir() else []
        raise InputError(f"no file {path}; {did_you_mean(path.name, near)}")
    if not os.access(path, os.R_OK):
        raise InputError(f'input "{name}" cannot be read (no right to it); give yourself one: chmod u+r {path}')
    return path


def _elsewhere(name: str, scheme: str) -> str:
    fetch = f'curl -L "{name}"' if scheme in {"http", "https", "ftp", "file"} else f"PROGRAM-THAT-READS {name}"
    return (
        f'"{name}" is an address, which a night reads (--input, data.input), and this command does not; fetch it '
        f"yourself: {fetch} > rows.csv"
    )


def kind(data: bytes, path: Path) -> str:
    """The ending, of `KINDS`, that says how to read a file: by what it holds where that is plain, else its own.

    Raises:
        InputError: it is none of them.
    """
    for start, (what, fix) in _OTHERS.items():
        if data.startswith(start):
            raise InputError(f"{path}: this is {what}, which tilth does not read; {fix.replace('FILE', path.name)}")
    ending = (path.with_suffix("") if path.suffix.lower() == ".gz" else path).suffix.lower()
    if data.startswith(_PARQUET) and data.endswith(_PARQUET):
        return ".parquet"
    if path == Path(shown(STANDARD_INPUT)):
        return ".jsonl" if data.lstrip().startswith(b"{") else ".csv"
    if ending not in KINDS:
        raise InputError(f'{path}: "{path.suffix}" is no kind that tilth reads; {did_you_mean(path.suffix, KINDS)}')
    return ending


def unpacked(data: bytes, path: Path) -> bytes:
    """The content of a file, packed by gzip or not.

    Raises:
        InputError: it is packed, and not whole.
    """
    if not data.startswith(_GZIP):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: packed by gzip, but not whole ({error}); pack or fetch it again") from None


def from_utf16(data: bytes, path: Path, notes: Notes) -> bytes:
    """The content of a file, as UTF-8 where its byte order mark says that it is UTF-16, as Excel's Unicode text is.

    Raises:
        InputError: the mark says so, and the file is not.
    """
    if not data.startswith(UTF16) or data.startswith(codecs.BOM_UTF32_LE):
        return data
    try:
        text = data.decode("utf-16")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: UTF-16 by its byte order mark, but not at byte {error.start} ({error.reason}); save it again, "
            "best as UTF-8"
        ) from None
    notes.add("utf_16", 1, f"{path.name} is UTF-16, not UTF-8, and is read as such", path.name)
    return text.encode("utf-8")


def utf8(data: bytes, path: Path, lines_before: int = 0) -> bytes:
    """The content of a text file, without a byte order mark, or whole lines of it after so many others.

    Raises:
        InputError: it is empty, or not UTF-8.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise InputError(f"{path}: the file is empty; expected a header and rows")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        if b"\0" in data and not data.startswith(_UTF_32):
            raise InputError(
                f"{path}: no text file, for it holds zero bytes; expected CSV or JSONL in UTF-8, a Parquet file or an "
                "Excel workbook, with its ending"
            ) from None
        line = lines_before + data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}: not UTF-8 at line {line} (byte 0x{data[error.start]:02x}); "
            f"convert it first, for example: iconv -f {_encoding(data)} -t utf-8 {shlex.quote(str(path))} > "
            f"{shlex.quote(f'utf8-{path.name}')}"
        ) from None
    return data


def _encoding(data: bytes) -> str:
    """What a file that is not UTF-8 most likely is."""
    if data.startswith(_UTF_32):
        return "utf-32"
    # Of 0x80 to 0x9f, Windows makes quotes, dashes and the euro sign, Latin-1 signs that no text holds.
    return "cp1252" if re.search(rb"[\x80-\x9f]", data) else "latin1"
