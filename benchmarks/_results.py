"""Where every benchmark writes its table: a file of its own in `benchmarks/results/`, to which RESULTS.md leads."""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tilth.store import atomic

FOLDER = Path(__file__).with_name("results")
BY_HAND = "<!-- Below this line a person wrote; a new run of the benchmark keeps it. -->"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def shown(values: Sequence[float]) -> str:
    """The median, with the smallest and the largest where they differ."""
    kept = [value for value in values if not np.isnan(value)]
    if not kept:
        return ""
    low, middle, high = min(kept), float(np.median(kept)), max(kept)
    return f"{middle:.3f}" if high - low < 5e-4 else f"{middle:.3f} ({low:.3f} to {high:.3f})"


def compared(before: Sequence[str], runs: Sequence[Mapping[str, Sequence[float]]]) -> list[list[str]]:
    """A line for each way that was measured, over the runs of several seeds; printed too."""
    lines = []
    for way in runs[0]:
        columns = zip(*(run[way] for run in runs), strict=True)
        lines.append([*before, way, *map(shown, columns)])
        print("| " + " | ".join(lines[-1]) + " |", flush=True)
    return lines


def parser(doc: str | None, sets: Sequence[str]) -> argparse.ArgumentParser:
    """What every benchmark of several data sets is asked: `data`, `sets`, `seeds`."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data", type=Path, default=Path("data/public"))
    made.add_argument("--sets", nargs="+", default=list(sets))
    made.add_argument("--seeds", type=int, default=5)
    return made


def kept(folder: Path | None, name: str, compute: Callable[[], Any]) -> Any:
    """A part's figures, kept as JSON as soon as they are there: a run that was broken off goes on where it was.

    Args:
        folder: of kept parts; None keeps nothing.
        name: of the part, and of all that its figures depend on.
        compute: measures it; what it gives must come back out of JSON as it went in.
    """
    if folder is None:
        return compute()
    path = folder / f"{name}.json"
    if not path.exists():
        found = json.dumps(compute())
        folder.mkdir(parents=True, exist_ok=True)
        with atomic(path) as beside:
            beside.write_text(found, encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))


def machine() -> str:
    """The Python and the processor that the figures were measured with."""
    return f"Python {platform.python_version()}, {platform.machine()}, {platform.system()}"


def write(name: str, text: str) -> None:
    """Print a benchmark's page and put it in the place of the one from last time, whole or not at all.

    What a person wrote below the line `BY_HAND` of the page from last time is kept.
    """
    print(text)
    page = FOLDER / f"{name}.md"
    _, line, reading = page.read_text(encoding="utf-8").partition(BY_HAND) if page.is_file() else ("", "", "")
    with atomic(page) as beside:
        beside.write_text(text.strip() + "\n" + (f"\n{line}{reading}" if line else ""), encoding="utf-8")
