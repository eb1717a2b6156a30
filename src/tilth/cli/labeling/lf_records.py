"""What `tilth lf` reports, as records: for its lines on a terminal, and for `--json`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tilth.cli.workspace import WorkspaceData
    from tilth.samples import Task
    from tilth.weak_supervision import Ballot, Config, Suggestion

Record = dict[str, Any]


def listed(data: WorkspaceData) -> Record:
    """Every function that is there, and what is left out and why."""
    from tilth.weak_supervision import examples_of

    functions = []
    for one in data.loaded.functions:
        examples = examples_of(one.function)
        counts = {"hits": len(examples.hits), "misses": len(examples.misses), "cached": bool(one.key)}
        functions.append({"task": one.task, "name": one.name, "where": one.where, **counts})
    return {"functions": functions, **problems(data)}


def problems(data: WorkspaceData) -> Record:
    """What is left out, and what else is to be known of the functions."""
    left_out = [{"where": one.where, "why": one.why} for one in data.loaded.problems]
    return {"left_out": left_out, "notes": [{"where": one.where, "why": one.why} for one in data.loaded.remarks]}


def verdict(ballot: Ballot, truth: np.ndarray, config: Config) -> Record:
    """How a function did on the input's rows, and whether a night would use it."""
    from tilth.weak_supervision import is_surely_below

    function = ballot.function
    record: Record = {"task": function.task, "name": function.name, "where": function.where, "good": not ballot.error}
    record |= {"error": ballot.error or None, "remark": ballot.remark or None, "rows": len(truth)}
    if ballot.error:
        return record
    voted = ballot.column >= 0
    labeled = voted & (truth >= 0)
    right, measured = int((ballot.column[labeled] == truth[labeled]).sum()), int(labeled.sum())
    poor = measured >= config.min_measured and is_surely_below(right, measured, config.min_accuracy)
    if poor:
        record |= {"good": False, "error": f"below min_accuracy = {config.min_accuracy}"}
    return record | {"votes": int(voted.sum()), "measured": measured, "right": right, "seconds": ballot.seconds}


def line(record: Record) -> str:
    """A verdict in one line."""
    remark = f"; {record['remark']}" if record["remark"] else ""
    if "votes" not in record:
        return f"{record['error']}{remark}"
    words = f"votes on {record['votes'] / max(record['rows'], 1):.1%} of {record['rows']} rows"
    if record["measured"]:
        words += f", right on {record['right']} of {record['measured']} labeled ones"
    poor = f": {record['error']}" if record["error"] else ""
    return f"{words}{poor}, {record['seconds']:.2f} s{remark}"


def voted(data: WorkspaceData, task: Task, ballot: Ballot, on_gold: Ballot, rows: int) -> Record:
    """The rows that a function labels, the wrong ones by themselves; of gold rows their counts alone."""
    truth, cast = task.codes(data.free[task.name]), ballot.column
    wrong = (cast >= 0) & (truth >= 0) & (cast != truth)
    ids, texts = data.free["id"].tolist(), data.free["text"].tolist()

    def shown(mask: np.ndarray) -> Record:
        shown_rows = [
            {
                "id": ids[row],
                "vote": task.labels[cast[row]],
                "label": task.labels[truth[row]] if truth[row] >= 0 else None,
                "text": texts[row],
            }
            for row in mask.nonzero()[0][:rows].tolist()
        ]
        return {"count": int(mask.sum()), "rows": shown_rows}

    record: Record = {**verdict(ballot, truth, data.config), "wrong": shown(wrong)}
    record["others"] = shown((cast >= 0) & ~wrong)
    record["gold"] = None
    if len(data.gold) and not on_gold.error:
        truth, cast = task.codes(data.gold[task.name]), on_gold.column
        labeled = (cast >= 0) & (truth >= 0)
        right = int((cast[labeled] == truth[labeled]).sum())
        record["gold"] = {"votes": int((cast >= 0).sum()), "rows": len(cast), "right": right}
    return record


def suggested(suggestions: Sequence[Suggestion], names: Sequence[str], sources: Sequence[str]) -> list[Record]:
    """Functions that are suggested, each with its source."""
    return [
        {
            "name": name,
            "label": one.label,
            "phrases": list(one.phrases),
            "votes": len(one.rows),
            "new": one.uncovered,
            "right": one.right,
            "measured": one.labeled,
            "source": source,
        }
        for one, name, source in zip(suggestions, names, sources, strict=True)
    ]
