"""An answer on a gold row corrects gold: what it was stays on record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from tilth.io.answers.consensus import NONE
from tilth.samples import Split


def correct_gold(
    frame: pd.DataFrame, task: str, labels: Mapping[str, str], answers: pd.DataFrame
) -> list[dict[str, Any]]:
    """Put people's labels in place of gold's, in a frame that the caller owns; nobody's model has a say in it.

    Args:
        frame: the input's rows.
        task: whose labels.
        labels: row id → label, or `NONE`, which empties it.
        answers: those of the task in force, for who gave it and when.

    Returns:
        Each label that changed: id, task, from, to, who, at.
    """
    gold = frame["split"].eq(Split.GOLD) & frame["id"].isin(labels.keys())
    given = frame[f"{task}_given"]
    wanted = frame.loc[gold, "id"].map(dict(labels)).astype(object)
    wanted = wanted.where(wanted.ne(NONE), None)
    changed = []
    people = answers.groupby("row_id")["who"].agg(lambda names: ", ".join(sorted(set(names)))).to_dict()
    last = answers.groupby("row_id")["at"].max().to_dict()
    was = given[gold].astype(object).where(given[gold].notna(), None)
    for row_id, before, label in zip(frame["id"][gold], was, wanted, strict=True):
        if before != label:
            who, at = people[row_id], last[row_id]
            changed.append({"id": row_id, "task": task, "from": before, "to": label, "who": who, "at": at})
    frame.loc[gold, f"{task}_given"] = wanted
    # A gold row's label is the given one; what training and cleaning see of people's answers is of other rows.
    frame.loc[frame["split"].eq(Split.GOLD), [f"{task}_answer", f"{task}_shown"]] = None
    frame.loc[frame["split"].eq(Split.GOLD), f"{task}_none"] = False
    return changed
