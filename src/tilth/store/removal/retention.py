"""What stays of earlier nights and of the cache, and what `tilth clean` removes; nothing else ever removes it.

Of the newest `keep_runs` completed nights, of failed ones between them, and of the latest promoted one all stays. Of
older nights, and of those that were killed, the tables and the models go; the record, the report and the models of
promoted nights stay, with the held-out answers that promotion compares. State that nights handed on goes where those
alone name it. While the cache is larger than `max_cache_gb`, first the entries go that were used last before the oldest
kept night began, the one whose use is longest ago first; then the vectors of texts that no kept night has. What is
none of these, `labels.sqlite` for one, is never touched.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tilth.config import StoreConfig
from tilth.errors import DamagedFileError
from tilth.notes import UNREADABLE
from tilth.store import files
from tilth.store.cache import VECTORS, Unit, units
from tilth.store.runs import HELD_OUT, RECORD, Run, close_interrupted, latest, now, records
from tilth.store.tables import read_column
from tilth.store.vectors import Vectors, keys_of
from tilth.store.workspace import Workspace

log = logging.getLogger(__name__)

Recorded = tuple[Run, dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Removed:
    """Things of one kind that were removed, or would be.

    Attributes:
        what: the kind, in words.
        count: how many.
        bytes: of all of them.
    """

    what: str
    count: int
    bytes: int


@dataclass
class Cleaned:
    """What a cleaning removed, or would remove, and what is left.

    Attributes:
        removed: one entry a kind; kinds of which there is nothing have none.
        nights: how many nights keep all that they have.
        cache_bytes: of the cache, afterwards.
        cache_limit: what they should be at most.
    """

    removed: list[Removed] = field(default_factory=list)
    nights: int = 0
    cache_bytes: int = 0
    cache_limit: int = 0

    def add(self, what: str, sizes: Sequence[int]) -> None:
        """Count things of one kind, by the bytes of each."""
        if sizes:
            self.removed.append(Removed(what=what, count=len(sizes), bytes=sum(sizes)))

    def to_json(self) -> dict[str, Any]:
        """As it is written to `run.json` and printed by `--json`."""
        return {
            "removed": [vars(item) for item in self.removed],
            "bytes": sum(item.bytes for item in self.removed),
            "nights_kept": self.nights,
            "cache_bytes": self.cache_bytes,
            "cache_limit": self.cache_limit,
        }


def cleaning_in_words(cleaned: Mapping[str, Any], *, dry_run: bool = False) -> list[str]:
    """What `Cleaned.to_json` gives, in words."""
    verb = "would remove" if dry_run else "removed"
    lines = [f"{verb} {item['what']}: {item['count']:,} ({readable(item['bytes'])})" for item in cleaned["removed"]]
    kept = (
        f"{cleaned['nights_kept']} nights keep all that they have; the cache holds {readable(cleaned['cache_bytes'])}"
    )
    if cleaned["cache_bytes"] > cleaned["cache_limit"]:
        limit = readable(cleaned["cache_limit"])
        kept += (
            f", more than its limit of {limit}: those nights use it (lower [store] keep_runs, or raise max_cache_gb)"
        )
    return [*(lines or [f"nothing {'to remove' if dry_run else 'was to be removed'}"]), kept]


def readable(count: float) -> str:
    """Bytes as a person reads them.

    >>> readable(999), readable(1_234_567), readable(5e9)
    ('999 B', '1.2 MB', '5.0 GB')
    """
    if count < 1000:
        return f"{count:.0f} B"
    for unit in ("kB", "MB"):
        count /= 1000
        if count < 1000:
            return f"{count:.1f} {unit}"
    return f"{count / 1000:.1f} GB"


def clean_workspace(workspace: Workspace, config: StoreConfig, *, dry_run: bool = False) -> Cleaned:
    """Remove what the policy says; call it under the workspace's lock only, so that no night is at work.

    Args:
        workspace: whose runs, state and cache.
        config: `[store]`.
        dry_run: find and count all, and remove nothing.
    """
    cleaned = Cleaned(cache_limit=round(config.max_cache_gb * 1e9))
    killed = _interrupted(workspace, cleaned, dry_run=dry_run)
    kept, beyond = _divide(workspace, config.keep_runs, killed)
    cleaned.nights = len(kept)
    targets = [(run, record, _targets(run, record)) for run, record in beyond]
    paths = [path for _, _, inside in targets for path in inside]
    cleaned.add("tables of nights", [files.size(path) for path in paths if path.is_file()])
    cleaned.add("models of nights", [files.size(path) for path in paths if path.is_dir()])
    state = _state(workspace, kept, beyond)
    cleaned.add("state that only those nights name", [files.size(path) for path in state])
    if not dry_run:
        for run, _, inside in targets:
            if inside:  # the record first, so that it never says less than what happened
                run.update(cleaned=now())
        for path in (*paths, *state):
            files.discard(path)
    _shrink(workspace, kept, cleaned, dry_run=dry_run)
    return cleaned


def _interrupted(workspace: Workspace, cleaned: Cleaned, *, dry_run: bool) -> Set[str]:
    """Unfinished files, and nights whose process ended without a word; returns the names of those."""
    left = {path for folder in (workspace.data, workspace.runs) for path in files.leftovers(folder)}
    cleaned.add("unfinished files", [files.size(path) for path in sorted(left)])
    # Under the lock no night is at work.
    killed = {run.path.name for run, record in records(workspace.runs) if record["status"] == "running"}
    cleaned.add("nights that were killed, closed as failed", [0] * len(killed))
    if not dry_run:
        for folder in (workspace.data, workspace.runs):
            files.clear_leftovers(folder)
        close_interrupted(workspace.runs)
    return killed


def _divide(workspace: Workspace, keep: int, killed: Set[str]) -> tuple[list[Recorded], list[Recorded]]:
    """The nights that keep all that they have, and the others."""
    nights, current = records(workspace.runs), latest(workspace.runs)
    completed = [run.path.name for run, record in nights if record["status"] == "completed"]
    oldest = completed[-keep:][0] if completed else ""
    kept: list[Recorded] = []
    beyond: list[Recorded] = []
    for run, record in nights:
        name = run.path.name
        stays = (name >= oldest and name not in killed) or (current is not None and name == current.path.name)
        (kept if stays else beyond).append((run, record))
    return kept, beyond


def _targets(run: Run, record: dict[str, Any]) -> list[Path]:
    """The tables and the model of a night, as far as they are there; what tilth did not write is not among them."""
    named = {name for entry in record.get("stages", ()) for name in entry.get("artifacts", ())} | {"model"}
    tables = {UNREADABLE, *(path.name for path in run.path.glob("[0-9]-*.parquet"))}
    if record.get("promoted"):
        named -= {"model", HELD_OUT}
    return [run.path / name for name in sorted(named | tables) if name != RECORD and (run.path / name).exists()]


def _state(workspace: Workspace, kept: list[Recorded], beyond: list[Recorded]) -> list[Path]:
    """Folders of the carried state that nights name of which the tables go, and none of which they stay."""
    gone, needed = (
        {digest for _, record in nights for part in record.get("carried", {}).values() for digest in part.values()}
        for nights in (beyond, kept)
    )
    return [workspace.state / name for name in sorted(gone - needed) if (workspace.state / name).is_dir()]


def _shrink(workspace: Workspace, kept: list[Recorded], cleaned: Cleaned, *, dry_run: bool) -> None:
    """Bring the cache down to its limit, as far as no kept night uses what is in it."""
    entries = sorted(units(workspace.cache), key=lambda unit: unit.used)
    total, limit = sum(unit.bytes for unit in entries), cleaned.cache_limit
    since = min((datetime.fromisoformat(record["started"]).timestamp() for _, record in kept), default=float("inf"))
    old: list[Unit] = []
    for unit in entries:
        if total > limit and unit.used < since:
            old.append(unit)
            total -= unit.bytes
    cleaned.add("cache entries that no kept night used", [unit.bytes for unit in old])
    if not dry_run:
        for unit in old:
            files.discard(unit.path)
    folders = [unit.path for unit in entries if unit.kind in VECTORS and unit not in old]
    if total > limit and folders:
        total -= _prune(kept, folders, total - limit, cleaned, dry_run=dry_run)
    cleaned.cache_bytes = total


def _prune(kept: list[Recorded], folders: list[Path], excess: float, cleaned: Cleaned, *, dry_run: bool) -> int:
    """Forget vectors of texts that no kept night has, folder by folder, until the excess is gone; returns the bytes."""
    needed = keys_of(_texts(run for run, _ in kept))
    less, count = 0, 0
    for folder in folders:
        if less >= excess:
            break
        vectors = Vectors(folder)
        unneeded = vectors.unneeded(needed)
        if unneeded == 0:
            continue
        count += unneeded
        less += files.size(folder) * unneeded // len(vectors) if dry_run else vectors.prune(needed)
    if count:
        cleaned.removed.append(Removed(what="vectors of texts that no kept night has", count=count, bytes=less))
    return less


def _texts(runs: Iterable[Run]) -> Iterator[list[str]]:
    """The texts, and digests of pictures, of nights as they began and as they ended, some at a time."""
    for run in runs:
        tables = sorted(run.path.glob("[0-9]-*.parquet"))
        try:
            for path in {*tables[:1], *tables[-1:]}:
                yield from read_column(path, "text")
                yield from read_column(path, "picture_digest")  # by which vectors of pictures are kept
        except DamagedFileError as error:
            log.warning("%s; its texts count as those of no night", error)
