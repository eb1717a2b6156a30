"""The tables of one night, read once, and where each row of them came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tilth import samples as table
from tilth import store
from tilth.errors import DamagedFileError, RequestError, TilthError
from tilth.samples import Origin, Source, Split, Task
from tilth.store.answers import Answers


@dataclass(frozen=True)
class NightTables:
    """What a run's folder holds of its rows.

    Attributes:
        path: the run's folder.
        record: its `run.json`.
        frame: its newest table.
        tasks: what it classifies.
    """

    path: Path
    record: Mapping[str, Any]
    frame: pd.DataFrame
    tasks: tuple[Task, ...] = field(default=())

    @cached_property
    def places(self) -> dict[str, int]:
        """Each row's position in the table, by its id."""
        return {row_id: place for place, row_id in enumerate(self.ids)}

    @cached_property
    def texts(self) -> list[str]:
        """Each row's text; a list, for a frame is slow to ask row by row."""
        return [str(text) for text in self.frame["text"]]

    @cached_property
    def ids(self) -> list[str]:
        """Each row's id."""
        return [str(row_id) for row_id in self.frame["id"]]

    @cached_property
    def labels(self) -> dict[str, list[Any]]:
        """For each task every row's current label."""
        return {task.name: self.frame[task.name].tolist() for task in self.tasks if task.name in self.frame}

    @cached_property
    def votes_by_id(self) -> dict[str, dict[str, int]]:
        """Of each row that any function voted on: function → code of the label."""
        if self.votes is None:
            return {}
        codes, names = self.votes.to_numpy(), [str(name) for name in self.votes.columns]
        ids = self.votes.index.tolist()
        votes: dict[str, dict[str, int]] = {}
        for row, column in zip(*np.nonzero(codes >= 0), strict=True):
            votes.setdefault(ids[row], {})[names[column]] = int(codes[row, column])
        return votes

    @cached_property
    def paraphrases(self) -> dict[str, list[int]]:
        """The positions of a row's paraphrases, by its id."""
        return _grouped(self.frame["parent_id"])

    @cached_property
    def copies(self) -> dict[str, list[int]]:
        """The positions of the rows that repeat a row, by its id."""
        return _grouped(self.frame["duplicate_of"]) if "duplicate_of" in self.frame else {}

    @cached_property
    def votes(self) -> pd.DataFrame | None:
        """Codes of labels by labeling function (`task.function`), one row an id; None where nothing voted."""
        path = self.path / "votes.parquet"
        if not path.exists():
            return None
        try:
            return table.to_pandas(store.read_table(path)).drop_duplicates("id").set_index("id")
        except DamagedFileError:
            return None

    @cached_property
    def answers(self) -> dict[str, list[dict[str, Any]]]:
        """What people answered of each row, and who, the oldest first: answers that are in force now, on any text."""
        workspace = self.record.get("workspace") or {}
        path = Path(str(workspace.get("data") or "")) / "labels.sqlite"
        if not path.is_file():
            return {}
        try:
            with Answers.open(path, read_only=True) as kept:
                given = kept.current().to_dict("records")
        except TilthError:
            return {}
        by_row: dict[str, list[dict[str, Any]]] = {}
        for one in given:
            answer = {name: one[name] or None for name in ("task", "verdict", "label", "who", "at", "note")}
            by_row.setdefault(str(one["row_id"]), []).append(answer)
        return by_row

    @cached_property
    def agreement(self) -> dict[str, tuple[int, int]]:
        """Of each function the votes on rows with a label of people's, and how many of them agree with it."""
        if self.votes is None:
            return {}
        rows = self.frame[self.frame["split"].ne(Split.GOLD)].drop_duplicates("id").set_index("id")
        agreements = {}
        for task in self.tasks:
            origin = rows.get(f"{task.name}_origin", pd.Series(None, index=rows.index, dtype=object))
            labeled = rows[origin.isin([Origin.GIVEN, Origin.ANNOTATOR, Origin.CORRECTED])]
            truth = pd.Series(task.codes(labeled[task.name]), index=labeled.index)
            shared = self.votes.index.intersection(truth.index)
            codes = truth.loc[shared].to_numpy()
            for name in self.votes.columns:
                if name.startswith(f"{task.name}."):
                    cast = self.votes.loc[shared, name].to_numpy()
                    agreements[name] = (int((cast >= 0).sum()), int(((cast >= 0) & (cast == codes)).sum()))
        return agreements

    @cached_property
    def weights(self) -> dict[str, np.ndarray]:
        """For each task every row's weight in training, NaN where it is not learned from."""
        weights = {}
        for task in self.tasks:
            if task.name in self.frame and f"{task.name}_confidence" in self.frame:
                learned = table.learnable(self.frame, task.name)
                weights[task.name] = np.where(learned, table.sample_weights(self.frame, task.name), np.nan)
        return weights

    @cached_property
    def _of_input(self) -> np.ndarray:
        return self.frame["source"].ne(Source.PARAPHRASE).to_numpy(dtype=bool)

    def came_from(self, place: int) -> dict[str, Any]:
        """The file of a row and its number there, from 1 below the header; both null of a paraphrase."""
        files = [item for item in self.record.get("inputs") or [] if item.get("split") in (Split.TRAIN, Split.GOLD)]
        first = 0
        if self._of_input[place]:
            for item in files:
                if place < first + item["rows"]:
                    return {"file": item["path"], "row": place - first + 1}
                first += item["rows"]
        return {"file": None, "row": None}


def _grouped(column: pd.Series) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for place, value in enumerate(column):
        if isinstance(value, str):
            groups.setdefault(value, []).append(place)
    return groups


def read_night(path: Path) -> NightTables:
    """Read a run's record and its newest table.

    Raises:
        RequestError: there is no record, or no table.
    """
    if not (path / "run.json").is_file():
        raise RequestError(f"{path} holds no run.json; expected the folder of a run, as in data/runs/latest")
    record = store.read_json(path / "run.json")
    frame = table.to_pandas(store.read_table(store.newest_table(path)))
    return NightTables(path, record, frame, _tasks(record))


def _tasks(record: Mapping[str, Any]) -> tuple[Task, ...]:
    described: Sequence[Mapping[str, Any]] = record.get("tasks") or []
    return tuple(Task.from_json(task) for task in described)
