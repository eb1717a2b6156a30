"""Candidates as rows at the end of the table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from datasets import Dataset

from tilth.augmentation.selection import CandidateMeasures, Candidates, share_weights
from tilth.samples import Reason, Source, Split, Status, Task, as_dataset, escalate_status, find, names


def candidates_as_rows(
    frame: pd.DataFrame,
    candidates: Candidates,
    measures: CandidateMeasures,
    problems: np.ndarray,
    reasons: Sequence[Reason | None],
    used: np.ndarray,
    weight: float,
) -> pd.DataFrame:
    """The candidates as rows of the table: accepted ones active, the others quarantined with their reason.

    Args:
        frame: The table that they are added to.
        candidates: Each becomes a row.
        measures: Theirs.
        problems: Grammar problems added, NaN where not measured (candidates,).
        reasons: Why each is rejected, None where it is accepted.
        used: Whether training takes it (candidates,).
        weight: What those of one row count together beside it, by `tilth.augmentation.selection.budget.share_weights`.
    """
    parents = candidates.parents
    weights = np.full(len(used), np.nan)
    weights[used] = share_weights(len(frame), parents[used], weight)[1]
    rows = pd.DataFrame(
        {
            "id": _ids(frame, parents),
            "text": candidates.texts,
            "split": Split.TRAIN.value,
            "source": Source.PARAPHRASE.value,
            "parent_id": frame["id"].to_numpy()[parents],
            "status": Status.ACTIVE.value,
            "reason": None,
            "frame": candidates.frames,
            "noise_level": candidates.noise_levels,
            "similarity": measures.similarity,
            "grammar_delta": problems,
            "label_agreement": measures.agreement,
            "novelty": measures.novelty,
            "accepted": [reason is None for reason in reasons],
            "used": used,
            "weight": weights,
        }
    )
    for reason in {reason for reason in reasons if reason is not None}:
        escalate_status(rows, np.array([other == reason for other in reasons]), Status.QUARANTINED, reason)
    return rows


def _ids(frame: pd.DataFrame, parents: np.ndarray) -> list[str]:
    """The parent's id and a running number, e.g. `17~2`."""
    taken, count, ids = set(frame["id"]), dict[str, int](), []
    for parent in frame["id"].to_numpy()[parents]:
        count[parent] = count.get(parent, 0) + 1
        name = f"{parent}~{count[parent]}"
        while name in taken:
            name += "~"
        taken.add(name)
        ids.append(name)
    return ids


def append_rows(samples: Dataset, rows: pd.DataFrame, tasks: Sequence[Task]) -> Dataset:
    """The table with rows at its end; of the input's other columns a paraphrase has its parent's values.

    A row's own weight is what its paraphrases leave of it. Joined as Arrow tables, so that no column of the input
    changes its type on the way.
    """
    table: pa.Table = samples.data.table
    ids = table["id"].to_pylist()
    place = {row_id: number for number, row_id in enumerate(ids)}
    parents = pa.array([place[parent] for parent in rows["parent_id"]], type=pa.int64())
    remaining = 1 - rows.groupby("parent_id")["weight"].sum(min_count=1)
    for name in rows.columns:
        if name not in table.column_names:
            kind = find(name, names(tasks)).type
            column = pa.nulls(len(ids), kind)
            if name == "weight":
                column = pa.array(remaining.reindex(ids), kind, from_pandas=True)
            table = table.append_column(name, column)
    columns = {}
    for field in table.schema:
        if field.name in rows:
            columns[field.name] = pa.array(rows[field.name], type=field.type, from_pandas=True)
        elif field.name.startswith("meta."):
            columns[field.name] = table[field.name].take(parents)
        else:
            columns[field.name] = pa.nulls(len(rows), type=field.type)
    return as_dataset(pa.concat_tables([table, pa.table(columns, schema=table.schema)]))
