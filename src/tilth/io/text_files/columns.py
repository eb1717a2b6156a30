"""The names of a file's columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tilth.errors import InputError
from tilth.notes import Notes, many
from tilth.text import clean


def column_names(names: Iterable[str], file: Path | str, notes: Notes | None = None) -> list[str]:
    """The names, cleaned; empty for a column that came without one, and is left out.

    Args:
        names: as they stand in the file.
        file: for messages.
        notes: where columns without a name are noted.

    Raises:
        InputError: several columns have one name.
    """
    cleaned = [clean(name) for name in names]
    if twice := sorted(name for name, count in Counter(cleaned).items() if name and count > 1):
        raise InputError(f"{file}: several columns are called {twice}; rename or drop all but one of each")
    nameless = [place for place, name in enumerate(cleaned, 1) if not name]
    if notes is not None and nameless:
        message = f"{many(len(nameless), 'column')} of {Path(file).name} came without a name and is left out"
        notes.add("columns_without_a_name", len(nameless), message, f"column {nameless[0]}")
    return cleaned
