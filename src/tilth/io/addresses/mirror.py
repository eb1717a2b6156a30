"""A copy of a workspace's nights at an address, which a machine with an empty workspace can start from.

At the address: `runs/<run-id>/` with all files of a night, its `run.json` last, so that what has none is not whole;
`runs/latest`, the id of the promoted night; `state/<digest>/`, what nights carry over; `labels.sqlite`, people's
answers as they were when the night began; `forgotten.json`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tilth import store
from tilth.errors import RequestError
from tilth.io.addresses.file_systems import file_system, put_folder, reaching
from tilth.store import Run, Workspace
from tilth.store.answers import newest_backup

_RECORD, _LATEST, _ANSWERS, _FORGOTTEN = "run.json", "latest", "labels.sqlite", "forgotten.json"
_WHAT = "store.address"
_WHOLE = ".whole"
"""Stands in a folder of `state` at the address once all of its files do."""


def send_nights(workspace: Workspace, address: str) -> list[str]:
    """Copy the nights that are not at an address yet, with what they carry over; returns their ids.

    Raises:
        RequestError: the address cannot be read or written; what is there already stays whole.
    """
    with reaching(f'{_WHAT} "{address}"', "written"):
        return _send(workspace, *file_system(address, _WHAT))


def fetch_nights(workspace: Workspace, address: str) -> list[str]:
    """Copy what is at an address into a workspace that holds no night and no answer; returns the ids of its nights.

    Raises:
        RequestError: the workspace holds some, or the address none, or it cannot be read.
    """
    held = [*(run.path for run in store.all_runs(workspace.runs)), *workspace.data.glob(_ANSWERS)]
    if held:
        raise RequestError(f"{held[0]} is there; only a workspace without nights and answers can be filled")
    with reaching(f'{_WHAT} "{address}"', "read"):
        files, root = file_system(address, _WHAT)
        if not (nights := _nights(files, root)):
            raise RequestError(f'{_WHAT} "{address}" holds no night; a night of a workspace with it is copied there')
        _fetch(workspace, files, root, nights)
    return nights


def _send(workspace: Workspace, files: Any, root: str) -> list[str]:
    there, sent = _nights(files, root), []
    for run, record in store.records(workspace.runs):
        if record["status"] != "completed" or run.path.name in there:
            continue
        for digest in sorted({*record["carried"]["in"].values(), *record["carried"]["out"].values()}):
            folder, target = workspace.state / digest, f"{root}/state/{digest}"
            if folder.is_dir() and not files.exists(f"{target}/{_WHOLE}"):
                put_folder(files, folder, target)
                files.pipe_file(f"{target}/{_WHOLE}", b"")
        put_folder(files, run.path, f"{root}/runs/{run.path.name}", last=_RECORD)
        sent.append(run.path.name)
    if (latest := store.latest(workspace.runs)) is not None:
        files.pipe_file(f"{root}/runs/{_LATEST}", latest.path.name.encode())
    answers = newest_backup(workspace.answers) if workspace.answers is not None else None
    for path, name in ((answers, _ANSWERS), (workspace.data / _FORGOTTEN, _FORGOTTEN)):
        if path is not None and path.exists():
            files.put_file(str(path), f"{root}/{name}")
    return sent


def _nights(files: Any, root: str) -> list[str]:
    """Ids of the nights that are there, whole."""
    files.invalidate_cache()
    return sorted(str(path).rsplit("/", 2)[-2] for path in files.glob(f"{root}/runs/*/{_RECORD}"))


def _fetch(workspace: Workspace, files: Any, root: str, nights: Sequence[str]) -> None:
    workspace.data.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=store.unfinished_prefix(), dir=workspace.data) as unfinished:
        got = Path(unfinished)
        for part in [f"runs/{night}" for night in nights] + ["state"]:
            _get_folder(files, f"{root}/{part}", got / part)
        for name in (_ANSWERS, _FORGOTTEN):
            if files.exists(f"{root}/{name}"):
                files.get_file(f"{root}/{name}", str(got / name))
        for marker in got.glob(f"state/*/{_WHOLE}"):
            marker.unlink()
        for folder, target in ((got / "state", workspace.state), (got, workspace.data), (got / "runs", workspace.runs)):
            target.mkdir(parents=True, exist_ok=True)
            for one in sorted(folder.glob("*")):
                if one.name not in ("state", "runs") and not (target / one.name).exists():
                    one.rename(target / one.name)
    latest = f"{root}/runs/{_LATEST}"
    if files.exists(latest) and (name := files.cat_file(latest).decode()) in nights:
        Run(workspace.runs / name).promote()


def _get_folder(files: Any, root: str, target: Path) -> None:
    """Copy all files below a path."""
    target.mkdir(parents=True, exist_ok=True)
    for path in files.find(root):
        place = target / str(path)[len(root) :].lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        files.get_file(path, str(place))
