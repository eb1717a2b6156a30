"""Config of weak supervision."""

from __future__ import annotations

from pydantic import Field

from tilth.config import Model


class Config(Model):
    """How the votes of labeling functions become labels."""

    min_confidence: float = Field(default=0.8, ge=0.0, le=1.0, description="below it a row gets no weak label")
    min_accuracy: float = Field(
        default=0.5, ge=0.0, le=1.0, description="a function less accurate than this on labeled train rows is left out"
    )
    min_measured: int = Field(default=5, ge=1, description="votes on labeled rows before an accuracy counts")
    max_failures: float = Field(
        default=0.1, ge=0.0, le=1.0, description="a function that raises on a larger share of rows is left out"
    )
    epochs: int = Field(default=300, ge=1, le=10_000, description="steps of the label model's fit")
