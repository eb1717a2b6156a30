"""What a night costs when few of its rows are new: CPU seconds by stage, as a share of a full night's.

    python benchmarks/nights_incremental.py --data data/public --rows 1000 9000 --new 0 1 10 100

A full night on the first rows of banking77, then, each from a copy of the workspace that it left, a night on as many
rows of which that share is new. A new row stands in the place of an old one. Where banking77 has no more, rows are made
of the first half of one text's words and the second half of another's of its class. Each table holds the 3,080 gold
rows beside them. With `--probe` no paraphrase is drawn and no encoder fine-tuned (`augmentation.when = "never"`,
`training.mode = "probe"`), which on few rows cost most. Times are of processor, not of clock.
Each cell is written as it ends, and one that stands there is not measured again: delete its line of
`results/nights_incremental.jsonl` to do that. With `--home` the workspaces stay, and a night that was ended goes on
from what stood there after its last whole stage.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import _results
import numpy as np
import pandas as pd

from tilth import night, reports, store
from tilth import stage as stages

FILE = _results.FOLDER / "nights_incremental.jsonl"
LAPS = "laps.json"
COLUMNS = (
    "rows",
    "paraphrases, fine-tuning",
    "new",
    "CPU seconds",
    "of a full night",
    *stages.NAMES,
    "close",
    "fits reused",
    "anew",
    "macro-F1",
)


def rows_of(folder: Path, count: int, new: int) -> pd.DataFrame:
    """So many rows, of which the last `new` are others than those of the full night."""
    whole = pd.read_csv(folder / "banking77/train.csv").sample(frac=1, random_state=0, ignore_index=True)
    if count + new > len(whole):
        whole = pd.concat([whole, _made(whole, count + new - len(whole))], ignore_index=True)
    whole["id"] = [f"r{place}" for place in range(len(whole))]
    return whole.iloc[new : count + new].reset_index(drop=True)


def _made(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    """Rows of the first half of one text's words and the second half of another's of its class, each text once.

    Those of a smaller count are the first ones of a larger.
    """
    rng = np.random.default_rng(0)
    words, labels = [text.split() for text in rows["text"]], rows["category"].tolist()
    mates = {label: places.to_numpy() for label, places in rows.groupby("category").groups.items()}
    made, known = dict[str, str](), set(rows["text"])
    while len(made) < count:
        one = int(rng.integers(len(words)))
        mate = mates[labels[one]]
        other = words[mate[rng.integers(len(mate))]]
        text = " ".join([*words[one][: len(words[one]) // 2], *other[len(other) // 2 :]])
        if text not in known:
            made.setdefault(text, labels[one])
    return pd.DataFrame({"text": made.keys(), "category": made.values()})


def cpu() -> float:
    """Seconds of processor of this process and of those that it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def one_night(home: Path) -> dict[str, Any]:
    """Run a night by plain calls; its CPU seconds by step, what it took over, and its gold figure.

    One that was ended goes on after its last whole step, from the workspace as it was then.
    """
    file, started = home / LAPS, cpu()
    laps = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"seconds": {}}
    seconds: dict[str, float] = laps["seconds"]

    def lap(name: str) -> None:
        nonlocal started
        seconds[name] = round(cpu() - started, 2)
        file.write_text(json.dumps(laps), encoding="utf-8")
        shutil.rmtree(whole := home.parent / f"{home.name}.whole", ignore_errors=True)
        shutil.copytree(home, whole, symlinks=True)
        shutil.rmtree(kept := home.parent / f"{home.name}.kept", ignore_errors=True)
        whole.rename(kept)
        started = cpu()

    if "run" not in laps:
        laps["run"] = str(night.begin(night.Request(workspace=store.locate(home / "tilth.toml"))).path)
        lap("open")
    run = store.Run(Path(laps["run"]))
    for name in stages.NAMES:
        if name not in seconds:
            night.perform(run, name)
            lap(name)
    night.finish(run)
    reports.write(run.path)
    reports.write_cards(run.path)
    night.promote(run)
    lap("close")
    file.unlink()
    record = run.record
    made = [one for entry in record["stages"] for one in entry["fits"]]
    return {
        "seconds": seconds,
        "reused": sum(one["reused"] for one in made),
        "anew": sum(not one["reused"] for one in made),
        "macro_f1": record["gold"]["category"]["macro_f1"],
        "promoted": record["promoted"],
    }


