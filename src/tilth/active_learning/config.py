"""Config of active learning."""

from __future__ import annotations

from pydantic import Field

from tilth.config import Model


class Config(Model):
    """Which rows a person is asked about next."""

    strategy: str = Field(default="batch", description="a registered strategy: batch, uncertainty, margin or entropy")
    batch: int = Field(default=50, ge=1, description="rows in the queue")
