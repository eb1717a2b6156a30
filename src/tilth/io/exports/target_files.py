"""What kind of file a result is written as, and that nothing is lost where it is."""

from __future__ import annotations

from pathlib import Path

from tilth.errors import RequestError

STANDARD_OUTPUT = Path("-")
"""Standard output."""

FOLDER = "folder"
_KINDS = {".csv": "csv", ".jsonl": "jsonl", ".parquet": "parquet", "": FOLDER}
_STREAMED = ("csv", "jsonl")
_OF_DATASETS = ("dataset_dict.json", "state.json")


def file_kind(target: Path, wanted: str | None = None) -> str:
    """Which kind of file a target is, by its ending where nobody says it.

    Raises:
        RequestError: none that tilth writes.
    """
    if wanted is not None and wanted not in _KINDS.values():
        raise RequestError(f"--format {wanted}: expected one of {', '.join(_KINDS.values())}")
    if target == STANDARD_OUTPUT:
        if wanted not in _STREAMED:
            raise RequestError(
                f"- is standard output, which takes {' or '.join(_STREAMED)}; give --format {_STREAMED[1]}, or the "
                "name of a file such as better.csv"
            )
        return wanted
    ending = target.suffix.lower()
    if wanted is None and (ending not in _KINDS or target.name.startswith(".")):
        raise RequestError(
            f'{target}: "{ending or target.name}" is no kind that tilth writes; give .csv, .jsonl, .parquet or a '
            "folder, or --format"
        )
    return wanted or _KINDS[ending]


def refuse_to_overwrite(target: Path, kind: str, *, force: bool) -> None:
    """See that nothing is lost where a target is written.

    Raises:
        RequestError: something is there already, and either nobody forces it, or it is not what tilth wrote.
    """
    if target == STANDARD_OUTPUT or not target.exists():
        return
    if not force:
        raise RequestError(f"{target} is there already; give another name, or --force to write over it")
    ours = any((target / name).is_file() for name in _OF_DATASETS) if kind == FOLDER else target.is_file()
    if not ours:
        what = "a folder that `datasets` saved" if kind == FOLDER else "a file"
        raise RequestError(f"{target} is there already and is not {what}, so that --force leaves it; give another name")
