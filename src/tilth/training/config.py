"""What may be set in `[training]`."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from tilth.config import StageConfig
from tilth.training.trainer import TrainerConfig


class Config(TrainerConfig, StageConfig):
    """How the night's model is trained and exported."""

    trunk: Literal["auto", "frozen", "tuned"] = Field(
        default="auto", description="auto keeps the fine-tuned encoder only where it wins on held-out train rows"
    )
    wording: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="heads on n-grams beside those on vectors; auto pools the two where held-out train rows gain",
    )
    reject_share: float = Field(
        default=0.02,
        ge=0,
        lt=1,
        description="share of held-out train rows that `predict` may call out of scope; 0 rejects nothing",
    )
    reject_below: float | None = Field(
        default=None, ge=0, le=1, description="the out-of-scope score itself below which `predict` gives no label"
    )
    max_tune_rows: int = Field(
        default=4000, ge=0, description="with auto, more labels than this stay frozen; propagated ones do not count"
    )
    agreement: float = Field(
        default=0.97, ge=0, le=1, description="share of train rows on which int8 must answer as float does"
    )
    quantize: bool = Field(default=True, description="export with int8 weights")

    def of_texts(self, count: int) -> Config:
        """The same for a table of so many texts, of which few are not to cost as much as many."""
        return self.model_copy(update={"steps": min(self.steps, math.ceil(self.passes * count / self.batch_size))})
