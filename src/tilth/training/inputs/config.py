"""What may be set in `[training]`."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import Field, model_validator

from tilth.config import StageConfig
from tilth.training.compression import ContractConfig
from tilth.training.trainer import TrainerConfig

_MODES = {"frozen": "probe", "tuned": "full"}
"""What `trunk` named in older releases."""


class Config(TrainerConfig, StageConfig):
    """How the night's model is trained and exported."""

    mode: Literal["auto", "probe", "top", "full", "contrastive"] = Field(
        default="auto",
        description="what of the encoder is trained: nothing, its top layers, all of it, or the top layers on pairs of "
        "rows; auto goes by labels, hardware and steps, and keeps it only where it wins on held-out train rows",
    )
    trunk: Literal["auto", "frozen", "tuned"] | None = Field(
        default=None, description='of an older release: frozen is read as mode = "probe", tuned as mode = "full"'
    )
    top_layers: int = Field(default=3, ge=1, description="layers that the modes top and contrastive train")
    wording: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="heads on n-grams beside those on vectors; auto pools both where held-out labels are likelier so",
    )
    balance: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="answer rare classes more often; auto does so where macro-F1 gains on out-of-fold train rows",
    )
    pictures: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="heads on pictures beside those on texts; auto pools the two where train rows are likelier by it",
    )
    picture_mode: Literal["auto", "probe", "top"] = Field(
        default="auto",
        description="what of the model of pictures is trained: nothing, or its top layers; auto tries these unless "
        'mode = "probe", and keeps them where they win on held-out train rows',
    )
    picture_layers: int = Field(default=5, ge=1, description="layers of the model of pictures that are trained")
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
        default=4000,
        ge=0,
        description="with more labels auto trains the top layers alone; labels that the text alone gave do not count",
    )
    agreement: float = Field(
        default=0.97, ge=0, le=1, description="share of train rows on which int8 must answer as float does"
    )
    quantize: bool = Field(default=True, description="export with int8 weights, where the full model is exported")
    quantization_aware: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="train the model of pictures for its int8; auto does so where rounding alone loses too much",
    )
    edge: bool = Field(
        default=False,
        description="write the model once more as edge/: static int8 of one fixed shape, as edge accelerators take it",
    )
    contract: ContractConfig = ContractConfig()

    @model_validator(mode="before")
    @classmethod
    def _reads_trunk(cls, values: Any) -> Any:
        """Take the mode of an older release's `trunk`, where no mode is given."""
        if isinstance(values, dict) and "mode" not in values and (mode := _MODES.get(str(values.get("trunk")))):
            return {**values, "mode": mode}
        return values

    @model_validator(mode="after")
    def _trains_all_layers(self) -> Config:
        if self.head != "linear" and self.mode not in ("auto", "full"):
            raise ValueError(
                f'head = "{self.head}" trains all layers, and mode = "{self.mode}"; set mode = "full" or "auto"'
            )
        return self

    def of_texts(self, count: int) -> Config:
        """The same for a table of so many texts, of which few are not to cost as much as many."""
        return self.model_copy(update={"steps": min(self.steps, math.ceil(self.passes * count / self.batch_size))})
