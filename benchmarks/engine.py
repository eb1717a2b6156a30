"""What workers cost and buy: a night alone, with one worker, with two, one of them killed; a paper estimate.

    python benchmarks/engine.py --data data/public --rows 300

Each night is `tilth run` on the same first rows of banking77, with 600 gold rows beside them and nothing in the cache,
no paraphrases (`augmentation.when = "never"`) and no fine-tuning (`training.mode = "probe"`). CPU seconds are of all
processes of the night, workers included; the clock depends on what else the machine does. Each night is written as it
ends, and one that stands in `results/engine.jsonl` is not run again: delete its line to do that. `--nights` without a
name measures the costs of the paper estimate alone.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import _results
import numpy as np
import pandas as pd
import psutil

FILE = _results.FOLDER / "engine.jsonl"
WAYS = {"alone": [], "one worker": ["1"], "two workers": ["2"], "two workers, one killed": ["2"]}
MILLION = 1_000_000
WORKERS = 256
TEXTS = 1_000


def prepare(home: Path, data: Path, rows: int) -> None:
    """A workspace of the first rows, in an order of their own."""
    home.mkdir(parents=True)
    for name, count, file in (("train", rows, "rows.csv"), ("test", 600, "gold.csv")):
        frame = pd.read_csv(data / f"banking77/{name}.csv").sample(frac=1, random_state=0, ignore_index=True)
        frame.head(count).to_csv(home / file, index=False)
    (home / "tilth.toml").write_text(
        '[data]\ninput = ["rows.csv"]\ngold = "gold.csv"\n\n[[tasks]]\nname = "category"\n'
        '\n[augmentation]\nwhen = "never"\n\n[training]\nmode = "probe"\n',
        encoding="utf-8",
    )


def kill_one(process: subprocess.Popen[bytes]) -> None:
    """Kill the first worker that computes."""
    while process.poll() is None:
        for one in psutil.Process(process.pid).children(recursive=True):
            try:
                if "spawn_main" in " ".join(one.cmdline()) and one.cpu_times().user > 4:
                    os.kill(one.pid, signal.SIGKILL)
                    return
            except psutil.Error:
                continue
        time.sleep(0.2)


def night(home: Path, way: str) -> dict[str, Any]:
    """One night by the command line; its CPU seconds, its clock, and what its record says."""
    workers = [part for count in WAYS[way] for part in ("engine.runner=dask", f"engine.workers={count}")]
    command = [sys.executable, "-m", "tilth.cli", "run", *(word for one in workers for word in ("--set", one))]
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen(command, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if "killed" in way:
        threading.Thread(target=kill_one, args=(process,), daemon=True).start()
    _, said = process.communicate()
    if process.returncode:
        raise SystemExit(f"the night failed:\n{said.decode()}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    record = json.loads((home / "data/runs/latest/run.json").read_text(encoding="utf-8"))
    return {
        "way": way,
        "cpu": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "clock": round(time.monotonic() - begun, 1),
        "engine": record.get("engine"),
        "macro_f1": record["gold"]["category"]["macro_f1"],
    }


def apart(one: pd.DataFrame, other: pd.DataFrame) -> float:
    """The largest difference of two tables' floats; infinite where anything else differs."""
    floats = [name for name in one.columns if one[name].dtype.kind == "f"]
    rest = [name for name in one.columns if name not in floats]
    if list(one.columns) != list(other.columns) or not one[rest].astype(str).equals(other[rest].astype(str)):
        return float("inf")
    difference = (one[floats].to_numpy(dtype=float) - other[floats].to_numpy(dtype=float)).ravel()
    return float(np.nanmax(np.abs(difference), initial=0.0))


def costs(data: Path) -> dict[str, float]:
    """CPU seconds a text of what goes to the workers, on one core."""
    from tilth.cleaning.checks.junk import kinds
    from tilth.config import EncoderConfig
    from tilth.languages import detect_language
    from tilth.learn.encoder import Encoder
    from tilth.store import Cache

    texts = pd.read_csv(data / "banking77/train.csv")["text"].sample(TEXTS, random_state=1).tolist()
    encoder = Encoder(EncoderConfig(), Cache(Path(os.devnull)))
    encoder.compute(texts[:8])  # loads
    detect_language(texts[0])
    begun = time.process_time()
    encoder.compute(texts)
    encoded = time.process_time()
    [detect_language(text) for text in texts]
    with tempfile.TemporaryDirectory() as empty:
        kinds(texts, np.ones(len(texts), dtype=bool), Cache(Path(empty)))
    return {"encoding": (encoded - begun) / TEXTS, "checks": (time.process_time() - encoded) / TEXTS}


