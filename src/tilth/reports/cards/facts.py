"""What the cards say, as plain values: of the model, of its measures by class, of the rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.metrics import precision_recall_fscore_support

from tilth import samples as table
from tilth import store
from tilth.reports.columns import column
from tilth.samples import Origin, Source, Split, Status, Task

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def model_facts(folder: Path, record: Mapping[str, Any], frame: pd.DataFrame) -> dict[str, Any]:
    """What the model's card says."""
    tasks = tuple(Task.from_json(task) for task in record.get("tasks") or [])
    metrics = store.stage_metrics(record, "training")
    gold = record.get("gold") or {}
    scores = gold or record.get("cross_validated") or {}
    learned = {task.name: _learned(frame, task.name) for task in tasks}
    return {
        **_common(record),
        "tasks": [task.to_json() for task in tasks],
        "scores": {name: one for name, one in scores.items() if isinstance(one, Mapping)},
        "gold_rows": gold.get("rows", 0),
        "by_class": {task.name: by_class(frame, task) for task in tasks} if gold else {},
        "learned": learned,
        "encoder": (record.get("config") or {}).get("encoder", {}).get("model", "default"),
        "trunk": (metrics.get("trunk") or {}).get("chosen") or "frozen",
        "weights": (metrics.get("export") or {}).get("weights"),
        "bytes": (metrics.get("export") or {}).get("bytes"),
        "run_by": (metrics.get("export") or {}).get("run_by"),
        "agreement": (metrics.get("export") or {}).get("agreement") or {},
        "contract": _scalars((metrics.get("export") or {}).get("contract") or metrics.get("contract")),
        "rejects": bool((metrics.get("out_of_scope") or {}).get("below")),
        "paraphrases": int((frame["source"].eq(Source.PARAPHRASE) & column(frame, "used").eq(True)).sum()),
        "files": {
            path.name: store.sha256_file(path) for path in sorted((folder / "model").glob("*")) if _is_file(path)
        },
    }


def data_facts(record: Mapping[str, Any], frame: pd.DataFrame) -> dict[str, Any]:
    """What the data's card says."""
    tasks = tuple(Task.from_json(task) for task in record.get("tasks") or [])
    rows = frame[frame["source"].ne(Source.PARAPHRASE)]
    aside = rows[rows["status"].ne(Status.ACTIVE)]
    words = rows["text"].map(lambda text: len(str(text).split()))
    return {
        **_common(record),
        "rows": len(rows),
        "size": next((name for most, name in _SIZES if len(rows) < most), "1M<n<10M"),
        "splits": {split.value: int(rows["split"].eq(split).sum()) for split in Split},
        "words": {"median": int(words.median()), "longest": int(words.max())} if len(rows) else {},
        "aside": {str(reason): int(count) for reason, count in aside["reason"].value_counts().items()},
        "paraphrases": int(len(frame) - len(rows)),
        "tasks": [_of_task(rows, task) for task in tasks],
    }


def _common(record: Mapping[str, Any]) -> dict[str, Any]:
    names = ("run_id", "started", "finished", "tilth", "promoted", "promotion")
    inputs = [
        {
            "file": Path(str(item["path"])).name,
            "rows": item["rows"],
            "sha256": item["sha256"],
            "split": item.get("split"),
        }
        for item in record.get("inputs") or []
    ]
    return {
        **{name: record.get(name) for name in names},
        "inputs": inputs,
        "seed": (record.get("config") or {}).get("seed"),
    }


def _of_task(rows: pd.DataFrame, task: Task) -> dict[str, Any]:
    free = rows[rows["split"].ne(Split.GOLD)]
    given, now = (column(free, name).value_counts() for name in (f"{task.name}_given", task.name))
    origins = column(free, f"{task.name}_origin").value_counts()
    labels = [label for label in task.labels if label in given or label in now]
    return {
        "name": task.name,
        "parent": task.parent,
        "classes": [{"label": one, "given": int(given.get(one, 0)), "now": int(now.get(one, 0))} for one in labels],
        "origins": {word.value: int(origins[word.value]) for word in Origin if word.value in origins},
        "unlabeled": int(column(free, task.name).isna().sum()),
        "issues": int(column(free, f"is_{task.name}_issue").eq(True).sum()),
    }


def by_class(frame: pd.DataFrame, task: Task) -> list[dict[str, Any]]:
    """Precision, recall, F1 and rows of each class of the gold rows, the weakest first; empty without answers.

    A gold row whose class training never saw counts for its class as missed, as it does in the record.
    """
    if f"{task.name}_predicted" not in frame:
        return []
    truth = table.gold_labels(frame, task.name)
    known = truth.notna()
    if not known.any():
        return []
    labels = sorted(truth[known].unique())
    predicted = frame.loc[known, f"{task.name}_predicted"].fillna("").astype(str)
    measured = precision_recall_fscore_support(truth[known].astype(str), predicted, labels=labels, zero_division=0.0)
    classes = [
        {"label": label, "precision": float(p), "recall": float(r), "f1": float(f1), "rows": int(n)}
        for label, p, r, f1, n in zip(labels, *measured, strict=True)
    ]
    return sorted(classes, key=lambda one: (one["f1"], one["label"]))


def _learned(frame: pd.DataFrame, task: str) -> dict[str, int]:
    """How many rows of the input each origin of labels gave to training."""
    if task not in frame:
        return {}
    rows = frame[table.learnable(frame, task) & frame["source"].ne(Source.PARAPHRASE)]
    counts = column(rows, f"{task}_origin").value_counts()
    return {word.value: int(counts[word.value]) for word in Origin if word.value in counts}


def _scalars(contract: object) -> dict[str, str]:
    """What a contract says in single values, by name; empty without a contract."""
    entries = contract.items() if isinstance(contract, Mapping) else ()
    return {str(name): str(value) for name, value in entries if isinstance(value, (str, bool, int, float))}


def _is_file(path: Path) -> bool:
    return path.is_file() and path.name != "README.md"
