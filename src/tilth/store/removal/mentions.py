"""Where rows that must go are named: by an id, or by a text, in plain data and in files of text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tilth.store import files

KNOWN_LETTERS = 12
"""Characters from which on a text is known wherever it stands, and by its beginning, as a report cuts it."""


@dataclass
class Forgotten:
    """Which rows go, and what of them was found.

    Attributes:
        ids: of the rows, and of their paraphrases.
        texts: theirs, of all nights, and the digests of their pictures.
        seen: the ids that stand in any table or answer.
        counts: what was removed, or would be → how much.
    """

    ids: set[str]
    texts: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, what: str, count: int) -> None:
        """Count something that was removed."""
        if count:
            self.counts[what] = self.counts.get(what, 0) + count

    def holds(self, value: object) -> bool:
        """Whether a value is an id of these rows, holds one of their texts, or begins one before an ellipsis.

        A short text may be a word of tilth's own, such as a label or a status: it counts where it stands in quotes.
        """
        if not isinstance(value, str):
            return False
        start = value.removesuffix("…").rstrip()
        return (
            value in self.ids
            or any(text and (text if len(text) >= KNOWN_LETTERS else f'"{text}"') in value for text in self.texts)
            or (
                value.endswith("…")
                and len(start) >= KNOWN_LETTERS
                and any(text.startswith(start) for text in self.texts)
            )
        )

    def holds_entry(self, entry: object) -> bool:
        """Whether an entry of a list holds an id or a text; a short text is one as a cell of a table, or as `text`."""
        if isinstance(entry, dict):
            return any(map(self.holds, entry.values())) or entry.get("text") in self.texts
        if isinstance(entry, list):
            return any(self.holds(cell) or (isinstance(cell, str) and cell in self.texts) for cell in entry)
        return self.holds(entry)


def forget_mentions(path: Path, forgotten: Forgotten, *, dry_run: bool) -> int:
    """Take out of a JSON file every entry that holds an id or a text of the rows, and of a text file every line."""
    if path.suffix == ".json":
        before = files.read_json(path)
        after, count = without(before, forgotten)
        if count and not dry_run:
            files.write_json(path, after)
        return count
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not any(text and text in line for text in forgotten.texts)]
    if len(kept) < len(lines) and not dry_run:
        with files.atomic(path) as unfinished:
            unfinished.write_text("".join(kept), encoding="utf-8")
    return len(lines) - len(kept)


def without(value: Any, forgotten: Forgotten) -> tuple[Any, int]:
    """Plain data without the list entries that hold an id or a text of the rows, and how many those were.

    A value that stands by itself under a key becomes None.
    """
    if isinstance(value, list):
        kept, count = [], 0
        for item in value:
            if forgotten.holds_entry(item):
                count += 1
                continue
            cleaned, less = without(item, forgotten)
            kept.append(cleaned)
            count += less
        return kept, count
    if isinstance(value, dict):
        parts = {key: without(one, forgotten) for key, one in value.items() if not forgotten.holds(key)}
        gone = len(value) - len(parts)
        return {key: part for key, (part, _) in parts.items()}, gone + sum(less for _, less in parts.values())
    return (None, 1) if forgotten.holds(value) else (value, 0)


def names_any(path: Path, forgotten: Forgotten) -> bool:
    """Whether a file of carried state holds an id or a text of the rows in plain sight, or in a table."""
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        return any(forgotten.holds(value) for name in table.column_names for value in table[name].to_pylist())
    if path.suffix not in {".json", ".jsonl", ".csv", ".txt"}:
        return False
    content = path.read_text(encoding="utf-8", errors="replace")
    written = {json.dumps(word, ensure_ascii=ascii_)[1:-1] for word in forgotten.texts for ascii_ in (True, False)}
    return any(word and word in content for word in written) or any(
        f'"{row_id}"' in content for row_id in forgotten.ids
    )
