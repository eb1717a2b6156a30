"""The better data set itself, ready to train on: text, labels, confidence as weight, provenance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from datasets import ClassLabel, Dataset, Features

from tilth import samples as table
from tilth.errors import RequestError
from tilth.io.exports import export_files as files
from tilth.io.exports import target_files
from tilth.samples import Source, Split, Status, Task
from tilth.store import Run, atomic, newest_table, read_table

_META = "meta."


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written, and what was not.

    Attributes:
        rows: how many rows to train on.
        gold: how many gold rows, beside them.
        left_out: how many rows are in neither, by the reason in words, the most first.
        renamed: columns of the input under another name than their own, which a column of tilth has.
    """

    rows: int
    gold: int
    left_out: Mapping[str, int]
    renamed: Mapping[str, str]


def export(
    run: Run, target: Path, *, kind: str | None = None, gold: Path | None = None, force: bool = False
) -> Exported:
    """Write the rows that training takes, for any task.

    Columns: `id`, `text`, for each task `<task>`, `<task>_weight` (what training gives the row: the probability that
    the label is right, and of a paraphrase less, for it counts beside a row) and `<task>_origin`, then `source`,
    `parent_id` and the input's other columns. For `datasets`, labels are `ClassLabel` features.

    Args:
        run: the night to export.
        target: `.csv`, `.jsonl`, `.parquet`, a folder for `datasets.load_from_disk` with the splits `train` and
            `test` (the gold rows), or `-`, standard output.
        kind: `csv`, `jsonl`, `parquet` or `folder`, where the target's ending does not say it.
        gold: a second file, for the gold rows; the first holds none, so that nobody learns from them.
        force: write over what is there.

    Raises:
        RequestError: another kind of file, or something is there already; nothing was written.
    """
    sort = target_files.file_kind(target, kind)
    wanted = [(target, sort)] if gold is None else [(target, sort), (gold, target_files.file_kind(gold))]
    if gold is not None and target_files.FOLDER in dict(wanted).values():
        raise RequestError(f"--gold {gold}: a folder holds the gold rows as its split test; leave --gold out")
    for place, file_kind in wanted:
        target_files.refuse_to_overwrite(place, file_kind, force=force)
    tasks = [Task.from_json(task) for task in run.record["tasks"]]
    samples = read_table(newest_table(run.path))
    frame = table.to_pandas(samples)
    taken = np.any([table.learnable(frame, task.name) for task in tasks], axis=0)
    is_gold = frame["split"].eq(Split.GOLD).to_numpy(dtype=bool)
    both = sort == target_files.FOLDER or gold is not None
    rows, features, renamed = _rows(samples, frame, tasks)
    parts = [rows.filter(taken), rows.filter(is_gold)]
    with ExitStack() as whole:  # of two files both appear, or none
        if sort == target_files.FOLDER:
            splits = dict(zip(("train", "test"), parts if is_gold.any() else parts[:1], strict=False))
            files.write_folder(splits, features, whole.enter_context(atomic(target)))
        else:
            for (place, file_kind), part in zip(wanted, parts, strict=False):
                unfinished = None if place == target_files.STANDARD_OUTPUT else whole.enter_context(atomic(place))
                files.write(part, features, file_kind, unfinished)
    left_out = _left_out(frame, tasks, taken | (is_gold if both else False))
    return Exported(rows=int(taken.sum()), gold=int(is_gold.sum()) if both else 0, left_out=left_out, renamed=renamed)


def _rows(samples: Dataset, frame: pd.DataFrame, tasks: Sequence[Task]) -> tuple[pa.Table, Features, dict[str, str]]:
    """Every row of the table in the columns of an export, their features, and which input columns were renamed."""
    kept = samples.data.table
    columns = {"id": kept.column("id"), "text": kept.column("text")}
    classes: dict[str, ClassLabel] = {}
    for task in tasks:
        shown = table.learnable(frame, task.name) | frame["split"].eq(Split.GOLD).to_numpy(dtype=bool)
        label = frame[task.name].where(shown)
        weight = pd.Series(table.sample_weights(frame, task.name)).where(shown & frame[task.name].notna())
        columns[task.name] = pa.array(label, type=pa.string(), from_pandas=True)
        columns[f"{task.name}_weight"] = pa.array(weight, type=pa.float64(), from_pandas=True)
        origin = frame[f"{task.name}_origin"].where(shown)
        columns[f"{task.name}_origin"] = pa.array(origin, type=pa.string(), from_pandas=True)
        unknown = sorted(set(label.dropna()) - set(task.labels))  # that gold rows alone have
        classes[task.name] = ClassLabel(names=[*task.labels, *unknown])
    columns |= {"source": kept.column("source"), "parent_id": kept.column("parent_id")}
    renamed: dict[str, str] = {}
    for name in kept.column_names:
        if name.startswith(_META):
            plain = name.removeprefix(_META)
            free = plain
            while free in columns:
                free = _META + free
            columns[free] = kept.column(name)
            renamed |= {plain: free} if free != plain else {}
    rows = pa.table(columns)
    features = Features.from_arrow_schema(rows.schema)
    return rows, Features({name: classes.get(name, kind) for name, kind in features.items()}), renamed


def _left_out(frame: pd.DataFrame, tasks: Sequence[Task], written: np.ndarray) -> dict[str, int]:
    """How many rows were not written, by the reason in words, the most first."""
    rest = frame[~written]
    reason = rest["reason"].fillna("").astype(str)
    why = pd.Series("without a label", index=rest.index)
    for task in tasks:
        doubted = rest[f"{task.name}_reason"]
        why = why.mask(doubted.notna(), "whose label was taken away (" + doubted.astype(str) + ")")
    for status, words in ((Status.REVIEW, "in review"), (Status.QUARANTINED, "set aside")):
        why = why.mask(rest["status"].eq(status), f"{words} (" + reason + ")")
    paraphrase = rest["source"].eq(Source.PARAPHRASE)
    why = why.mask(paraphrase, "paraphrases not used (" + reason.replace("", "they did not help") + ")")
    why = why.mask(rest["split"].eq(Split.GOLD), "gold, which is only measured on")
    return dict(Counter(why).most_common())
