"""Where things are: a workspace's folders, and the lock that keeps two nights apart."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tilth.errors import RequestError, WorkspaceBusyError
from tilth.store.files import clear_leftovers
from tilth.store.runs import close_interrupted

CONFIG = "tilth.toml"


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """The folders of one workspace.

    Attributes:
        root: what relative paths of the config start from.
        config: `tilth.toml`, or None outside any workspace.
        data: holds `cache/`, `state/`, `runs/`.
        runs: the parent of the run folders.
    """

    root: Path
    config: Path | None
    data: Path
    runs: Path

    def __repr__(self) -> str:
        return f"<Workspace {self.root}, runs in {self.runs}>"

    @property
    def cache(self) -> Path:
        """The content-addressed cache."""
        return self.data / "cache"

    @property
    def state(self) -> Path:
        """What nights carry over, by digest."""
        return self.data / "state"

    @property
    def answers(self) -> Path | None:
        """What people answered; None outside any workspace, where rows of one id are not of one table."""
        return self.data / "labels.sqlite" if self.config else None

    @property
    def labeling_functions(self) -> Path:
        """The folder of the workspace's own labeling functions."""
        return self.root / "labeling_functions"

    @contextmanager
    def lock(self, *, put_right: bool = True) -> Iterator[None]:
        """Hold the workspace for one night, and put right what a killed night left.

        Args:
            put_right: False leaves what is there as it is.

        Raises:
            WorkspaceBusyError: another process holds it.
            RequestError: nothing can be written there.
        """
        elsewhere = "make it writable" if self.config else "name a folder for the cache by the variable XDG_CACHE_HOME"
        with ExitStack() as held:
            held.enter_context(_held(self.data, elsewhere))
            if not self.runs.resolve().is_relative_to(self.data.resolve()):  # which other workspaces may write to
                held.enter_context(_held(self.runs, "name another folder by --out"))
            for folder in (self.runs, self.cache, self.state):  # now, and not after an hour of a night
                if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
                    raise RequestError(
                        f"nothing can be written in {folder} (it is read-only for you); make it writable"
                    )
            if put_right:
                self._put_right()
            try:
                yield
            finally:  # of a night that was stopped just now
                if put_right:
                    self._put_right()

    def _put_right(self) -> None:
        """Remove what is unfinished, and close the records of nights that have ended without a word."""
        for folder in {self.data, self.runs}:
            clear_leftovers(folder)
        close_interrupted(self.runs)


@contextmanager
def _held(folder: Path, elsewhere: str) -> Iterator[None]:
    from filelock import FileLock, Timeout  # who only reads a run needs no lock

    lock = FileLock(folder / ".lock", timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise WorkspaceBusyError(
            f"another night is at work in {folder} (its lock {folder / '.lock'} is held); wait for it to end"
        ) from None
    except OSError as error:
        raise RequestError(f"nothing can be written in {folder} ({error.strerror}); {elsewhere}") from None
    try:
        yield
    finally:
        lock.release()


def user_cache() -> Path:
    """The cache folder for work outside any workspace."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tilth"


def locate(config: Path | None = None, out: Path | None = None, *, anywhere: bool = False) -> Workspace:
    """Find the workspace of a config file, or the one that holds the current folder.

    Args:
        config: a `tilth.toml`; without it, the nearest one here or above.
        out: the parent of the run folders, in place of `data/runs`.
        anywhere: make do without a workspace, with a cache in the user's cache folder.

    Raises:
        RequestError: there is none, and the request needs one; or `out` is a file.
    """
    if out is not None and out.is_file():
        raise RequestError(f"--out {out} is a file; give a folder, which is made where there is none")
    if config is not None and not config.is_file():
        raise RequestError(f"no config file at {config}; make a workspace with: tilth init DIR")
    here = Path.cwd()
    path = config or next((folder / CONFIG for folder in (here, *here.parents) if (folder / CONFIG).is_file()), None)
    if path is not None:
        root = path.resolve().parent
        runs = _absolute(out) or root / "data/runs"
        return Workspace(root=root, config=path.resolve(), data=root / "data", runs=runs)
    if not anywhere:
        raise RequestError(f"{here} is in no workspace (no {CONFIG} here or above); make one with: tilth init DIR")
    data = user_cache()
    return Workspace(root=here, config=None, data=data, runs=_absolute(out) or here / "tilth-runs")


def _absolute(path: Path | None) -> Path | None:
    return path.resolve() if path is not None else None
