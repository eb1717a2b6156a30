"""An earlier night becomes the latest again: its model answers, and the next night goes on from what it left.

The carried state of a night and the model that promotion compares with follow from which night is the latest, so that
the link is all that has to move. Nights that were promoted after it stay as they are, are marked in their record, and
are no longer asked when a later night is held against the best one.
"""

from __future__ import annotations

from dataclasses import dataclass

from tilth import stage as stages
from tilth import store
from tilth.errors import RequestError
from tilth.store import Run, Workspace


@dataclass(frozen=True, kw_only=True)
class RolledBack:
    """What a rollback did.

    Attributes:
        latest: the night that is the latest now.
        before: the night that was.
        marked: the promoted nights between the two, which count no longer.
    """

    latest: Run
    before: Run
    marked: tuple[str, ...]


def roll_back(workspace: Workspace, name: str | None = None, *, dry_run: bool = False) -> RolledBack:
    """Make an earlier promoted night the latest again; call it under the workspace's lock.

    Args:
        workspace: whose nights.
        name: the night's id; a later one that was rolled back comes back by its name. None: the promoted night before
            the latest.
        dry_run: change nothing.

    Raises:
        RequestError: no such night, or one that cannot be the latest: it failed, ran only some stages, was never
            promoted, or holds its tables no more.
    """
    current = store.latest(workspace.runs)
    if current is None:
        raise RequestError(f"no run in {workspace.runs} is promoted, so that there is nothing to go back from")
    nights = [run for run, record in store.records(workspace.runs) if _was_promoted(record)]
    target = _before(nights, current) if name is None else store.find(workspace.runs, name)
    _require_usable(target, current)
    passed = tuple(run.path.name for run in nights if run.path.name > target.path.name)
    if not dry_run:
        for run in nights:
            _mark(run, target, current)
        target.promote()
    return RolledBack(latest=target, before=current, marked=passed)


def _was_promoted(record: dict[str, object]) -> bool:
    return bool(record.get("promoted") or record.get("rolled_back"))


def _before(nights: list[Run], current: Run) -> Run:
    """The newest promoted night before the latest that still holds its tables."""
    earlier = [run for run in nights if run.path.name < current.path.name and not run.record.get("rolled_back")]
    for run in reversed(earlier):
        if any(run.path.glob("[0-9]-*.parquet")):
            return run
    cleaned = f"; tilth clean removed the tables of all {len(earlier)} earlier ones" if earlier else ""
    raise RequestError(f"run {current.path.name} is the only promoted night that has its tables{cleaned}")


def _require_usable(target: Run, current: Run) -> None:
    record, name = target.record, target.path.name
    if target.path.resolve() == current.path.resolve():
        raise RequestError(f"run {name} is the latest already")
    if record["status"] != "completed":
        raise RequestError(f"run {name} is {record['status']}, not completed; name another: tilth runs")
    if set(record.get("asked", ())) != set(stages.NAMES):
        raise RequestError(
            f"run {name} ran only some stages ({', '.join(record.get('asked', ()))}); name a whole night"
        )
    if not _was_promoted(record):
        raise RequestError(f"run {name} was never promoted ({record.get('promotion')}); name one that was: tilth runs")
    store.newest_table(target.path)  # raises where tilth clean removed them


def _mark(run: Run, target: Run, current: Run) -> None:
    """Write into a promoted night's record whether it counts, from now on."""
    beyond = run.path.name > target.path.name
    if beyond and run.record.get("promoted"):
        back = {"at": store.now(), "to": target.path.name, "from": current.path.name}
        run.update(promoted=False, rolled_back=back)
    elif not beyond and run.record.get("rolled_back"):
        run.update(promoted=True, rolled_back=None)
