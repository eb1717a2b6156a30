"""The rows that people answered, with what had been shown beside each."""

from __future__ import annotations

import json

import pandas as pd


def answered(frame: pd.DataFrame, task: str) -> pd.DataFrame:
    """One row a row of the table on which people said a label of the task, or that none fits; gold rows are none.

    What was shown says which detector was right, and nothing else: no model trains on it.

    Returns:
        `answer` (None where no class fits) and `shown` (plain data), indexed as the frame is; empty where nobody
        answered.
    """
    if f"{task}_shown" not in frame:
        return pd.DataFrame({"answer": pd.Series(dtype=object), "shown": pd.Series(dtype=object)})
    rows = frame[frame[f"{task}_shown"].notna()]
    answer = rows[f"{task}_answer"].astype(object)
    return pd.DataFrame(
        {
            "answer": answer.where(answer.notna(), None),
            "shown": [json.loads(text) for text in rows[f"{task}_shown"]],
        },
        index=rows.index,
    )
