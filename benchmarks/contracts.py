"""Ten contracts from easy to impossible: met or refused, what was exported, and the seconds of each search.

    python benchmarks/contracts.py --data data/public

Each contract is asked of the same model of banking77. An answer is right where it is `met` and the exported folder,
weighed and clocked again, keeps size and throughput and its held-out points, or `refused` and it misses a term. The
second night starts from the winner of the first, as the carried state hands it on. The seconds are of processor time,
those of the search (shapes looked at by cheap measures, before any is made) beside those of all that is done. A
finished contract is a line of `--out`, and is not run again with the same options until that line goes.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import _results
from compression import about, options, prepared

from tilth.training.compression import ContractConfig, FullModel, compress, compressor
from tilth.training.compression.compressor import Compressed

COLUMNS = (
    "contract",
    "answer",
    "exported",
    "MB",
    "throughput at batch 1, 32",
    "held-out points lost",
    "right",
    "CPU s",
    "of the search",
    "shapes made in full",
    "second night, CPU s",
    "of the search",
    "shapes made in full",
)
CONTRACTS: tuple[dict[str, Any], ...] = (
    {"size_mb": 100, "points_lost": 5},
    {"size_mb": 5, "throughput": 5.8, "points_lost": 20},
    {"size_mb": 10, "points_lost": 1},
    {"size_mb": 7.5, "points_lost": 1},
    {"throughput": 2.5, "points_lost": 1},
    {},
    {"size_mb": 4, "throughput": 8, "points_lost": 2},
    {"size_mb": 3, "points_lost": 3, "points_lost_worst_class": 30},
    {"size_mb": 1, "throughput": 20, "points_lost": 0.5},
    {"size_mb": 0.1, "points_lost": 0},
)


class Searches:
    """Clocks the search of a night, whose other steps are clocked with it."""

    def __init__(self) -> None:
        self._search, self.seconds = compressor.search, 0.0
        compressor.search = self

    def __call__(self, *some: Any, **named: Any) -> Any:
        """Search, and count how long it takes."""
        begun = time.process_time()
        try:
            return self._search(*some, **named)
        finally:
            self.seconds += time.process_time() - begun


def keeps(contract: dict[str, Any], size: float, chosen: dict[str, Any]) -> bool:
    """Whether an exported folder keeps what was asked, by its files, the clock and its held-out points."""
    asked = ContractConfig.model_validate(contract).filled()
    fast = min(chosen["throughput"].values())
    return (
        (asked.size_mb is None or size <= asked.size_mb)
        and (asked.throughput is None or fast >= asked.throughput)
        and (asked.points_lost is None or chosen["points_lost"] <= asked.points_lost)
    )


def asked(number: int, full: FullModel, contract: ContractConfig, home: Path, searches: Searches) -> list[Any]:
    """A line of the table: two nights of a contract."""
    terms, nights, last = CONTRACTS[number - 1], list[tuple[Compressed, list[Any]]](), None
    for night in ("first", "second"):
        if night == "second" and last is None:
            break
        scratch = home / f"{number}-{night}"
        scratch.mkdir()
        anew = replace(full, scratch=scratch)  # what an earlier night has read is read again
        searches.seconds, begun = 0.0, time.process_time()
        found = compress(anew, contract, last)
        spent, last = time.process_time() - begun, found.winner
        nights.append((found, [f"{spent:.0f}", f"{searches.seconds:.0f}", len(found.facts.get("tried", ()))]))
    first, facts, chosen = nights[0][0], nights[0][0].facts, nights[0][0].facts.get("chosen")
    right, size = facts["answer"] == "refused", 0.0
    if first.candidate is not None and chosen is not None:
        size = sum(path.stat().st_size for path in first.candidate.folder.iterdir()) / 1e6
        right = keeps(terms, size, chosen) == (facts["answer"] == "met")
    return [
        ", ".join(f"{key} {value}" for key, value in terms.items()) or "the default",
        facts["answer"] + (f": {facts['why']}" if "why" in facts else ""),
        chosen["in_words"] if chosen else "the full model",
        f"{size:.2f}" if chosen else "",
        ", ".join(f"{value}" for value in chosen["throughput"].values()) if chosen else "",
        chosen["points_lost"] if chosen else "",
        "yes" if right else "no",
        *nights[0][1],
        *(nights[1][1] if len(nights) > 1 else ["no winner", "", ""]),
    ]


def main() -> None:
    """Run what does not stand yet, print the table as it grows, and put it into its file of results."""
    parser = options(__doc__, ["banking77:0"])
    parser.add_argument("--steps", default="auto", help="batches of distillation")
    parser.add_argument("--trials", type=int, default=40)
    every = list(range(1, len(CONTRACTS) + 1))
    parser.add_argument("--contracts", nargs="+", type=int, default=every, choices=every, help="rows of the table")
    parser.add_argument("--out", type=Path, default=_results.FOLDER / "contracts.jsonl")
    arguments = parser.parse_args()
    steps = arguments.steps if arguments.steps == "auto" else int(arguments.steps)
    of = f"--sets {arguments.sets[0]} --config '{arguments.config}' --steps {steps} --trials {arguments.trials}"
    of += f" --gold {arguments.gold}" if arguments.gold else ""
    cells = (
        [json.loads(line) for line in arguments.out.read_text("utf-8").splitlines()] if arguments.out.exists() else []
    )
    lines = {cell["contract"]: cell["line"] for cell in cells if cell["options"] == of}
    with tempfile.TemporaryDirectory() as folder:
        home, full, searches = Path(folder), None, Searches()
        for number in arguments.contracts:
            if number in lines:
                continue
            full = full or prepared(arguments.sets[0], arguments, home)[2]
            terms = {**CONTRACTS[number - 1], "steps": steps, "trials": arguments.trials}
            lines[number] = asked(number, full, ContractConfig.model_validate(terms), home, searches)
            print("| " + " | ".join(map(str, lines[number])) + " |", flush=True)
            with arguments.out.open("a", encoding="utf-8") as out:
                out.write(json.dumps({"options": of, "contract": number, "line": lines[number]}) + "\n")
    _results.write(
        "contracts",
        f"# Contracts, from easy to impossible\n\n`python benchmarks/contracts.py {of}`, {_results.machine()}. "
        f"{about(__doc__)}\n\n" + _results.table(COLUMNS, [lines[number] for number in sorted(lines)]),
    )


if __name__ == "__main__":
    main()
