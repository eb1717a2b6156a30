"""When nights are due, by which clock, and what becomes of those that a schedule has left behind."""

from __future__ import annotations

import os
import time
import zoneinfo
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import tzlocal
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.exceptions import ObjectNotFound
from prefect.schedules import Cron, Schedule
from prefect.states import Crashed

from tilth.cli import terminal
from tilth.errors import RequestError, did_you_mean
from tilth.store import digest

_PAGE = 200  # runs that the API lists at once


def wanted(cron: str, timezone: str | None) -> Schedule:
    """The schedule of a request, by local time where it names no time zone.

    Raises:
        RequestError: There is no such schedule, or no such time zone.
    """
    zones = zoneinfo.available_timezones()
    if timezone is not None and timezone not in zones:
        raise RequestError(f'--timezone "{timezone}" is unknown; {did_you_mean(timezone, zones)}')
    try:
        return Cron(cron, timezone=timezone or _local())
    except ValueError:
        raise RequestError(
            f'--cron "{cron}" is no schedule; expected minute hour day month weekday, '
            'for example "0 2 * * *" for each night at two'
        ) from None


def _local() -> str:
    """This machine's time zone by the name that a schedule needs, which also knows its summer time."""
    name = str(tzlocal.get_localzone_name() or "UTC")
    for days in (0, 182):  # tzlocal takes UTC for what it does not know, so that its word is checked
        there = datetime.fromtimestamp(time.time() + days * 86400).astimezone()
        if there.astimezone(zoneinfo.ZoneInfo(name)).utcoffset() != there.utcoffset():
            raise RequestError(
                f'this machine\'s time zone (TZ="{os.environ.get("TZ", "")}", {time.strftime("%z")}) has no name that '
                "a schedule knows; name one, for example --timezone America/New_York"
            )
    return name


def deployment(config: Path, *, own: bool) -> str:
    """The name of a workspace's deployment, which on a server that others use has to be its own."""
    return "tilth" if own else f"tilth-{digest(str(config))[:8]}"


def stands(name: str, times: Schedule) -> bool:
    """Whether the server has this very schedule of a deployment already."""
    with get_client(sync_client=True) as client:
        try:
            schedules = [entry.schedule for entry in client.read_deployment_by_name(f"nightly/{name}").schedules]
        except ObjectNotFound:
            return False
    return [(getattr(one, "cron", None), one.timezone) for one in schedules] == [(times.cron, times.timezone)]


def settle(deployment: UUID, *, make_up: bool) -> None:
    """Put right what stands there from before: of the nights that were missed at most one is made up for.

    Prefect keeps whatever was due while no one served, by an old schedule too, and starts all of it at once.

    Args:
        deployment: With its new schedule.
        make_up: Whether the last night that was missed is made up for.
    """
    mark(deployment, Crashed(message="tilth serve ended before this night did"))
    missed = _missed(deployment)
    if make_up and missed:
        last, count = missed.pop(), len(missed)
        when = _due(last).astimezone().strftime("%Y-%m-%d %H:%M")
        terminal.say(f"missed: the night of {when}{f' and {count} before it' if count else ''}; one starts now")
    _delete(missed)


def drop_missed(deployment: UUID) -> int:
    """Of the nights that are due beside the one that runs: it makes up for them all, and so many are taken off.

    They became due while the machine slept, or while another night was at work.
    """
    _delete(missed := _missed(deployment))
    return len(missed)


def _missed(deployment: UUID) -> list[FlowRun]:
    runs = _runs(deployment, [StateType.SCHEDULED])
    return sorted((run for run in runs if run.auto_scheduled and _due(run) < _now()), key=_due)


def _delete(runs: Sequence[FlowRun]) -> None:
    with get_client(sync_client=True) as client:
        for run in runs:
            client.delete_flow_run(run.id)


def mark(deployment: UUID, state: State) -> None:
    """Give the nights that are at work, but have no process any more, their last state."""
    with get_client(sync_client=True) as client:
        for run in _runs(deployment, [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]):
            client.set_flow_run_state(run.id, state, force=True)


def _runs(deployment: UUID, types: Sequence[StateType]) -> list[FlowRun]:
    """A deployment's runs whose state is of these types."""
    runs: list[FlowRun] = []
    of_types = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(types))))
    of_ours = DeploymentFilter(id=DeploymentFilterId(any_=[deployment]))
    with get_client(sync_client=True) as client:
        while len(runs) % _PAGE == 0:
            page = client.read_flow_runs(
                flow_run_filter=of_types, deployment_filter=of_ours, limit=_PAGE, offset=len(runs)
            )
            if not page:
                break
            runs += page
    return runs


def _due(run: FlowRun) -> datetime:
    return run.expected_start_time or datetime.max.replace(tzinfo=UTC)


def _now() -> datetime:
    return datetime.now(UTC)
