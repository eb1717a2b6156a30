"""The page of the rivals: a table a set, and what a plain fine-tune's score costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import _results
import numpy as np
from _rivals_peers import LABELS_A_NIGHT
from rivals import LABEL_ALL, LABEL_FIFTH, ONE_BY_ONE, QUEUE, Way

COLUMNS = ("way", "gold macro-F1", "CPU minutes", "MB of model", "ms a text", "seeds", "what a person has to do")
COST_COLUMNS = ("seed", "way", "right labels", "gold macro-F1", "CPU minutes")


def write(cells: Sequence[Mapping[str, Any]], ways: Mapping[str, Way], sets: Mapping[str, int]) -> None:
    """Put the page into its place; `sets` says how many rows of each are drawn by default."""
    parts = []
    for name in sets:
        own = [cell for cell in cells if cell["set"] == name]
        lines = [
            _line(way, ways[way], [cell for cell in own if cell["way"] == way])
            for way in ways
            if name in ways[way].sets and ways[way].group == "rivals"
        ]
        rows = max((cell["rows"] for cell in own), default=sets[name])
        parts.append(f"## {name}, {rows:,} rows\n\n{_results.table(COLUMNS, lines)}")
    seeds = sorted({cell["seed"] for cell in cells})
    text = (
        f"# Beside its rivals\n\n`python benchmarks/rivals.py --seeds {' '.join(map(str, seeds))}` "
        f"({_results.machine()})\n\n"
        "From a CSV to a model: half of the rows have no label, and a fifth of the labels is another class's, one "
        "for which a linear model mistakes it. Every way gets the same rows and the same gold rows, on one thread, and "
        "the same weights of all-MiniLM-L6-v2 where it takes an encoder. CPU minutes are of the whole process and of "
        "those that it starts, the answers to all gold rows with it; ms a text: processor time, median of "
        f"{ONE_BY_ONE} gold texts answered one at a time. Macro-F1: median over the seeds (smallest to largest). "
        "Installing is charged to nobody.\n\n" + "\n\n".join(parts) + "\n\n" + _costs(cells)
    )
    _results.write("../RIVALS", text)


def _line(name: str, way: Way, cells: Sequence[Mapping[str, Any]]) -> list[str]:
    found = [cell for cell in cells if "macro_f1" in cell]
    if not found:
        why = next((cell["error"] for cell in cells if "error" in cell), "left out of this run")
        return [name, f"not run: {why}", "", "", "", "", way.work]
    return [
        name,
        _results.shown([cell["macro_f1"] for cell in found]),
        f"{np.median([cell['cpu_s'] for cell in found]) / 60:.1f}",
        f"{np.median([cell['bytes'] for cell in found]) / 1e6:.1f}",
        f"{np.median([cell['ms'] for cell in found]):.1f}",
        str(len(found)),
        way.work,
    ]


def _costs(cells: Sequence[Mapping[str, Any]]) -> str:
    """Labels and processor time to the score of a plain fine-tune on all right labels, seed by seed."""
    lines: list[list[str]] = []
    by_key = {(cell["way"], cell["seed"]): cell for cell in cells if "error" not in cell}
    for seed in sorted({seed for way, seed in by_key if way == LABEL_ALL}):
        everything = by_key[LABEL_ALL, seed]
        for way in (LABEL_ALL, LABEL_FIFTH):
            if (cell := by_key.get((way, seed))) is not None:
                spent = f"{cell['cpu_s'] / 60:.1f}"
                lines.append([str(seed), way, f"{cell['labels']:.0f}", f"{cell['macro_f1']:.3f}", spent])
        if (curve := by_key.get((QUEUE, seed))) is not None:
            lines += _of_queue(seed, curve, everything)
    return (
        "## What a plain fine-tune's score costs\n\n"
        "All labels right: the same texts, none labeled at first. tilth's queue asks for "
        f"{LABELS_A_NIGHT} labels at a time, the answer is the data set's label, and weak supervision and training "
        "(frozen encoder, heads on vectors and wording) learn from the answers and from the texts without one. Its CPU "
        "minutes are those of all queues until there and of one training: the stages' own, without paraphrases, "
        "compression, report and start. The aim is a fifth of the labels and of the minutes.\n\n"
        + _results.table(COST_COLUMNS, lines)
    )


def _of_queue(seed: int, curve: Mapping[str, Any], everything: Mapping[str, Any]) -> list[list[str]]:
    """Where the queue reaches the score, and points below it: what was reached there."""
    lines = []
    for share in (1.0, 0.99, 0.98, 0.95):
        way, found = f"{QUEUE}, {share:.0%} of that score", reached(dict(curve), share * everything["macro_f1"])
        if found is None:
            best = max(curve["macro_f1"])
            lines.append([str(seed), way, f"not reached with {curve['labels'][-1]}", f"{best:.3f} at the most", ""])
            continue
        labels, seconds = found
        score = curve["macro_f1"][curve["labels"].index(labels)]
        parts = f"{labels / everything['labels']:.0%}", f"{seconds / everything['cpu_s']:.0%}"
        lines.append([str(seed), way, f"{labels} ({parts[0]})", f"{score:.3f}", f"{seconds / 60:.1f} ({parts[1]})"])
    return lines


def reached(curve: dict[str, list[float]], target: float) -> tuple[int, float] | None:
    """The first number of labels that reaches a score, and the seconds until there; None where none does.

    >>> reached({"labels": [50, 100], "macro_f1": [0.7, 0.9], "seconds": [20.0, 25.0]}, 0.8)
    (100, 25.0)
    """
    steps = zip(curve["labels"], curve["macro_f1"], curve["seconds"], strict=True)
    return next(((int(labels), seconds) for labels, score, seconds in steps if score >= target), None)
