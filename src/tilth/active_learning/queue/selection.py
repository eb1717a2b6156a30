"""The queue: all doubts ranked by rows set right a minute, with a share for thin classes and a few rows by lot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tilth import samples as table
from tilth.active_learning.queue import gains
from tilth.active_learning.queue.candidates import Doubts, QueueInputs, without_sure_label
from tilth.active_learning.queue.junk import junk_probability
from tilth.active_learning.queue.near_copies import CopyGroups
from tilth.active_learning.queue.small_talk import small_talk_probability
from tilth.active_learning.queue.sources import RANDOM, questions_of_last_night, sources
from tilth.active_learning.queue.worth import AnswerWorth
from tilth.learn import Evidence
from tilth.samples import Split
from tilth.stage import answer_seconds
from tilth.text import unit_interval

THIN, THIN_SHARE = 10, 0.25
"""A class with fewer sure labels than this is thin: cleaning judges no label of it. Thin classes get one row each, the
thinnest first, of at most this share of the budget."""
_WORTH = 0.05
"""Rows set right by an answer, below which nobody is asked: twenty answers would set one row right."""


@dataclass(frozen=True, kw_only=True)
class Queue:
    """The rows to ask, in order.

    Attributes:
        lines: one line a row of the queue: `row` (its place in the table), `detector`, `reason`, `belief`, `gain` (rows
            set right), `rate` (the same a minute), `group` (ids that the answer stands for too).
        rates: of every row that anybody would ask about, rows set right a minute, NaN for the others, shape (rows,).
        counts: for each detector the rows that it `found`, and of these `asked` and `beyond` the budget.
        not_worth: rows in doubt that are worth nobody's time.
        thin: rows that were asked for the sake of a thin class.
    """

    lines: pd.DataFrame
    rates: np.ndarray
    counts: dict[str, dict[str, int]]
    not_worth: int
    thin: int

    def minutes(self, texts: pd.Series) -> float:
        """What a person needs for all of it: reading, and answering."""
        reading = gains.reading_seconds(texts.iloc[self.lines["row"]].tolist())
        return float((self.lines["seconds"].to_numpy(dtype=float) + reading).sum() / 60)


def build_queue(inputs: QueueInputs, evidence: Evidence, *, budget: int, random_share: float, seed: int) -> Queue:
    """Rank what every source would ask, and fill the budget.

    Args:
        inputs: what the sources know.
        evidence: of the same table.
        budget: rows of the queue at most.
        random_share: of the budget, drawn by lot, so that what the detectors miss can be estimated.
        seed: of the lot.
    """
    doubts = _found(inputs)
    rows = _by_row(inputs, evidence, doubts)
    rates = np.full(len(inputs.frame), np.nan)
    rates[rows["row"]] = rows["rate"]
    worth = rows[(rows["gain"] >= _WORTH) | rows["first"]]
    thin = _thin_first(inputs, worth, int(THIN_SHARE * budget))
    owed = worth.index[worth["first"]].tolist()
    before = list(dict.fromkeys([*owed, *thin]))
    ordered = pd.concat([worth.loc[before], worth.drop(index=before)])
    by_lot = int(random_share * budget)
    while True:  # few rows in doubt are accompanied by fewer rows by lot
        lot = dict.fromkeys(_lot(inputs, by_lot, seed))  # looked up for each row of the table
        copies = CopyGroups(inputs.frame, evidence, list(dict.fromkeys([*owed, *lot, *ordered.index])))
        drawn = [row for row in copies.asked if row in lot]
        chosen = ordered.loc[[row for row in copies.asked if row in ordered.index and row not in lot]]
        chosen = chosen.iloc[: budget - by_lot]
        if random_share == 1 or by_lot <= (most := int(random_share / (1 - random_share) * len(chosen) + 1e-9)):
            break
        by_lot = most
    chosen = chosen.sort_values(["first", "rate"], ascending=False, kind="stable")
    lines = _interleaved(chosen, _random_lines(inputs, drawn, seconds=answer_seconds(RANDOM)))
    lines["group"] = [copies.members(int(row), without_sure_label(inputs.frame, inputs.task)) for row in lines["row"]]
    counts = _counts(doubts, lines, copies)
    return Queue(
        lines=lines.reset_index(drop=True),
        rates=rates,
        counts=counts,
        not_worth=len(rows) - len(worth),
        thin=len(set(thin) & set(chosen.index)),
    )


def _counts(
    own_doubts: Sequence[tuple[str, Doubts]], lines: pd.DataFrame, copies: CopyGroups
) -> dict[str, dict[str, int]]:
    """For each detector the rows that it found, and of these those that are asked, by whomever, and the rest."""
    by_lot = int((lines["detector"] == RANDOM).sum())
    answered = np.concatenate([lines["row"].to_numpy(dtype=np.int64), copies.joined(lines["row"].tolist())])
    counts = {}
    for name in dict.fromkeys(name for name, _ in own_doubts):
        own = np.unique(np.concatenate([doubts.rows for other, doubts in own_doubts if other == name]))
        in_queue = int(np.isin(own, answered).sum())
        counts[name] = {"found": len(own), "asked": in_queue, "beyond": len(own) - in_queue}
    return {**counts, RANDOM: {"found": by_lot, "asked": by_lot, "beyond": 0}}


def _found(inputs: QueueInputs) -> list[tuple[str, Doubts]]:
    """What every source would ask, by detector."""
    tonight = [(name, doubts) for name, find in sources().items() for doubts in find(inputs)]
    doubts_by_detector = [*tonight, *questions_of_last_night(inputs)]
    return [(name, doubts) for name, doubts in doubts_by_detector if not inputs.only or name in inputs.only]


def _by_row(inputs: QueueInputs, evidence: Evidence, all_doubts: Sequence[tuple[str, Doubts]]) -> pd.DataFrame:
    """One line a row, best first: who asks (the one whose answer gains most), why, the gain of all tasks, and a minute.

    A row that several tasks doubt is read once, and gains for each; what is likely junk, or small talk, gains as much
    less.
    """
    worth = AnswerWorth(inputs, evidence)
    fit = 1 - junk_probability(inputs.frame, evidence.joint_embeddings(), evidence.folds)
    fit = np.minimum(fit, 1 - small_talk_probability(inputs.frame, inputs.task, evidence))
    parts: list[pd.DataFrame] = []
    for name, doubts in all_doubts:
        gain = worth.of(doubts) + doubts.besides
        if doubts.ordered:
            gain = -np.sort(-gain)
        gain = gain * fit[doubts.rows]
        seconds = np.full(len(doubts.rows), answer_seconds(name)) if doubts.seconds is None else doubts.seconds
        columns = {"row": doubts.rows, "gain": gain, "seconds": seconds, "believed": doubts.believed}
        known: dict[str, Any] = {
            "detector": name,
            "task": doubts.task or "",
            "place": len(parts),
            "first": doubts.first,
        }
        parts.append(pd.DataFrame(columns).assign(**known))
    if not parts:
        return pd.DataFrame(
            columns=["row", "gain", "seconds", "believed", "task", "first", "rate", "reason", "detector"]
        )
    whole = pd.concat(parts, ignore_index=True)
    whole = whole.sort_values(["row", "first", "gain"], ascending=[True, False, False], kind="stable")
    each = whole.drop_duplicates(["row", "task"])  # of two doubts about one label, the answer settles both
    lines = each.drop_duplicates("row").set_index("row", drop=False)
    lines.index.name = None
    lines["gain"] = each.groupby("row")["gain"].sum()
    texts = inputs.frame["text"].to_numpy(dtype=object)[lines["row"]]
    lines["rate"] = 60 * lines["gain"] / (lines["seconds"] + gains.reading_seconds(texts.tolist()))
    lines["reason"] = [all_doubts[place][1].reason for place in lines["place"]]
    return lines.sort_values(["first", "rate", "row"], ascending=[False, False, True], kind="stable")


def _thin_first(inputs: QueueInputs, worth: pd.DataFrame, most: int) -> list[int]:
    """For each thin class, the thinnest first, the best row that tilth believes to be of it."""
    task = inputs.task
    believed = worth.loc[worth["task"].isin(["", task.name]), "believed"]
    sure = task.codes(inputs.frame[task.name])[table.settled_by_any(inputs.frame, task.name)]
    counts = np.bincount(sure[sure >= 0], minlength=len(task.labels))
    best = believed[~believed.duplicated()]
    places = [(label, int(row)) for label, row in zip(best, best.index, strict=True) if label in task.labels]
    thin = [(counts[task.labels.index(label)], row) for label, row in places]
    return [row for count, row in sorted(thin) if count < THIN][:most]


def _lot(inputs: QueueInputs, count: int, seed: int) -> list[int]:
    """Rows by lot among all that no person has answered, labeled or not."""
    open_rows = np.flatnonzero(inputs.open(inputs.task) & inputs.frame["split"].ne(Split.GOLD).to_numpy(dtype=bool))
    ids = inputs.frame["id"].to_numpy(dtype=object)
    drawn = sorted(open_rows, key=lambda row: unit_interval(f"queue {seed} {ids[row]}"))[:count]
    return [int(row) for row in drawn]


def _random_lines(inputs: QueueInputs, rows: list[int], *, seconds: float) -> pd.DataFrame:
    label = inputs.words(inputs.task.name)
    lines = pd.DataFrame({"row": rows, "detector": RANDOM, "gain": np.nan, "seconds": seconds, "rate": np.nan})
    lines["reason"] = np.full(len(rows), _by_lot, dtype=object)
    lines["believed"] = [label[row] for row in rows]
    return lines.set_index("row", drop=False).rename_axis(None)


def _by_lot(_row: int) -> str:
    return "By lot: a few rows a night show how often the others are right"


def _interleaved(chosen: pd.DataFrame, drawn: pd.DataFrame) -> pd.DataFrame:
    """The drawn rows spread evenly among the others, so that whoever stops half-way has answered half of them."""
    columns = ["row", "detector", "gain", "seconds", "rate", "reason", "believed"]
    every = len(chosen) / max(1, len(drawn))
    place = np.concatenate([np.arange(len(chosen)) + 0.5, (np.arange(len(drawn)) + 1) * every])
    whole = pd.concat([chosen[columns], drawn[columns]]) if len(drawn) else chosen[columns].copy()
    whole = whole.iloc[np.argsort(place, kind="stable")]
    whole["reason"] = [reason(int(row)) for reason, row in zip(whole["reason"], whole["row"], strict=True)]
    return whole
