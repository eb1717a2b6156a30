"""The names of classes that `datasets` keeps beside their numbers in a Parquet file."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from tilth.notes import Notes, many


def class_names(schema: Any) -> dict[str, list[str]]:
    """The names of each column's classes, where `datasets` wrote the file and kept them beside the numbers."""
    try:
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}
    kinds = {column: feature for column, feature in dict(features).items() if isinstance(feature, dict)}
    kinds = {column: kind for column, kind in kinds.items() if column in schema.names}
    return {column: kind["names"] for column, kind in kinds.items() if kind.get("_type") == "ClassLabel"}


def names_in_place(
    numbers: Sequence[Any], names: Sequence[str], column: str, file: str, notes: Notes, before: int = 0
) -> list[str | None]:
    """The names of the numbers of classes; a number without a name, -1 for one, is no label, and that is noted.

    Args:
        numbers: a column's values; None or NaN where a row has none.
        names: of the classes, in the order of their numbers.
        column: its name.
        file: that the rows stand in.
        notes: where rows are counted whose number names no class.
        before: rows of the file that stand before these.
    """
    named = dict(enumerate(names))
    absent = [one is None or (isinstance(one, float) and math.isnan(one)) for one in numbers]
    lost = [row for row, one in enumerate(numbers) if not absent[row] and one not in named]
    if lost:
        message = (
            f'{many(len(lost), "row")} of {file} held a number in "{column}" that names no class, such as '
            f"{numbers[lost[0]]}: read as no label"
        )
        notes.add("numbers_without_a_class", len(lost), message, f"{file}, row {before + lost[0] + 1}")
    return [named.get(one) for one in numbers]