def prepare(home: Path, data: Path, count: int, new: int, *, probe: bool) -> None:
    """Write the input of a night."""
    home.mkdir(exist_ok=True, parents=True)
    rows_of(data, count, new).to_csv(home / "rows.csv", index=False)
    gold = (data / "banking77/test.csv").resolve()
    config = f'[data]\ninput = ["rows.csv"]\ngold = "{gold}"\n\n[[tasks]]\nname = "category"\n'
    if probe:
        config += '\n[augmentation]\nwhen = "never"\n\n[training]\nmode = "probe"\n'
    (home / "tilth.toml").write_text(config, encoding="utf-8")


def cells() -> dict[tuple[int, bool, str], dict[str, Any]]:
    """What was measured."""
    lines = FILE.read_text(encoding="utf-8").splitlines() if FILE.exists() else []
    return {(one["rows"], one["probe"], one["new"]): one for one in map(json.loads, lines)}


def measure(home: Path, data: Path, count: int, new: str, *, probe: bool) -> None:
    """Measure one cell in a process of its own, so that each pays for the libraries that it loads."""
    share = 0 if new == "full" else float(new)
    if (kept := home.parent / f"{home.name}.kept").exists():
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(kept, home, symlinks=True)
    else:
        prepare(home, data, count, round(count * share / 100), probe=probe)
    command = [sys.executable, __file__, "--night", str(home)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    cell = {"rows": count, "new": new, "probe": probe, **json.loads(done.stdout.splitlines()[-1])}
    with FILE.open("a", encoding="utf-8") as file:
        file.write(json.dumps(cell) + "\n")
    shutil.rmtree(kept)


def line(cell: dict[str, Any], full: dict[str, Any]) -> list[str]:
    """One line of the table."""
    total, whole = (sum(one["seconds"].values()) for one in (cell, full))
    new = "full night" if cell["new"] == "full" else f"{cell['new']}%"
    by_stage = [f"{cell['seconds'][name]:.1f}" for name in (*stages.NAMES, "close")]
    share = f"{total / whole:.1%}"
    figures = [str(cell["reused"]), str(cell["anew"]), f"{cell['macro_f1']:.3f}"]
    return [f"{cell['rows']:,}", "no" if cell["probe"] else "yes", new, f"{total:.1f}", share, *by_stage, *figures]


def main() -> None:
    """Run what is not measured yet, print the table, and put it into its file of results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/public"))
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 9_000])
    parser.add_argument("--new", nargs="+", default=["0", "1", "10", "100"])
    parser.add_argument("--probe", action="store_true")
    parser.add_argument("--home", type=Path, help="keeps the workspaces, so that a night that was ended goes on")
    parser.add_argument("--night", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.night:
        print(json.dumps(one_night(arguments.night)))
        return
    for count in arguments.rows:
        wanted = [new for new in arguments.new if (count, arguments.probe, new) not in cells()]
        if not wanted and (count, arguments.probe, "full") in cells():
            continue
        with tempfile.TemporaryDirectory() as folder:
            home = (arguments.home or Path(folder)) / f"{count}-{'probe' if arguments.probe else 'tuned'}"
            if not (full := home / "full").exists():
                FILE.write_text(_without(count, arguments.probe, "full"), encoding="utf-8")
                measure(home / "unfinished", arguments.data, count, "full", probe=arguments.probe)
                (home / "unfinished").rename(full)
            for new in wanted:
                if not (home / f"{new}.kept").exists():
                    shutil.rmtree(home / new, ignore_errors=True)
                    shutil.copytree(full, home / new, symlinks=True)
                measure(home / new, arguments.data, count, new, probe=arguments.probe)
                shutil.rmtree(home / new)
    write()


def _without(count: int, probe: bool, new: str) -> str:
    """The file without a cell."""
    return "".join(f"{json.dumps(one)}\n" for key, one in cells().items() if key != (count, probe, new))


def write() -> None:
    """The table of all cells."""
    found = cells()
    lines = [line(one, found[count, probe, "full"]) for (count, probe, _), one in sorted(found.items(), key=_order)]
    _results.write(
        "nights_incremental",
        "# Nights that cost what changed\n\n"
        f"`python benchmarks/nights_incremental.py` ({_results.machine()})\n\n"
        "Seconds of processor, in all and by stage; macro-F1 on banking77's 3,080 gold rows. Each night but the full "
        "one starts from the workspace that the full one left; of 0% the input is the very same.\n\n"
        + _results.table(COLUMNS, lines),
    )


def _order(item: tuple[tuple[int, bool, str], Any]) -> tuple[int, bool, float]:
    (count, probe, new), _ = item
    return count, probe, -1.0 if new == "full" else float(new)


if __name__ == "__main__":
    main()
