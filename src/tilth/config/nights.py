"""The config of nights: when they run, what they take over from earlier ones, and when one becomes the latest."""

from __future__ import annotations

import re
import zoneinfo
from typing import Literal

from pydantic import Field, field_serializer, field_validator

from tilth.config.base import Files, Model
from tilth.errors import did_you_mean


class PromotionConfig(Model):
    """When a night becomes `data/runs/latest`."""

    floor: float | None = Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="a night whose mean macro-F1 over the tasks is lower is not promoted",
    )
    tolerance: float | None = Field(default=None, ge=0.0, description="of an older release: read, and without effect")


class NightConfig(Model):
    """What a night takes over from the nights before it: see docs/nights.md."""

    refit_share: float = Field(
        default=0.05,
        ge=0.0,
        le=1.0,
        description="models of all rows are taken over from earlier nights until this share of their rows has come, "
        "changed or gone; 0 fits them anew as soon as any has",
    )
    full: bool = Field(
        default=False, description="fit every model anew, whatever earlier nights left: tilth run --full"
    )


class ScheduleConfig(Model):
    """When nights run, by when they must be done, and who hears of them: see docs/schedules.md."""

    cron: str | None = Field(
        default=None, description="when `tilth serve` starts a night: minute hour day month weekday"
    )
    timezone: str | None = Field(
        default=None, description="by which clock, for example Europe/Berlin; default: this machine's"
    )
    deadline: str | None = Field(
        default=None,
        description="HH:MM; a night that earlier ones let expect to end later leaves out stages that buy least",
    )
    notify: Files = Field(
        default=(),
        description="addresses of Apprise, for example mailto://…; $NAME in one is read from the environment",
    )
    notify_on: tuple[Literal["failed", "late", "worse", "good"], ...] = Field(
        default=("failed", "late", "worse"), description="the nights that are sent there"
    )

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str | None) -> str | None:
        if name is not None and name not in (zones := zoneinfo.available_timezones()):
            raise ValueError(f"no such time zone; {did_you_mean(name, zones)}")
        return name

    @field_validator("deadline")
    @classmethod
    def _time_of_day(cls, text: str | None) -> str | None:
        if text is not None and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
            raise ValueError('expected a time of day from "00:00" to "23:59", such as "06:00"')
        return text

    @field_serializer("notify")
    def _without_passwords(self, addresses: tuple[str, ...]) -> list[str]:
        """An address often holds a password, and a night's record, which holds the config, is shown around."""
        return [f"{address.partition('://')[0]}://…" for address in addresses]
