"""A run folder as a real night leaves it, with every kind of figure and every kind of verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tilth import samples as table
from tilth import store
from tilth.notes import UNREADABLE, Note
from tilth.samples import Task

LABELS = tuple(f"intent_{number:02d}_{word}" for number in range(15) for word in ("refund", "transfer", "card"))
TASK = Task(name="intent", labels=LABELS)
HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>'
HUGE = "why is my card declined " * 400


def frame(rows: int = 240) -> pd.DataFrame:
    """Sixty rows without a label, quarantined and review rows, corrections, weak labels, paraphrases, a queue."""
    generator = np.random.default_rng(7)
    found = pd.DataFrame({"id": [f"row-{k:04d}" for k in range(rows)]})
    found["text"] = [f"please help me with the {LABELS[k % 45][10:]} number {k} " * (1 + k % 4) for k in range(rows)]
    found.loc[2, "text"], found.loc[1, "text"] = HOSTILE, HUGE
    found["split"] = np.where(
        np.arange(rows) % 4 == 3, "unlabeled", np.where(np.arange(rows) % 10 == 0, "gold", "train")
    )
    found["meta.language"] = np.where(np.arange(rows) % 9 == 0, "de", "en")
    found["source"], found["parent_id"], found["status"], found["reason"] = "input", None, "active", None
    labels = pd.Series([LABELS[k % 45] for k in range(rows)], dtype=object)
    found["intent_given"] = labels.where(found["split"] != "unlabeled", None)
    found.loc[:5, ["status", "reason"]] = ["quarantined", "junk"]
    found.loc[6:9, ["status", "reason"]] = ["review", "near_duplicate"]
    found["duplicate_of"] = None
    found.loc[6:9, "duplicate_of"] = "row-0010"
    found["intent_quality"] = generator.beta(6, 1.5, rows).astype("float32")
    found["is_intent_issue"] = found["intent_quality"] < 0.4
    found["intent_action"], found["intent_suggested"], found["intent_suggested_confidence"] = "keep", None, np.nan
    found.loc[[12, 14], "intent_action"] = "correct"
    found.loc[[12, 14], "intent_suggested"] = LABELS[3]
    found.loc[[12, 14], "intent_suggested_confidence"] = 0.93
    found["intent_weak"] = pd.Series([LABELS[5]] * rows, dtype=object).where(found["split"] == "unlabeled", None)
    found.loc[200:, "intent_weak"] = None
    found["intent_weak_confidence"] = np.where(found["intent_weak"].notna(), 0.8, np.nan)
    found["acquisition_score"], found["acquisition_rank"] = (
        generator.random(rows),
        pd.array([None] * rows, dtype="Int32"),
    )
    found.loc[203:235:4, "acquisition_rank"] = list(range(9, 0, -1))
    copies = pd.DataFrame(
        {
            "id": ["row-0020~1", "row-0021~1"],
            "text": ["kindly assist with my refund", "the the refund"],
            "split": "train",
            "source": "paraphrase",
            "parent_id": ["row-0020", "row-0021"],
            "status": "active",
            "reason": [None, "grammar"],
            "similarity": [0.91, 0.4],
            "novelty": [0.6, 0.2],
            "label_agreement": [0.95, 0.3],
            "accepted": [True, False],
            "used": [True, False],
            "intent_given": None,
        }
    )
    return table.resolve(pd.concat([found, copies], ignore_index=True), [TASK])


def stages() -> list[dict[str, Any]]:
    steps = list(range(0, 500, 25))
    return [
        _entry(
            "cleaning",
            quarantined={"junk": 6},
            review={"near_duplicate": 4},
            figures=[
                {
                    "kind": "bar",
                    "title": "Issues by check",
                    "note": "Rows.",
                    "data": {"labels": ["outlier", "junk", "<b>"], "values": [12, 6, 0]},
                },
                {
                    "kind": "heatmap",
                    "title": "Given against suggested",
                    "note": "",
                    "data": {
                        "rows": ["refund", "transfer"],
                        "columns": ["refund", "transfer", "card"],
                        "values": [[30, 2, 0], [4, 18, None]],
                    },
                },
            ],
            metrics={"checks": {"outlier": 12, "junk": 6}, "noise": 0.0712},
        ),
        _entry(
            "weak_supervision",
            skipped="no labels",
            figures=[
                {"kind": "line", "title": "Why it was skipped", "data": {"x": [1, 2], "y": [0.4, 0.5]}, "note": ""}
            ],
            metrics={"of_no_matter": 1},
        ),
        _entry(
            "augmentation",
            added=2,
            cached=True,
            figures=[
                {
                    "kind": "line",
                    "title": "Training loss",
                    "data": {
                        "x": steps,
                        "series": {
                            "train": [5.0 / (1 + k / 80) + 0.4 for k in steps],
                            "held out": [5.2 / (1 + k / 90) + 0.6 for k in steps],
                        },
                    },
                    "note": "Nats.",
                },
            ],
        ),
        {"name": "active_learning"},
        _entry(
            "training",
            figures=[
                {
                    "kind": "table",
                    "title": "Most confused pairs",
                    "note": "",
                    "data": {
                        "columns": ["label", "predicted", "rows"],
                        "rows": [["refund", HOSTILE, 3], [HUGE, None, 0.25]],
                    },
                },
                {
                    "kind": "bar",
                    "title": "F1 of the weakest classes",
                    "note": "",
                    "data": {"labels": list(LABELS[:5]), "values": [0.0, 0.41, 0.5, 0.62, 0.93]},
                },
            ],
            metrics={"gold": {"intent": {"macro_f1": 0.8123}}, "losses": [1, 2, 3], "temperature": float("nan")},
        ),
    ]


def _entry(name: str, **fields: Any) -> dict[str, Any]:
    base = {
        "name": name,
        "rows_in": 240,
        "rows_out": 240,
        "added": 0,
        "quarantined": {},
        "review": {},
        "seconds": 12.34,
        "cached": False,
        "skipped": None,
        "metrics": {},
        "figures": [],
    }
    return {**base, **fields}


NOTE = Note(kind=UNREADABLE, count=2, message="2 lines of train.csv could not be read", first="train.csv, line 7")


def make(folder: Path, rows: pd.DataFrame | None = None, **record: Any) -> Path:
    """Write `run.json`, `0-input.parquet` and `5-training.parquet` into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = table.from_pandas(frame() if rows is None else rows, [TASK])
    store.write_table(folder / "0-input.parquet", samples.select(range(min(1, samples.num_rows))))
    store.write_table(folder / "5-training.parquet", samples)
    base = {
        "run_id": "20260101-020000-ab12",
        "status": "completed",
        "started": "2026-01-01T02:00:00+00:00",
        "seconds": 341.5,
        "tilth": "0.1.0",
        "config": {},
        "tasks": [TASK.to_json()],
        "inputs": [{"path": "data/raw/train.csv", "sha256": "ab" * 32, "rows": 216, "split": "train"}],
        "ingest": {"notes": [NOTE.to_json()]},
        "stages": stages(),
        "gold": {"rows": 24, "intent": {"macro_f1": 0.8123, "accuracy": 0.84}},
        "promoted": True,
        "promotion": "gold macro-F1 0.812 against 0.801 of run 20251231-020000-cd34",
    }
    store.write_json(folder / "run.json", {**base, **record})
    return folder
