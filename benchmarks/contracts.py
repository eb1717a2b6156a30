"""Ten contracts from easy to impossible: met or refused, what was exported, and the seconds of each search.

    python benchmarks/contracts.py --data data/public

Each contract is asked of the same model of banking77. An answer is right where it is `met` and the exported folder,
weighed and clocked again, keeps size and throughput and its held-out points, or `refused` and it misses a term. The
second night starts from the winner of the first, as the carried state hands it on. The seconds are of processor time,
those of the search (shapes looked at by cheap measures, before any is made) beside those of all that is done.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import _results
from compression import about, options, prepared

from tilth.training.compression import ContractConfig, compress, compressor

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
    "second night, CPU s",
    "of the search",
)
CONTRACTS: tuple[dict[str, Any], ...] = (
    {"size_mb": 100, "points_lost": 5},
    {"size_mb": 20, "points_lost": 1},
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


def main() -> None:
    """Run, print the table as it grows, and put it into its file of results."""
    parser = options(__doc__, ["banking77:0"])
    parser.add_argument("--steps", default="auto", help="batches of distillation")
    parser.add_argument("--trials", type=int, default=40)
    every = list(range(1, len(CONTRACTS) + 1))
    parser.add_argument("--contracts", nargs="+", type=int, default=every, choices=every, help="rows of the table")
    arguments = parser.parse_args()
    steps = arguments.steps if arguments.steps == "auto" else int(arguments.steps)
    lines: list[list[Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        _, _, full = prepared(arguments.sets[0], arguments, home)
        searches = Searches()
        for number in arguments.contracts:
            terms = CONTRACTS[number - 1]
            contract = ContractConfig.model_validate({**terms, "steps": steps, "trials": arguments.trials})
            seconds, of_search = [], []
            last = None
            for night in range(2):
                scratch = home / f"{number}-{night}"
                scratch.mkdir()
                anew = replace(full, scratch=scratch)  # what an earlier night has read is read again
                searches.seconds, begun = 0.0, time.process_time()
                found = compress(anew, contract, last)
                seconds.append(time.process_time() - begun)
                of_search.append(searches.seconds)
                if night == 0:
                    first, last = found, found.winner
                if last is None:
                    break
            facts, chosen = first.facts, first.facts.get("chosen")
            right, size = facts["answer"] == "refused", 0.0
            if first.candidate is not None and chosen is not None:
                size = sum(path.stat().st_size for path in first.candidate.folder.iterdir()) / 1e6
                right = keeps(terms, size, chosen) == (facts["answer"] == "met")
            lines.append(
                [
                    ", ".join(f"{key} {value}" for key, value in terms.items()) or "the default",
                    facts["answer"] + (f": {facts['why']}" if "why" in facts else ""),
                    chosen["in_words"] if chosen else "the full model",
                    f"{size:.2f}" if chosen else "",
                    ", ".join(f"{value}" for value in chosen["throughput"].values()) if chosen else "",
                    chosen["points_lost"] if chosen else "",
                    "yes" if right else "no",
                    f"{seconds[0]:.0f}",
                    f"{of_search[0]:.0f}",
                    *(f"{one[1]:.0f}" if len(one) > 1 else "no winner" for one in (seconds, of_search)),
                ]
            )
            print("| " + " | ".join(map(str, lines[-1])) + " |", flush=True)
    _results.write(
        "contracts",
        "# Contracts, from easy to impossible\n\n"
        f"`python benchmarks/contracts.py --sets {arguments.sets[0]} --steps {arguments.steps} --trials "
        f"{arguments.trials} --contracts {' '.join(map(str, arguments.contracts))}`, {_results.machine()}; "
        f"`[training]` `{arguments.config}`. "
        f"{about(__doc__)}\n\n" + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
