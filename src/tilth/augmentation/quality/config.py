"""What may be set of how well a paraphrase must read."""

from __future__ import annotations

from pydantic import Field

from tilth.config import Model


class QualityConfig(Model):
    """How well a paraphrase must read."""

    grammar: float = Field(default=0.25, ge=0, description="largest number of grammar problems added")
    fluency: float = Field(default=0.2, ge=0, description="nats a token by which a paraphrase may read worse")
    readable: float = Field(
        default=0.82,
        ge=0,
        le=1,
        description="smallest probability of reading without a mistake, by all checkers together",
    )
