"""What may be set of the recombination of texts."""

from __future__ import annotations

from pydantic import Field

from tilth.config import Model


class RecombinationConfig(Model):
    """The recombination of texts."""

    recombined: int = Field(
        default=80, ge=0, le=200, description="paraphrases tried for each that recombine it with other texts; 0 = none"
    )
    nearby: int = Field(
        default=8, ge=0, le=60, description="rows near each that are recombined as well, for paraphrases of it"
    )
