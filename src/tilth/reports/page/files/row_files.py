"""Which touched rows the page itself holds, by bytes, and the scripts beside it for the others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tilth import store

PAGE_BYTES = 2_850_000
"""What the page may be as a whole, for a mail's sake below 3 MB."""
FILE_ROWS = 20_000
FOLDER = "report"


def script_json(value: Any) -> str:
    r"""JSON that may stand in a script element or a script file: no text of a row can end it or begin anything.

    >>> script_json("</script><!--")
    '"\\u003c/script\\u003e\\u003c!--"'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in ("<", ">", "&", "\u2028", "\u2029"):
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def divide(facts: Sequence[Mapping[str, Any]], budget: int) -> int:
    """How many of the rows, which come in order of weight, fit into so many bytes."""
    spent = 0
    for count, fact in enumerate(facts):
        spent += len(script_json(fact).encode()) + 1
        if spent > budget:
            return count
    return len(facts)


def write_further(folder: Path, facts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Write the rows that the page does not hold as scripts below `report/`, or remove what an earlier page left.

    Args:
        folder: the run's folder.
        facts: those rows.

    Returns:
        A file's name, relative to the page, and its rows, a record a file.
    """
    target = folder / FOLDER
    if not facts:
        if target.exists():
            store.discard(target)
        return []
    files = []
    with store.atomic(target) as temporary:
        temporary.mkdir()
        for start in range(0, len(facts), FILE_ROWS):
            part, name = facts[start : start + FILE_ROWS], f"rows-{start // FILE_ROWS + 1}.js"
            (temporary / name).write_text(f"tilthRows({script_json(part)});\n", encoding="utf-8")
            files.append({"name": f"{FOLDER}/{name}", "rows": len(part)})
    return files
