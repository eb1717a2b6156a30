"""A table without what one stage set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from tilth import samples as table
from tilth.samples import Reason, Source, Split, Status, Task

MEASURED = ("cleaning", "weak_supervision", "augmentation")
"""The stages that change what training takes on the same night."""
ANSWERS = "active_learning"


def without_stage(frames: Mapping[str, pd.DataFrame], name: str, tasks: Sequence[Task]) -> pd.DataFrame:
    """The last table of a night as it would be if one stage had set nothing, and the others what they did.

    The stage's columns go, and so do the statuses that it set, and the paraphrases where it made them; the current
    labels follow anew from what is left. What other stages did because of it stays: leaving it out of the night itself
    would cost a night. For active learning what goes is what people answered.

    Args:
        frames: by `input` or a stage's name, the table that it handed on, in the order of the night.
        name: the stage to leave out.
        tasks: what is classified, parents before children.
    """
    last = list(frames.values())[-1]
    frame = last[last["source"].ne(Source.PARAPHRASE)] if name == "augmentation" else last
    frame = frame.reset_index(drop=True).copy()
    if name == ANSWERS:
        owned = [f"{task.name}_answer" for task in tasks]
    else:
        owned = [one for one in frame.columns if table.find(one, table.names(tasks)).owner == name]
    frame = frame.drop(columns=[one for one in owned if one in frame])
    if name in MEASURED:
        _reset_status(frame, frames, name)
    return table.resolve(frame, tasks)


def _reset_status(frame: pd.DataFrame, frames: Mapping[str, pd.DataFrame], name: str) -> None:
    """Statuses as all stages but one set them, in place."""
    names = list(frames)
    frame["status"], frame["reason"] = Status.ACTIVE.value, None
    gold = frame["split"].eq(Split.GOLD)
    previous: pd.DataFrame | None = None
    for one in names:
        now = frames[one].set_index("id")
        if one != name:
            _apply(frame, now, previous)
        previous = now
    last = frames[names[-1]].set_index("id")
    for part in ("status", "reason"):  # a gold row keeps what it has
        frame.loc[gold, part] = frame.loc[gold, "id"].map(last[part])


def _apply(frame: pd.DataFrame, now: pd.DataFrame, previous: pd.DataFrame | None) -> None:
    """Escalate the statuses that a stage set: those that are others than before it."""
    if previous is None:
        changed = now[now["status"].ne(Status.ACTIVE)]
    else:
        before = previous["status"].reindex(now.index).fillna(Status.ACTIVE.value)
        changed = now[now["status"].ne(before)]
    for status, reason in changed[["status", "reason"]].drop_duplicates().itertuples(index=False):
        ids = changed.index[changed["status"].eq(status) & changed["reason"].eq(reason)]
        table.escalate_status(frame, frame["id"].isin(ids).to_numpy(), Status(status), Reason(reason))
