"""Where every benchmark writes its table: `benchmarks/RESULTS.md`, between markers of its own."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from pathlib import Path

FILE = Path(__file__).with_name("RESULTS.md")


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def machine() -> str:
    """The Python and the processor that the figures were measured with."""
    return f"Python {platform.python_version()}, {platform.machine()}, {platform.system()}"


def write(name: str, text: str) -> None:
    """Print a benchmark's section and put it in the place of the one from last time."""
    print(text)
    start, end = f"<!-- {name}: start -->", f"<!-- {name}: end -->"
    section = f"{start}\n{text.strip()}\n{end}"
    whole = FILE.read_text(encoding="utf-8") if FILE.exists() else "# Measured\n"
    found = re.compile(re.escape(start) + ".*?" + re.escape(end), re.DOTALL)
    whole = found.sub(lambda _: section, whole) if found.search(whole) else f"{whole.rstrip()}\n\n{section}\n"
    FILE.write_text(whole, encoding="utf-8")
