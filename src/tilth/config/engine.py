"""The config of what is elsewhere: workers beside the night's own process, and addresses."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from tilth.config.base import Model


def _without_password(address: str) -> str:
    if not re.match(r"[A-Za-z][\w+.-]+://.", address):
        raise ValueError("expected an address that fsspec knows, such as s3://bucket/folder")
    if re.search(r"://[^/@]*:[^/@]*@", address):
        raise ValueError("a night's record shows the address: leave the password to fsspec's own configuration")
    return address.rstrip("/")


Address = Annotated[str, AfterValidator(_without_password)]
"""Of a folder that fsspec writes to."""

_SCHEDULER = re.compile(r"(?:(?:tcp|tls|ws|wss)://)?(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]+):(?P<port>\d{1,5})")


class EngineConfig(Model):
    """Workers that compute what depends on one row or one block of rows alone: see docs/engine.md."""

    runner: Literal["dask"] | None = Field(
        default=None, description="dask: workers by Prefect's DaskTaskRunner, of the extra engine; default: none"
    )
    workers: int | None = Field(
        default=None, ge=1, le=1024, description="processes on this machine, of one core each; default: its cores"
    )
    address: str | None = Field(
        default=None, description="the scheduler of a cluster that runs already, for example tcp://10.0.0.5:8786"
    )

    @field_validator("runner", mode="before")
    @classmethod
    def _no_other_engine(cls, runner: Any) -> Any:
        if runner == "ray":
            raise ValueError('workers are those of Dask, runner = "dask"; docs/engine.md says why')
        return runner

    @field_validator("address")
    @classmethod
    def _address_of_a_scheduler(cls, address: str | None) -> str | None:
        if address is not None and not _SCHEDULER.fullmatch(address):
            raise ValueError("expected tcp://HOST:PORT or tls://HOST:PORT, as `dask scheduler` prints it")
        return address

    @model_validator(mode="after")
    def _one_kind_of_workers(self) -> EngineConfig:
        if self.runner is None and (self.workers is not None or self.address is not None):
            raise ValueError('workers and address are of a runner; add runner = "dask"')
        if self.workers is not None and self.address is not None:
            raise ValueError("a cluster at an address has its own workers; leave out workers or address")
        return self

    @property
    def host_and_port(self) -> tuple[str, int] | None:
        """Where the scheduler listens; None where the workers are our own."""
        found = _SCHEDULER.fullmatch(self.address) if self.address else None
        return (found["host"].strip("[]"), int(found["port"])) if found else None