def known() -> list[dict[str, Any]]:
    """What was measured."""
    return [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()] if FILE.exists() else []


def keep(cell: dict[str, Any]) -> None:
    """Write what was measured, at once."""
    with FILE.open("a", encoding="utf-8") as file:
        file.write(json.dumps(cell) + "\n")


def measure(data: Path, rows: int, ways: list[str]) -> None:
    """Run the nights that are not measured yet; each table is held against that of the night alone."""
    missing = [way for way in ways if not any(cell.get("way") == way and cell["rows"] == rows for cell in known())]
    if missing and "alone" not in missing:
        missing.insert(0, "alone")  # whose table is needed
    tables: dict[str, pd.DataFrame] = {}
    for way in missing:
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder) / "workspace"
            prepare(home, data, rows)
            cell = night(home, way)
            tables[way] = pd.read_parquet(home / "data/runs/latest/5-training.parquet")
        if not any(one.get("way") == way and one["rows"] == rows for one in known()):
            keep({"rows": rows, **cell, "apart": apart(tables[way], tables["alone"])})
    if not any("costs" in cell for cell in known()):
        keep({"rows": 0, "costs": costs(data)})


def estimate(cost: dict[str, float], rows: int) -> list[str]:
    """One line of the paper estimate."""
    spread = rows * (cost["encoding"] + cost["checks"])
    gigabytes = rows * 1536 / 1e9
    hours = (spread / 3600, spread / WORKERS / 3600, gigabytes / 0.2 / 3600)
    return [f"{rows:,}", *(f"{value:,.2f}" for value in hours), f"{gigabytes:,.1f}"]


def write() -> None:
    """The page of all that was measured."""
    nights, costs_found = [cell for cell in known() if "way" in cell], [cell for cell in known() if "costs" in cell]
    alone = {cell["rows"]: cell for cell in nights if cell["way"] == "alone"}
    lines = []
    for cell in sorted(nights, key=lambda cell: (cell["rows"], list(WAYS).index(cell["way"]))):
        engine, own = cell["engine"] or {}, alone[cell["rows"]]
        lost = len(engine.get("lost", ()))
        lines.append(
            [f"{cell['rows']:,}", cell["way"], cell["cpu"], f"{cell['cpu'] - own['cpu']:+.1f}", cell["clock"],
             engine.get("blocks", ""), lost if engine else "", f"{cell['apart']:.1g}", f"{cell['macro_f1']:.3f}"]
        )  # fmt: skip
    columns = ("rows", "night", "CPU s", "over alone", "clock s", "blocks", "lost", "tables apart", "macro-F1")
    cost = costs_found[0]["costs"] if costs_found else {}
    paper = [estimate(cost, rows) for rows in (MILLION, 10 * MILLION, 100 * MILLION)] if cost else []
    _results.write(
        "engine",
        "# Workers: what they cost, and what they would buy\n\n"
        f"`python benchmarks/engine.py` ({_results.machine()})\n\n"
        "Whole nights with nothing cached, 600 gold rows beside the rows. CPU seconds of all processes; the clock is "
        "of a machine that others used, and says nothing. Tables apart: the largest difference of a float from the "
        "night alone, where all else is equal.\n\n"
        + (_results.table(columns, lines) if lines else "Not run yet.")
        + "\n\n## On paper\n\n"
        + (
            f"Measured on one core, of {TEXTS:,} texts of banking77: {1000 * cost['encoding']:.2f} ms a text to "
            f"encode, {1000 * cost['checks']:.2f} ms for its language and junk. On paper, not run: these alone, spread "
            f"over {WORKERS} such cores that are never idle, and the night's process, which writes 1.5 KB a vector "
            "at 200 MB/s while they compute.\n\n"
            if cost
            else ""
        )
        + _results.table(
            ("rows", "CPU hours", f"hours on {WORKERS} workers", "hours to write vectors", "GB of vectors"), paper
        )
        + "\n\nThis is a floor, and no forecast of a night: fits, the neighbor index and the report stay in one "
        "process, which holds the vectors of all rows. At 100 million rows they no longer fit the memory of most "
        "machines, so that a night of that size needs more than workers.",
    )


def main() -> None:
    """Measure what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/public"))
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--nights", nargs="*", choices=WAYS, default=list(WAYS))
    arguments = parser.parse_args()
    measure(arguments.data, arguments.rows, arguments.nights)
    write()


if __name__ == "__main__":
    main()
