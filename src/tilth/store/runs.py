"""A night on disk: its folder, its record, and which night is the latest."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tilth.errors import DamagedFileError, RequestError, did_you_mean
from tilth.store.files import read_json, unfinished_prefix, write_json

log = logging.getLogger(__name__)

RECORD = "run.json"
_STAMP = "%Y%m%d-%H%M%S"
MODEL_CARD = "README.md"
"""What a model's folder says of it to people; two nights' equal models differ in it alone."""
CANDIDATES = "candidates.parquet"
"""Every readable paraphrase that a night drew, accepted or not, for training to learn from."""
HELD_OUT = "held_out.parquet"
"""A night's answers to its held-out rows: ids and labels, no text."""
LEFT_OUT = "left-out-{stage}.parquet"
"""The table of a stage that a night went on without: people are asked about its doubts all the same."""


def now(timespec: str = "seconds") -> str:
    """The time in UTC, ISO 8601, to the second; answers and changes of classes have it in "milliseconds"."""
    return datetime.now(UTC).isoformat(timespec=timespec)


def stage_entry(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """What a night's record says of a stage; empty where it did not run, or the record is not as tilth writes it."""
    stages = record.get("stages")
    entries = (entry for entry in (stages if isinstance(stages, list) else ()) if isinstance(entry, Mapping))
    return next((entry for entry in entries if entry.get("name") == name), {})


def stage_metrics(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The metrics of a stage in a night's record; empty where there are none."""
    metrics = stage_entry(record, name).get("metrics")
    return metrics if isinstance(metrics, Mapping) else {}


class Run:
    """One folder `data/runs/<run-id>`; `run.json` in it is the record of truth."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        try:
            status = self.record["status"]
        except (OSError, ValueError, KeyError):
            status = "no record"
        return f"<Run {self.path.name}, {status}: {self.path}>"

    @classmethod
    def create(cls, runs: Path, record: dict[str, Any]) -> Run:
        """Make the folder of a new night and write its first record, with status `running`."""
        runs.mkdir(parents=True, exist_ok=True)
        stamp = _next_stamp(runs)
        for attempt in range(1000):
            path = runs / (stamp if attempt == 0 else f"{stamp}-{attempt + 1}")
            try:
                path.mkdir()
            except FileExistsError:
                continue
            run = cls(path)
            write_json(path / RECORD, {"run_id": path.name, "status": "running", "started": now(), **record})
            return run
        raise RequestError(f"no free name for a run below {runs}")

    @property
    def record(self) -> dict[str, Any]:
        """What `run.json` says now."""
        record: dict[str, Any] = read_json(self.path / RECORD)
        return record

    def update(self, **fields: Any) -> dict[str, Any]:
        """Set fields of the record; readers see the old record or the new one, never half of it."""
        record = {**self.record, **fields}
        write_json(self.path / RECORD, record)
        return record

    def finish(self, status: str, **fields: Any) -> dict[str, Any]:
        """Close the record as `completed` or `failed`."""
        started = datetime.fromisoformat(self.record["started"])
        seconds = max(round((datetime.now(UTC) - started).total_seconds(), 1), 0.0)  # the clock may be put back
        return self.update(**fields, status=status, finished=now(), seconds=seconds)

    def promote(self) -> None:
        """Make this run `latest`, in one step."""
        link = self.path.parent / "latest"
        unfinished = self.path.parent / f"{unfinished_prefix()}latest"
        unfinished.unlink(missing_ok=True)
        unfinished.symlink_to(self.path.name)
        unfinished.replace(link)


def _next_stamp(runs: Path) -> str:
    """The time, by which nights are in order; one that follows the newest night where the clock was put back since."""
    found = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    for path in runs.glob("????????-??????*"):
        with suppress(ValueError):  # a folder of another kind
            before = datetime.strptime(path.name[:15], _STAMP)
            found = max(found, before + timedelta(seconds=1)) if before > found else found
    return found.strftime(_STAMP)


def all_runs(runs: Path) -> list[Run]:
    """Every run with a record below a folder, oldest first."""
    return [Run(path.parent) for path in sorted(runs.glob(f"*/{RECORD}")) if not path.parent.is_symlink()]


def records(runs: Path) -> list[tuple[Run, dict[str, Any]]]:
    """Every run with what its record says, oldest first; one whose record is damaged is left out, with a warning.

    What a night does over all earlier nights must not fail, every night from then on, for one file of one of them.
    """
    recorded = []
    for run in all_runs(runs):
        try:
            recorded.append((run, run.record))
        except DamagedFileError as error:
            log.warning("%s; run %s is left out", error, run.path.name)
    return recorded


def latest(runs: Path) -> Run | None:
    """The newest complete run that was promoted."""
    link = runs / "latest"
    return Run(link.resolve()) if (link / RECORD).exists() else None


def find(runs: Path, name: str = "latest") -> Run:
    """The run of that id, or `latest`; a path names a run's folder, or the parent of run folders and their latest.

    `NAME~N` is the N-th completed run before the one of that name, so that `latest~1` is the night before the latest.

    Raises:
        RequestError: Naming the runs that there are.
    """
    if (counted := re.fullmatch(r"(.+)~(\d+)", name)) and not (runs / name).exists() and not Path(name).exists():
        return _before(find(runs, counted[1]), int(counted[2]))
    for folder in (runs / name, Path(name), Path(name) / "latest"):
        if (folder / RECORD).exists():
            return Run(folder.resolve())
    known = [run.path.name for run in all_runs(runs)]
    if known and name == "latest":  # a night that skipped a stage is never promoted
        raise RequestError(f"no run in {runs} is promoted; name one, for example {known[-1]}")
    if known:
        raise RequestError(f'no run "{name}" in {runs}; {did_you_mean(name, known)}')
    raise RequestError(
        f"no run in {runs} yet; name the folder of one that stands elsewhere, or start one with: tilth run"
    )


def _before(run: Run, count: int) -> Run:
    """The run that stands so many completed ones before another, beside it."""
    earlier = [
        other
        for other, record in records(run.path.parent)
        if other.path.name < run.path.name and record.get("status") == "completed"
    ]
    if count > len(earlier):
        there = f"only {len(earlier)}" if earlier else "no"
        raise RequestError(
            f"{run.path.name}~{count}: {there} completed {'run stands' if len(earlier) < 2 else 'runs stand'} "
            f"before {run.path.name}"
        )
    return earlier[-count] if count else run


def close_interrupted(runs: Path) -> list[str]:
    """Mark runs that a dead process left `running` as failed; call it under the workspace lock only."""
    closed = []
    for run, record in records(runs):
        if record["status"] == "running":
            run.finish("failed", error="interrupted: its process ended, or was stopped, before the night did")
            closed.append(run.path.name)
    return closed


def newest_table(folder: Path, before: int | None = None) -> Path:
    """The last table that a run wrote, or the last one before the stage of that number."""
    tables = sorted(folder.glob("[0-9]-*.parquet"))
    if before is not None:
        tables = [path for path in tables if int(path.name[0]) < before]
    if not tables:
        cleaned = (folder / RECORD).exists() and read_json(folder / RECORD).get("cleaned")
        why = f"tilth clean removed its tables on {cleaned} ([store] keep_runs)" if cleaned else "it has none"
        raise RequestError(f"{folder} holds no table, expected 0-input.parquet: {why}; name a newer run")
    return tables[-1]
