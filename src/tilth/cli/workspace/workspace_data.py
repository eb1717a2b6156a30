"""A workspace's rows, labeling functions and runs, as far as a command needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.errors import RequestError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from tilth.config import Settings
    from tilth.learn.encoder import Encoder
    from tilth.samples import Task
    from tilth.store import Run, Workspace
    from tilth.weak_supervision import Ballot, Config, LoadedFunction, LoadedFunctions


@dataclass(frozen=True)
class WorkspaceData:
    """The workspace's rows and functions, as far as a command needs them."""

    workspace: Workspace
    settings: Settings

    @cached_property
    def _ingested(self) -> Any:
        from tilth.io import ingest

        return ingest(self.settings, self.workspace.root, workspace=self.workspace)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The input's rows, gold included."""
        from tilth import samples as table

        frame: pd.DataFrame = table.to_pandas(self._ingested.samples)
        return frame

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What is classified, parents before children."""
        tasks: tuple[Task, ...] = self._ingested.tasks
        return tasks

    @cached_property
    def free(self) -> pd.DataFrame:
        """The rows that are not gold, the only ones whose text or label is ever shown."""
        return self.frame[self.frame["split"] != "gold"].reset_index(drop=True)

    @cached_property
    def gold(self) -> pd.DataFrame:
        """The rows that are only counted."""
        return self.frame[self.frame["split"] == "gold"].reset_index(drop=True)

    @cached_property
    def loaded(self) -> LoadedFunctions:
        """The workspace's labeling functions, and those of installed packages."""
        from tilth.weak_supervision import load_functions

        return load_functions(self.workspace.labeling_functions, self.tasks)

    @cached_property
    def encoder(self) -> Encoder:
        """The one that turns the rows into vectors, as configured."""
        from tilth.learn.encoder import Encoder
        from tilth.store import Cache

        return Encoder(self.settings.encoder, Cache(self.workspace.cache))

    @property
    def config(self) -> Config:
        """Of weak supervision."""
        config: Any = self.settings.stage("weak_supervision")
        return config

    def task(self, name: str | None) -> Task:
        """The task of that name; None: the last one, which is the finest."""
        by_name = {task.name: task for task in self.tasks}
        if name is not None and name not in by_name:
            raise RequestError(f"--task {name}: there is no such task; {did_you_mean(name, by_name)}")
        return by_name[name] if name else self.tasks[-1]

    def cast(self, functions: Sequence[LoadedFunction], frame: pd.DataFrame, *, cached: bool) -> list[Ballot]:
        """The functions' votes on a frame's rows."""
        from tilth.store import Cache
        from tilth.weak_supervision import cast_votes

        texts = frame["text"].tolist()
        return cast_votes(
            functions,
            self.tasks,
            frame,
            lambda: self.encoder.encode(texts),
            self.encoder.encode,
            self.config,
            Cache(self.workspace.cache) if cached else None,
            self.encoder.fingerprint if cached else "",
        )


def open_workspace(config: Path | None) -> WorkspaceData:
    """The data of a config file's workspace, or of the one that holds the current folder."""
    from tilth import night, store

    workspace = store.locate(config)
    return WorkspaceData(workspace=workspace, settings=night.Request(workspace=workspace).settings)


def find_run(name: str) -> Run:
    """The run of that name: of the workspace, of `tilth-runs` outside any, or wherever its path says."""
    from tilth import store

    workspace = store.locate(anywhere=True)
    try:
        return store.find(workspace.runs, name)
    except RequestError as error:
        inside = workspace.config or store.all_runs(workspace.runs)
        where = "" if inside else f" ({Path.cwd()} is in no workspace; make one with: tilth init DIR)"
        raise RequestError(f"{error}{where}") from None
