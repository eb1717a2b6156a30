"""Whether a night will be done by `[schedule] deadline`, and what it leaves out where it will not.

What each stage will take is the median of the last nights that computed it, in proportion to their rows. A night that
would be late leaves out stages before it starts, those first that bought least for their time on train rows (the
ledger of the last night; gold decides nothing). Training always runs, so that there is a model in the morning, and so
does active learning, whose queue people wait for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from tilth import store
from tilth.config import ScheduleConfig
from tilth.night.opening.request import Request

NIGHTS = 5
OPTIONAL = ("cleaning", "weak_supervision", "augmentation")


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """By when a night has to be done, and how it is to be.

    Attributes:
        at: when.
        expected: when it will be done, without what is left out; None where no earlier night tells.
        seconds: by stage, and `rest`, what each is expected to take.
        left_out: the stages that do not run for it.
    """

    at: datetime
    expected: datetime | None
    seconds: Mapping[str, float]
    left_out: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As it stands in `run.json`."""
        return {
            "at": self.at.isoformat(timespec="seconds"),
            "expected": self.expected.isoformat(timespec="seconds") if self.expected else None,
            "seconds": dict(self.seconds),
            "left_out": list(self.left_out),
        }


def deadline_sentence(deadline: Mapping[str, Any]) -> str:
    """What a person should know of a record's `deadline` before the night; empty where it will be in time."""
    out, at = deadline["left_out"], datetime.fromisoformat(deadline["at"])
    if deadline["expected"] is None:
        return ""
    expected = datetime.fromisoformat(deadline["expected"])
    if not out and expected <= at:
        return ""
    leaves = f"leaves out {', '.join(out)}, and " if out else ""
    late = ", too late all the same" if expected > at else ""
    return (
        f"for the deadline at {at:%H:%M} the night {leaves}is expected to end at {expected:%H:%M}{late} (by the last "
        "nights' seconds)"
    )


def forecast(request: Request, rows: int) -> dict[str, float]:
    """Seconds that each stage of a night, and the rest of it, will take; empty where no earlier night tells.

    Args:
        request: the night.
        rows: of its input.
    """
    taken: dict[str, list[float]] = {}
    for _, record in reversed(store.records(request.workspace.runs)):
        if record["status"] != "completed":
            continue
        rest = record["seconds"]
        for entry in record["stages"]:
            rest -= entry["seconds"]
            if not entry["cached"] and not entry["skipped"] and entry["rows_in"]:
                taken.setdefault(entry["name"], []).append(entry["seconds"] * rows / entry["rows_in"])
        taken.setdefault("rest", []).append(max(rest, 0.0))
    return {name: round(median(seconds[:NIGHTS]), 1) for name, seconds in taken.items()}


def meet(request: Request, rows: int, now: datetime) -> tuple[Request, Deadline | None]:
    """The night as it has to be for its deadline.

    Args:
        request: the night that was asked for.
        rows: of its input.
        now: when it starts, with its time zone.

    Returns:
        The same night with `when = "never"` for the stages that it leaves out; None where there is no deadline.
    """
    schedule = request.settings.schedule
    if schedule.deadline is None:
        return request, None
    at = next_deadline(schedule, now)
    seconds = forecast(request, rows)
    runs = {name: took for name, took in seconds.items() if name == "rest" or _runs(request, name)}
    if not runs:
        return request, Deadline(at=at, expected=None, seconds={})
    room, out = (at - now).total_seconds(), []
    for name in _least_bought_first(request, runs):
        if sum(runs.values()) <= room:
            break
        out.append(name)
        del runs[name]
    deadline = Deadline(
        at=at, expected=now + timedelta(seconds=sum(runs.values())), seconds=seconds, left_out=tuple(out)
    )
    overrides = {**request.overrides, **{f"{name}.when": "never" for name in out}}
    return replace(request, overrides=overrides) if out else request, deadline


def next_deadline(schedule: ScheduleConfig, now: datetime) -> datetime:
    """The first time after `now` at which the clock of `[schedule] timezone` shows the deadline."""
    hour, minute = map(int, (schedule.deadline or "00:00").split(":"))
    zone = ZoneInfo(schedule.timezone) if schedule.timezone else None
    here = now.astimezone(zone) if zone else now.astimezone().replace(tzinfo=None)
    at = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
    at = at if at > here else at + timedelta(days=1)  # by the clock on the wall, over a change to summer time too
    return at if zone else at.astimezone()


def _runs(request: Request, name: str) -> bool:
    return name in request.stages and request.settings.stage_when(name) != "never"


def _least_bought_first(request: Request, seconds: Mapping[str, float]) -> list[str]:
    """The stages that may be left out, by what they bought a second (unmeasured: nothing), then the longest first."""
    before = store.latest(request.workspace.runs)
    entries = ((before.record.get("ledger") or {}).get("train") or {}) if before is not None else {}
    optional = [name for name in OPTIONAL if seconds.get(name) and request.settings.stage_when(name) != "always"]

    def worth(name: str) -> tuple[float, float]:
        bought = max(float((entries.get(name) or {}).get("difference") or 0.0), 0.0)
        return bought / seconds[name], -seconds[name]

    return sorted(optional, key=worth)
