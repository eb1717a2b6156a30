"""What may be set of the processes in which labeling functions vote."""

from __future__ import annotations

from pydantic import Field

from tilth.config import Model


class VotingConfig(Model):
    """The processes in which labeling functions vote."""

    max_failures: float = Field(
        default=0.1, ge=0.0, le=1.0, description="a function that raises on a larger share of rows is left out"
    )
    isolate: bool = Field(
        default=True, description="run functions in child processes with limits; false where one needs a GPU"
    )
    seconds_per_thousand: float = Field(
        default=10.0, gt=0.0, description="a function that takes longer for 1,000 rows is left out"
    )
    min_seconds: float = Field(default=60.0, gt=0.0, description="but every function has at least this long")
    max_megabytes: int = Field(default=2048, ge=16, description="a function that takes more memory is left out")
    processes: int = Field(default=0, ge=0, le=64, description="functions run at a time; 0: as many as pay")
