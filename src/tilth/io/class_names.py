"""The names of classes that `datasets` keeps beside their numbers in a Parquet file."""

from __future__ import annotations

import json
from typing import Any


def class_names(schema: Any) -> dict[str, list[str]]:
    """The names of each column's classes, where `datasets` wrote the file and kept them beside the numbers."""
    try:
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}
    kinds = {column: feature for column, feature in dict(features).items() if isinstance(feature, dict)}
    kinds = {column: kind for column, kind in kinds.items() if column in schema.names}
    return {column: kind["names"] for column, kind in kinds.items() if kind.get("_type") == "ClassLabel"}
