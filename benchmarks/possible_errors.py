"""Wrong labels that cleaning cannot see by itself: what the queue asks, and what the next nights find by the answers.

    python benchmarks/possible_errors.py --data data/public
    python benchmarks/possible_errors.py --sets banking77 --kinds none --seeds 1

Each night cleans the labels and leaves its queue of fifty rows, a tenth of them by lot; all of these are answered with
the truth, each beside what that night showed of it. An answered label that was wrong counts as found. Of labels as they
came none is wrong by definition: there it shows what asking costs, and whether it ends.
"""

from __future__ import annotations

import json
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import Any

import _results
import numpy as np
import pandas as pd
from _noise import RULES, given, rows_of
from cleaning import Rows
from real_errors import found

import tilth
from tilth import samples as table
from tilth import stage as stages
from tilth.active_learning import Config
from tilth.cleaning import Config as CleaningConfig
from tilth.cleaning.checks import find_conflicts
from tilth.cleaning.label_errors import find_label_errors
from tilth.config import EncoderConfig
from tilth.learn import Evidence
from tilth.learn.encoder import Encoder
from tilth.store import Cache, digest_code

SETS, KINDS, NIGHTS, FIRST = (RULES,), ("rules", "missed 30%", "none"), 4, 10
COLUMNS = ("data set", "errors", "night", "answers", "of them wrong", "estimated", "at most", "flagged",
           "precision of these", "F1", "possible errors asked", "of them wrong")  # fmt: skip
SHOWN = ("answers", "answers_wrong", "estimated", "high", "flagged", "precision", "f1", "asked", "asked_wrong")


def night(
    rows: Rows, frame: pd.DataFrame, encoder: Encoder, cache: Cache, seed: int
) -> tuple[pd.DataFrame, dict[str, Any], pd.DataFrame]:
    """The table as cleaning leaves it, what it says of the labels, and the queue."""
    tasks = [rows.task]
    samples = table.from_pandas(table.resolve(frame, tasks), tasks)
    evidence, cleaned = Evidence(samples, encoder=encoder, cache=cache), table.to_pandas(samples)
    metrics = find_label_errors(cleaned, tasks, CleaningConfig(), evidence, seed, find_conflicts(cleaned, tasks))
    samples = table.from_pandas(table.resolve(cleaned, tasks), tasks)
    with tempfile.TemporaryDirectory() as scratch:
        resources = stages.Resources(tasks=tuple(tasks), seed=seed, evidence=evidence, scratch=Path(scratch))
        result = stages.perform("active_learning", samples, Config(), resources)
        empty = pd.DataFrame({"id": [], "detector": []})
        queue = pd.read_csv(result.artifacts["queue.csv"], dtype={"id": str}) if result.artifacts else empty
    return cleaned, metrics["label"], queue


def shown_of(cleaned: pd.DataFrame, row: int) -> str:
    """What stands beside an answer, as `tilth label` and `tilth queue import` store it."""
    one = cleaned.iloc[row]
    numbers = {name: one[f"label_{name}"] for name in ("given_confidence", "doubt")}
    plain = {name: round(float(value), 4) for name, value in numbers.items() if pd.notna(value)}
    return json.dumps({"given": one["label_given"], **plain})


def nights(rows: Rows, codes: np.ndarray, encoder: Encoder, cache: Cache, seed: int) -> list[dict[str, float]]:
    """The figures of each night, all of whose questions are answered before the next."""
    names = np.array(rows.task.labels, dtype=object)
    frame = rows.frame.assign(label_given=names[codes], label_answer=None, label_shown=None).astype(
        {"label_answer": object, "label_shown": object}
    )
    wrong, figures = codes != rows.truth, []
    place = pd.Series(np.arange(len(frame)), index=frame["id"].astype(str))
    for _ in range(NIGHTS):
        cleaned, metrics, queue = night(rows, frame, encoder, cache, seed)
        answered = frame["label_answer"].notna().to_numpy()
        flagged = cleaned["is_label_issue"].to_numpy(dtype=bool)
        possible = place[queue.loc[queue["detector"] == "possible_error", "id"]].to_numpy(dtype=int)
        figures.append(
            {
                "answers": float(answered.sum()),
                "answers_wrong": float((answered & wrong).sum()),
                "estimated": metrics["error_rate"],
                "high": metrics["error_rate_interval"][1],
                "flagged": float(flagged.sum()),
                "precision": float(wrong[flagged].mean()) if flagged.any() else float("nan"),
                "f1": found(flagged | (answered & wrong), wrong).get("f1", float("nan")),
                "asked": float(len(possible)),
                "asked_wrong": float(wrong[possible].sum()),
            }
        )
        for row in place[queue["id"]].to_numpy(dtype=int):
            frame.loc[frame.index[row], ["label_answer", "label_shown"]] = (
                names[rows.truth[row]],
                shown_of(cleaned, row),
            )
    return figures


def cell(name: str, kind: str, seed: int, rows: Rows, arguments: Namespace, encoder: Encoder, cache: Cache) -> Any:
    """The figures of one data set, kind and seed, kept for the code that they were measured with."""
    package = Path(tilth.__file__).parent
    rooms = ("cleaning", "learn", "active_learning")
    code = digest_code(*sorted(file for room in rooms for file in (package / room).rglob("*.py")))
    plain, _, rate = kind.partition(" ")

    def compute() -> list[dict[str, float]]:
        share, rules = float(rate.rstrip("%") or 0) / 100, arguments.data / RULES / "rule.txt"
        return nights(rows, given(rows, plain, share, seed, rules, encoder), encoder, cache, seed)

    return _results.kept(arguments.out, f"{name}.{kind}.{seed}.{code[:8]}", compute)


def main() -> None:
    """Measure what is not measured yet, print the table, and put it into its file of results."""
    parser = _results.parser(__doc__, SETS)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS))
    parser.add_argument("--out", type=Path, default=Path("data/possible_errors"), help="of the cells and the cache")
    arguments = parser.parse_args()
    cache = Cache(arguments.out / "cache")
    encoder = Encoder(EncoderConfig(), cache)
    lines: list[list[object]] = []
    for name in arguments.sets:
        rows = rows_of(name, arguments.data, encoder, cache)
        for kind in arguments.kinds:
            seeds = range(FIRST, FIRST + (1 if kind == "none" else arguments.seeds))
            runs = [cell(name, kind, seed, rows, arguments, encoder, cache) for seed in seeds]
            for number in range(NIGHTS):
                columns = [[run[number][key] for run in runs] for key in SHOWN]
                lines.append([name, f"{kind} ({len(runs)})", number + 1, *map(_results.shown, columns)])
    _results.write("possible_errors", _page(arguments, lines))


def _page(arguments: Namespace, lines: list[list[object]]) -> str:
    return (
        f"# Labels that nobody can tell from wrong ones\n\n`python benchmarks/possible_errors.py --seeds "
        f"{arguments.seeds}` ({_results.machine()})\n\n"
        "Median over the seeds, whose number stands behind the kind (smallest to largest). Before each night all "
        "questions of the nights before are answered, of whatever detector. Flagged: labels that nobody has answered, "
        "and of which cleaning says that they are wrong; F1: of these and of those that answers found wrong.\n\n"
        + _results.table(COLUMNS, lines)
    )


if __name__ == "__main__":
    main()
