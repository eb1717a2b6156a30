"""What Prefect's flows and the command line cost beside plain function calls: CPU seconds of the same night.

    python benchmarks/flows_overhead.py --data data/public --repeats 3

A workspace of 300 rows, as in `kills.py`. The same night four ways, each in a fresh process from a copy of the same
workspace: by plain calls of `tilth.night`; by the flow `flows/nightly.py`, alone and reported to a Prefect server that
runs already; and by `tilth run`, which checks the request in a process of its own beside the flow's. First nights
compute all but the vectors, which are ready; repeated ones come from the cache, where nothing hides the overhead.
Seconds are of processor, of all processes of the night; the server's own are not among them. A night that stands in
`results/flows_overhead.jsonl` is not run again: delete its line to do that.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import _results
from kills import workspace

FILE = _results.FOLDER / "flows_overhead.jsonl"
FIRST, AGAIN = "first", "again"
FLOWS = Path(__file__).parents[1] / "flows"
PLAIN = "plain calls"
FLOW = "the flow"
SERVED = "the flow, reported to a server"
COMMAND = "`tilth run`, the flow and a process beside it"
WAYS = (PLAIN, FLOW, COMMAND, SERVED)
COLUMNS = ("night", "way", "nights", "CPU seconds", "over plain calls", "the aim")


def one_night(home: Path, *, flow: bool) -> None:
    """A night by the flow, or by the function calls that the flow makes."""
    from tilth import night, reports, stage, store

    run = night.begin(night.Request(workspace=store.locate(home / "tilth.toml")))
    if flow:
        sys.path.insert(0, str(FLOWS))
        import nightly

        sys.argv = ["nightly.py", "--run", str(run.path)]
        raise SystemExit(nightly.main())
    for name in stage.NAMES:
        night.perform(run, name)
    night.finish(run)
    reports.write(run.path)
    reports.write_cards(run.path)
    night.promote(run)


def measured(home: Path, way: str) -> float:
    """CPU seconds of one night and all its processes."""
    command = [sys.executable, __file__, "--night", str(home), *(["--flow"] if way in (FLOW, SERVED) else [])]
    if way == COMMAND:
        command = [sys.executable, "-m", "tilth.cli", "run"]
    nothing, before = subprocess.DEVNULL, resource.getrusage(resource.RUSAGE_CHILDREN)
    # A flow ends where its standard input does.
    process = subprocess.Popen(command, cwd=home, stdin=subprocess.PIPE, stdout=nothing, stderr=nothing)
    if process.wait():
        raise SystemExit(f"a night failed: {way}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@contextlib.contextmanager
def reported_to(way: str, folder: Path) -> Iterator[None]:
    """A Prefect server of our own, where the way needs one."""
    if way != SERVED:
        yield
        return
    sys.path.insert(0, str(FLOWS))
    import server

    with server.running(folder / "prefect"):
        yield


def cells() -> dict[tuple[str, str], list[float]]:
    """What was measured: CPU seconds by the kind of the night and the way."""
    found: dict[tuple[str, str], list[float]] = {}
    for one in map(json.loads, FILE.read_text(encoding="utf-8").splitlines() if FILE.exists() else []):
        found.setdefault((one["night"], one["way"]), []).append(one["seconds"])
    return found


def measure(folder: Path, kind: str, way: str) -> None:
    """One night from a copy of the workspace, which is kept as a line of the file."""
    shutil.copytree(folder / kind, home := folder / "night", symlinks=True)
    with reported_to(way, folder):
        seconds = measured(home, way)
    shutil.rmtree(home)
    with FILE.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"night": kind, "way": way, "seconds": round(seconds, 2)}) + "\n")
    print(kind, way, round(seconds, 1), flush=True)


def prepare(folder: Path, data: Path, rows: int) -> None:
    """A workspace before its first night, whose vectors are ready, and one after it, unless they stand there."""
    if (folder / AGAIN).exists():
        return
    workspace(folder / "made", data, rows)
    shutil.copytree(folder / "made", folder / FIRST)
    measured(folder / "made", PLAIN)  # which also warms the machine's own cache
    shutil.copytree(folder / "made/data/cache/embeddings", folder / FIRST / "data/cache/embeddings")
    (folder / "made").rename(folder / AGAIN)


def main() -> None:
    """Run the nights that are not measured yet, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/public"))
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=3, help="nights of each kind and way")
    parser.add_argument("--most", type=int, default=1_000, help="nights of this call")
    parser.add_argument("--home", type=Path, help="keeps the workspace between calls")
    parser.add_argument("--night", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--flow", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.night:
        one_night(arguments.night, flow=arguments.flow)
        return
    os.environ.pop("PREFECT_API_URL", None)
    wanted = [(kind, way) for _ in range(arguments.repeats) for kind in (AGAIN, FIRST) for way in WAYS]
    for key, times in cells().items():
        for _ in times[: wanted.count(key)]:
            wanted.remove(key)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.home or Path(temporary)
        folder.mkdir(exist_ok=True)
        prepare(folder, arguments.data, arguments.rows)
        for kind, way in wanted[: arguments.most]:
            measure(folder, kind, way)
    write(arguments.rows)


def write(rows: int) -> None:
    """The page."""
    found = cells()
    middle = {
        key: statistics.median(found[key]) for kind in (FIRST, AGAIN) for way in WAYS if (key := (kind, way)) in found
    }
    lines = []
    for (kind, way), seconds in middle.items():
        plain = middle.get((kind, PLAIN), float("nan"))
        over, most = seconds - plain, 2 + 0.02 * plain
        row = [kind, way, len(found[kind, way]), f"{seconds:.1f}"]
        lines.append([*row, *(["", ""] if way == PLAIN else [f"{over:+.1f}", f"{most:.1f}"])])
    _results.write(
        "flows_overhead",
        "# Flows against plain function calls\n\n"
        f"`python benchmarks/flows_overhead.py` ({_results.machine()})\n\n"
        f"CPU seconds of the same night of {rows} rows, of all its processes, medians; `again` is a night of the very "
        "same rows, which comes from the cache. The aim is 2 seconds and 2% of the night by plain calls, at most; the "
        "server's own seconds are apart.\n\n" + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
