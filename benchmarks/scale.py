"""Cleaning and weak supervision on many rows: processor time, memory, and how both grow.

    python benchmarks/scale.py --data data/public --sizes 1000 10000 100000

The rows are banking77's, and beyond them pairs of its texts of one class, joined, with a fifth of their words left out;
a tenth of the labels is wrong and a fifth is missing. Vectors are ready: banking77's own, and of made rows made ones
(`_many_rows.py`), for encoding costs the same for each row. Ten functions vote. Copies are kept
(`cleaning.near_duplicate = 1.0`), so that all rows are judged. Each size runs in a process of its own from an otherwise
empty cache. A cell that stands in `results/scale.jsonl` is not measured again: delete its line to do that.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import _results
from _many_rows import fill_cache, made_rows
from nights_incremental import cpu

from tilth import night, store

FILE = _results.FOLDER / "scale.jsonl"
STAGES = ("cleaning", "weak_supervision")
STEPS = ("reading", *STAGES)
MILLION = 1_000_000
KEYWORDS = {
    "card_arrival": ("has not arrived", "where is my card", "still waiting"),
    "lost_or_stolen_card": ("stolen", "lost my card"),
    "exchange_rate": ("exchange rate",),
    "top_up_failed": ("top up failed", "top-up failed", "top up did"),
    "Refund_not_showing_up": ("refund",),
    "change_pin": ("change my pin", "new pin"),
    "age_limit": ("how old", "children", "age"),
    "apple_pay_or_google_pay": ("apple pay", "google pay", "apple watch"),
    "declined_card_payment": ("declined",),
    "passcode_forgotten": ("passcode",),
}


def workspace(home: Path, data: Path, count: int, kept: Path) -> None:
    """A workspace with ten functions over the rows, whose vectors are ready."""
    rows = made_rows(data, count)
    home.mkdir()
    rows.frame().to_csv(home / "rows.csv", index=False)
    config = '[data]\ninput = ["rows.csv"]\n\n[[tasks]]\nname = "category"\n\n[cleaning]\nnear_duplicate = 1.0\n'
    (home / "tilth.toml").write_text(config, encoding="utf-8")
    (home / "labeling_functions").mkdir()
    lines = ["from snorkel.labeling import labeling_function\n"]
    for number, (label, words) in enumerate(KEYWORDS.items()):
        lines.append(
            f"\n@labeling_function()\ndef rule_{number}(x):\n    text = x.text.lower()\n"
            f"    return {label!r} if any(word in text for word in {words!r}) else -1\n"
        )
    (home / "labeling_functions/rules.py").write_text("".join(lines), encoding="utf-8")
    fill_cache(rows, home / "data/cache", kept)


def peak(*, reset: bool = False) -> float:
    """The most memory that this process held since it was last reset, in GiB (Linux)."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**20


def steps(home: Path) -> dict[str, dict[str, float]]:
    """Read the rows and run the stages; CPU seconds and GiB at the peak of each step."""
    found = {}
    run = None
    for name in STEPS:
        started, _ = cpu(), peak(reset=True)
        if run is None:
            run = night.begin(night.Request(workspace=store.locate(home / "tilth.toml")))
        else:
            night.perform(run, name)
        found[name] = {"seconds": round(cpu() - started, 1), "gib": round(peak(), 2)}
        print(name, found[name], file=sys.stderr, flush=True)
    return found


def cells() -> dict[int, dict[str, Any]]:
    """What was measured, by rows."""
    lines = FILE.read_text(encoding="utf-8").splitlines() if FILE.exists() else []
    return {one["rows"]: one for one in map(json.loads, lines)}


def measure(data: Path, count: int, kept: Path) -> None:
    """Measure one size in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        workspace(home := Path(folder) / "workspace", data, count, kept)
        done = subprocess.run(
            [sys.executable, __file__, "--night", str(home)], check=True, stdout=subprocess.PIPE, text=True
        )
    cell = {"rows": count, "steps": json.loads(done.stdout.splitlines()[-1])}
    with FILE.open("a", encoding="utf-8") as file:
        file.write(json.dumps(cell) + "\n")


def estimate(small: dict[str, Any], large: dict[str, Any], name: str) -> list[str]:
    """What a million rows would take by the two largest sizes: seconds by their slope, and memory by a line."""
    (before, then), (few, many) = (one["steps"][name] for one in (small, large)), (small["rows"], large["rows"])
    power = math.log(then["seconds"] / max(before["seconds"], 0.01)) / math.log(many / few)
    seconds = then["seconds"] * (MILLION / many) ** power
    gib = then["gib"] + max(then["gib"] - before["gib"], 0.0) * (MILLION - many) / (many - few)
    rows = f"{MILLION:,}, estimated from {few:,} and {many:,}"
    return [rows, name, f"{seconds:.0f} (n^{power:.2f})", f"{gib:.1f}"]


def table() -> str:
    """Every cell, and what the two largest sizes say of a million rows."""
    found = [cells()[size] for size in sorted(cells())]
    lines = [
        [f"{one['rows']:,}", name, f"{step['seconds']:.0f}", f"{step['gib']:.1f}"]
        for one in found
        for name, step in one["steps"].items()
    ]
    if len(found) > 1 and found[-1]["rows"] < MILLION:
        lines += [estimate(*found[-2:], name) for name in STEPS]
    return _results.table(("rows", "step", "CPU seconds", "GiB at its peak"), lines)


def write() -> None:
    """Write the page."""
    sizes = " ".join(map(str, sorted(cells())))
    _results.write(
        "scale",
        "# Many rows: 77 classes through cleaning and weak supervision\n\n"
        f"`python benchmarks/scale.py --sizes {sizes}` ({_results.machine()})\n\n"
        "Vectors are ready; of made rows they are made, too. Seconds are of processor, one thread; memory is that of "
        "the night's own process. Estimates are by the slope of two sizes for seconds, and by a line for memory.\n\n"
        + table(),
    )


def main() -> None:
    """Measure what is not measured yet, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/public"))
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--cache", type=Path, default=Path("data/cache"), help="keeps banking77's vectors")
    parser.add_argument("--night", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.night:
        print(json.dumps(steps(arguments.night)))
        return
    for size in arguments.sizes:
        if size not in cells():
            measure(arguments.data, size, arguments.cache)
    write()


if __name__ == "__main__":
    main()
