"""Config of weak supervision."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tilth.config import StageConfig
from tilth.weak_supervision.voting import VotingConfig


class Config(VotingConfig, StageConfig):
    """How the votes of labeling functions become labels."""

    label_model: Literal["auto", "joint", "snorkel", "majority"] = Field(
        default="auto", description="what turns votes into labels; auto: the one that does best on held-out labels"
    )
    min_confidence: float = Field(default=0.8, ge=0.0, le=1.0, description="below it a row gets no weak label")
    propagate: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="without functions for a task: the text model labels the rows that nobody labeled, each at the "
        "weight of its confidence; auto: unless held-out labels, where there are any, say that this does harm",
    )
    disputes: Literal["review", "keep"] = Field(
        default="review", description="what becomes of a given label that the votes and the texts together contradict"
    )
    dispute_above: float = Field(
        default=0.95,
        ge=0.5,
        le=1.0,
        description="how sure of another label they must be for that",
    )
    min_accuracy: float = Field(
        default=0.5, ge=0.0, le=1.0, description="a function surely less accurate than this on labeled rows is left out"
    )
    min_measured: int = Field(default=5, ge=1, description="votes on labeled rows before an accuracy counts")
    max_drift: float = Field(
        default=3.0,
        gt=1.0,
        description="a function whose coverage changes by a larger factor between nights, unedited, is left out",
    )
    epochs: int = Field(default=300, ge=1, le=10_000, description="steps of Snorkel's label model")
