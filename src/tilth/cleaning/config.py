"""What may be set in `[cleaning]`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tilth.config import Model


class Config(Model):
    """Configuration of the checks and of the policy for label issues."""

    policy: Literal["correct", "set_aside", "review", "keep"] = Field(
        default="set_aside", description="what happens to a label that is judged wrong"
    )
    correct_above: float = Field(
        default=0.95, ge=0, le=1, description="with policy = correct: a suggestion that is surer than this replaces it"
    )
    max_given_probability: float = Field(
        default=0.1, ge=0, le=1, description="a label is judged wrong only where models give it less than this"
    )
    near_duplicate: float = Field(default=0.96, ge=0, le=1, description="cosine from which two texts may be the same")
    max_characters: int = Field(default=20_000, ge=100, description="longer texts are set aside")
    outlier: float = Field(default=0.01, ge=0, le=1, description="a score below it sends a text to review")
