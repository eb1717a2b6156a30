"""A night with a queue whose rows are as bad as rows can be, and a page over it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from fastapi.testclient import TestClient

from tilth import samples as table
from tilth import store
from tilth.annotation import Desk, Evidence, create_app, read_night_rows
from tilth.io import write_csv
from tilth.samples import Task
from tilth.store import Run
from tilth.store.answers import Answers

TOKEN = "a-secret"
AREA = Task(name="area", labels=("internet", "money"))
INTENT = Task(
    name="intent",
    labels=("slow", "down", "bill", "refund"),
    parent="area",
    parent_of={"slow": "internet", "down": "internet", "bill": "money", "refund": "money"},
)
DEFINITIONS = {"slow": "The line works, and is <b>slow</b>"}
MARKUP = '<script>alert("x")</script><img src=x onerror="alert(1)">'
RTL = "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe \N{ARABIC LETTER ALEF} \N{PILE OF POO}"
LONG = "why is it so slow today " * 4200
FORMULA = '=HYPERLINK("http://x","y")'
TEXTS = ["my line is slow", MARKUP, RTL, LONG, FORMULA, "where is my refund", "wheres my refund", "no internet"]


def make_two_tasks(root: Path) -> Run:
    """A run of two tasks of which neither is under the other."""
    run = make_night(root, ["my line is slow", "my bill is wrong"])
    store.write_json(
        run.path / "run.json", {**run.record, "tasks": [AREA.to_json(), {**INTENT.to_json(), "parent": None}]}
    )
    return run


def make_night(root: Path, texts: list[str] | None = None) -> Run:
    """A run below `root/data/runs`; row 5 has a near copy, row 6, and `p0` is a paraphrase of row 0."""
    texts = texts or TEXTS
    rows = pd.DataFrame({"id": [f"r{number}" for number in range(len(texts))], "text": texts})
    rows["split"], rows["source"], rows["parent_id"] = "train", "input", None
    rows["status"], rows["reason"] = "active", None
    rows["intent_given"], rows["area_given"] = None, None
    rows.loc[rows.index.isin([0, 7]), ["intent_given", "area_given"]] = ["bill", "money"]
    rows["intent_weak"], rows["intent_weak_confidence"] = None, float("nan")
    rows.loc[rows.index == 5, ["intent_weak", "intent_weak_confidence"]] = ["bill", 0.9]
    rows["is_intent_issue"] = rows["id"].eq("r0")
    asked = rows[rows.index != 6].copy()
    if texts is TEXTS:
        copy = {"id": "p0", "text": "the line is slow", "split": "train", "source": "paraphrase", "parent_id": "r0"}
        rows = pd.concat([rows, pd.DataFrame([{**copy, "status": "active"}])], ignore_index=True)
        asked = pd.concat([asked, rows.tail(1)], ignore_index=True)
    folder = root / "data/runs/20260101-020000"
    folder.mkdir(parents=True)
    rows["is_intent_issue"] = rows["is_intent_issue"].eq(True)
    samples = table.from_pandas(table.resolve(rows, [AREA, INTENT]), [AREA, INTENT])
    store.write_table(folder / "4-active_learning.parquet", samples)
    write_csv(_queue(asked), folder / "queue.csv")
    record: dict[str, Any] = {
        "run_id": folder.name,
        "status": "completed",
        "started": "2026-01-01T02:00:00+00:00",
        "config": {"encoder": {}},
        "inputs": [{"path": "data/raw/inbox.csv", "rows": len(texts), "split": "train"}],
        "tasks": [AREA.to_json(), INTENT.to_json()],
        "workspace": {"data": str(root / "data")},
        "stages": [],
    }
    store.write_json(folder / "run.json", record)
    (root / "tilth.toml").write_text("seed = 0\n")
    return Run(folder)


def _queue(asked: pd.DataFrame) -> pd.DataFrame:
    suspect = asked["id"].eq("r0")
    return pd.DataFrame(
        {
            "rank": range(1, len(asked) + 1),
            "id": asked["id"],
            "text": asked["text"],
            "detector": suspect.map({True: "suspect", False: "uncertain"}),
            "reason": suspect.map({True: 'The given intent "bill" looks wrong', False: "tilth is not sure"}),
            "belief": "slow 0.83 · down 0.10",
            "group": [json.dumps(["r6"]) if row == "r5" else "" for row in asked["id"]],
            "area_suggested": "internet",
            "intent_suggested": "slow",
            "score": 1.0,
            "area_answer": "",
            "intent_answer": "",
        }
    )


class Page:
    """A page over a night, as its own script sees it."""

    def __init__(self, root: Path, run: Run | None = None) -> None:
        self.run = run or make_night(root)
        self.answers = Answers.open(root / "data/labels.sqlite")
        self.desk = Desk(read_night_rows(self.run), self.answers)
        app: Any = create_app(self.desk, Evidence(self.run), TOKEN, "ann", DEFINITIONS)
        self.client = TestClient(app, base_url="http://127.0.0.1:8000")
        self.opened = self.client.get("/", params={"token": TOKEN})

    def get(self, path: str, **query: Any) -> Any:
        found = self.client.get(path, params=query)
        assert found.status_code == 200, found.text
        return found.json()

    def post(self, path: str, body: Any, status: int = 200, who: str | None = None) -> Any:
        headers = {"Tilth-Annotator": who} if who else {}
        found = self.client.post(path, json=body, headers=headers)
        assert found.status_code == status, found.text
        return found.json()

    def next(self, count: int = 1, who: str | None = None, held: tuple[str, ...] = ()) -> list[str]:
        """Ids of the next rows."""
        found = self.post("/api/next", {"count": count, "held": list(held)}, who=who)
        return [row["id"] for row in found["rows"]]

    def answer(self, row_id: str, *verdicts: Any, who: str | None = None, status: int = 200, **more: Any) -> Any:
        """What a person says: labels of the finest task, or whole verdicts."""
        full = [
            {"task": "intent", "verdict": "label", "label": one} if isinstance(one, str) else one for one in verdicts
        ]
        step = f"step-{row_id}-{verdicts}-{who}"[:100]
        return self.post("/api/answer", {"step": step, "row_id": row_id, "verdicts": full, **more}, status, who)

    def stored(self) -> set[tuple[str, str, str]]:
        """Row, task and label or verdict of all answers in force."""
        now = self.answers.current()
        return {
            (row, task, label or verdict)
            for row, task, verdict, label in now[["row_id", "task", "verdict", "label"]].to_numpy()
        }
