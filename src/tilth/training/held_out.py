"""Answers to held-out train rows, by which promotion compares nights where there is no gold.

The exported model cannot be asked about them: it learned from every train row, and so did each model before it. What
can be measured is what it was made by. A fifth of the ids, the same ones every night for they fall by a hash, is held
out: heads as the exported ones are (their weights of rows, their parent's belief as a feature), on the trunk that is
exported (a tuned one learns from no held-out row), are fitted without them and answer them, and a child's label is
decided together with its parent's as the exported model does it. Each night keeps these answers under the rows' ids;
two nights are compared on the ids that both hold, by tonight's labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from datasets import Dataset

from tilth import store
from tilth.learn import decide
from tilth.samples import Task
from tilth.training.heads import Head
from tilth.training.training_set import Rows

Fit = Callable[[Rows, Task, np.ndarray, np.ndarray, np.ndarray | None], Head]


def write(
    frame: pd.DataFrame, rows: Rows, heads: Sequence[Head], embeddings: np.ndarray, fit: Fit, folder: Path
) -> dict[str, Path]:
    """Write the answers to the held-out rows, and return the artifact; none where no labeled row is held out.

    Args:
        frame: the table.
        rows: what taught the exported heads.
        heads: the exported ones.
        embeddings: what they stand on, shape (rows, dimensions).
        fit: as `tilth.training.stage` fits a head, by rows, task, embeddings, the rows that teach, the parent's belief.
        folder: where the file goes.
    """
    truths = {head.task.name: rows.held & rows.judged[head.task.name].labeled for head in heads}
    asked = np.any(list(truths.values()), axis=0)
    learned = rows.taught & ~rows.held
    if not asked.any() or not learned.any():
        return {}
    probabilities = {head.task.name: _answers(rows, head, embeddings, learned, asked, fit) for head in heads}
    decided = decide([head.task.to_json() for head in heads], probabilities)
    texts = frame["text"][asked]
    found = pd.DataFrame({"id": frame["id"][asked], "text_digest": texts.map(store.digest)})
    for head in heads:
        name = head.task.name
        found[name] = frame[name].where(truths[name], None)[asked]
        found[f"{name}_predicted"] = head.task.decoded(decided[name][0])
    store.write_table(folder / store.HELD_OUT, Dataset.from_pandas(found, preserve_index=False))
    return {store.HELD_OUT: folder / store.HELD_OUT}


def _answers(
    rows: Rows, head: Head, embeddings: np.ndarray, learned: np.ndarray, asked: np.ndarray, fit: Fit
) -> np.ndarray:
    """What a head like this one, fitted without the held-out rows, says of those asked."""
    name = head.task.name
    if (rows.propagated[name] & (rows.codes[name] >= 0)).any():
        # The labels that were propagated know those of the held-out rows; here they were propagated without.
        return rows.judged[name].probabilities[asked]
    belief = rows.judged[str(head.task.parent)].probabilities if head.hears_parent else None
    again = fit(rows, head.task, embeddings, learned, belief).with_temperature(head.temperature)
    features = embeddings if belief is None else np.concatenate([embeddings, belief], axis=1)
    return again.probabilities(features[asked])
