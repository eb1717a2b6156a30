"""What speaks for each label of a row, from the night's own story of it; read beside the answering, never before it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from tilth.errors import TilthError
from tilth.reports import NightStories
from tilth.store import Run

_TEXT = 240
"""Signs of a nearest row's text that are shown."""


class Evidence:
    """Stories of rows as they are asked for; the night's tables are read in the background, once."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._stories: NightStories | None = None
        self._why_not: str | None = None
        self._ready = threading.Event()
        self._lock = threading.Lock()
        threading.Thread(target=self._read, daemon=True, name="evidence").start()

    def _read(self) -> None:
        try:
            self._stories = NightStories.read(self._run.path)
        except (TilthError, OSError, KeyError, ValueError) as error:  # rows can be answered without
            self._why_not = str(error)
        finally:
            self._ready.set()

    def of(self, row_id: str, patience: float = 60.0) -> dict[str, Any]:
        """What speaks for each label of each task, and what else is known of the row.

        Args:
            row_id: a row of the night.
            patience: seconds to wait for the night's tables.
        """
        if not self._ready.wait(patience) or self._stories is None:
            return {"why_not": self._why_not or "the night's tables are still being read", "tasks": {}}
        with self._lock:
            story = self._stories.of([row_id], nights=False)[0]
        failed = [one["check"].replace("_", " ") for one in story["checks"] if one["issue"]]
        return {
            "tasks": {name: _of_task(task) for name, task in story["tasks"].items()},
            "failed": failed,
            "input": {name: str(value) for name, value in story["input"].items() if value is not None},
            "came_from": story["came_from"],
            "passage": story["passage"],
            "status": story["status"],
            "why_not": story["why_not_nearest"],
        }


def _of_task(task: Mapping[str, Any]) -> dict[str, Any]:
    speaks: dict[str, list[str]] = {}

    def add(label: str | None, words: str) -> None:
        if label is not None:
            speaks.setdefault(label, []).append(words)

    add(task["given"], "given")
    if task["issue"]:
        add(task["suggested"], f"cleaning{_sure(task['suggested_confidence'])}")
    for vote in task["votes"]:
        record = f" (right {vote['agree']} of {vote['labeled_votes']})" if vote["labeled_votes"] else ""
        add(vote["label"], f"{vote['function']}{record}")
    add(task["weak"], f"functions together{_sure(task['weak_confidence'])}")
    add(task["predicted"], f"model{_sure(task['predicted_confidence'])}")
    near: dict[str, int] = {}
    for one in task["nearest"]:
        near[one["label"]] = near.get(one["label"], 0) + 1
    for label, count in near.items():
        add(label, f"{count} of {len(task['nearest'])} nearest rows")
    nearest = [{**one, "text": one["text"][:_TEXT]} for one in task["nearest"]]
    return {"speaks": speaks, "nearest": nearest, "given": task["given"]}


def _sure(confidence: float | None) -> str:
    return "" if confidence is None else f" {100 * confidence:.0f}%"
