"""The objects of a JSONL file, and what is wrong with its lines."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tilth.errors import InputError
from tilth.io.text_files.input_files import utf8
from tilth.notes import Notes, many


def read_objects(data: bytes, path: Path, notes: Notes, lines_before: int = 0) -> list[dict[str, Any]]:
    """The objects of a file's lines, each of which holds one.

    Args:
        data: the content, or whole lines of it.
        path: of the file, for messages.
        notes: where lines that could not be read are noted, and what was read otherwise than it stands.
        lines_before: lines of the file that stand before these.

    Raises:
        InputError: it is not UTF-8, or no line of it holds a JSON object.
    """
    rows: list[dict[str, Any]] = []
    broken: list[tuple[int, str]] = []
    halves: list[int] = []
    twice: list[tuple[int, str]] = []
    text = utf8(data, path, lines_before).decode("utf-8")
    for number, line in enumerate(text.split("\n"), 1 + lines_before):  # other ends of lines may stand inside a string
        if not line.strip():
            continue
        row, repeated = _object(line)
        if row is None:
            broken.append((number, line))
            continue
        twice += [(number, key) for key in repeated[:1]]
        whole = _whole(row) if "\\ud" in line.lower() else row
        rows.append(whole)
        if whole != row:
            halves.append(number)
    if not rows and not lines_before:
        array = text.lstrip().startswith("[")
        fix = f"; this looks like one array: jq -c '.[]' {path.name} > rows.jsonl" if array else ""
        raise InputError(f"{path}: no line holds a JSON object; expected one object a line{fix}")
    notes.lines(path.name, broken, "each line has to hold one JSON object")
    if halves:
        message = f"{many(len(halves), 'line')} of {path.name} held half a character, which is read as \ufffd"
        notes.add("half_characters", len(halves), message, f"{path.name}, line {halves[0]}")
    if twice:
        held = f'{many(len(twice), "line")} of {path.name} held a key more than once, such as "{twice[0][1]}"'
        notes.add("repeated_keys", len(twice), f"{held}: its last value is read", f"{path.name}, line {twice[0][0]}")
    return rows


def _object(line: str) -> tuple[dict[str, Any] | None, list[str]]:
    """The JSON object of a line, None where it holds none, and the keys that stand in it more than once."""
    repeated: list[str] = []

    def made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        row = dict(pairs)
        if len(row) < len(pairs):
            repeated.extend(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        return row

    try:
        row = json.loads(line, object_pairs_hook=made)
    except (ValueError, RecursionError):  # no JSON, a number of too many digits, or nested too deeply
        return None, []
    return (row, repeated) if isinstance(row, dict) else (None, [])


def _whole(row: dict[str, Any]) -> dict[str, Any]:
    """A row in which half a character, as a cut emoji leaves it, is the sign for one that cannot be shown."""
    text = json.dumps(row, ensure_ascii=False).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    value: dict[str, Any] = json.loads(text)
    return value
