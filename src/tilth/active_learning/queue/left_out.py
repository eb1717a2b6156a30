"""What stages doubt that the night goes on without: people are asked about it all the same.

A stage is left out where a probe trained on what it leaves does worse (`tilth.ledger`). That says nothing of the labels
that it doubts; a person's answers do.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from datasets import Dataset

from tilth import samples as table
from tilth.samples import Reason, Status, Task


def as_if_kept(frame: pd.DataFrame, left_out: Sequence[Dataset], tasks: Sequence[Task]) -> pd.DataFrame:
    """The night's table as it would be had it kept what the stages set: their columns, statuses and labels.

    Args:
        frame: the night's table.
        left_out: what each of the stages handed on; of the same rows, but for paraphrases that came after.
        tasks: what is classified, parents before children.

    Returns:
        A new frame with the same rows in the same order.
    """
    frame = frame.copy()
    for samples in left_out:
        own = table.to_pandas(samples).set_index("id").reindex(frame["id"]).reset_index(drop=True)
        added = own.columns.difference(frame.columns)
        frame = frame.join(own[added])
        for status, reason in own[["status", "reason"]].dropna().drop_duplicates().itertuples(index=False):
            rows = own["status"].eq(status) & own["reason"].eq(reason)
            table.escalate_status(frame, rows.to_numpy(dtype=bool), Status(status), Reason(reason))
    return table.resolve(frame, tasks)
