"""What may be set of fine-tuning."""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from tilth.config import Model
from tilth.devices import DEVICE
from tilth.errors import ConfigError
from tilth.training.heads import check_head
from tilth.training.trainer.precision import Precision, Switch

_AT_ONCE = 512
"""Tokens that most encoders have positions for."""
_BY_WINDOWS = {"head": ("linear",), "processes": (1,), "compile": ("auto", "never")}
"""What may be set where long texts are read by windows, each alone: shards gather their layers once a batch, and a
compiler knows no widths that the text sets."""


class TrainerConfig(Model):
    """How the encoder is fine-tuned."""

    steps: int = Field(
        default=150,
        ge=1,
        description='batches that the encoder is trained for; by mode = "auto" a budget in batches of all layers',
    )
    passes: float = Field(
        default=12,
        gt=0,
        description="passes over as many texts as the table has, after which training ends even if steps are left",
    )
    batch_size: int = Field(default=32, ge=1, le=1024, description="rows in one batch of training the encoder")
    accumulate: int = Field(
        default=1, ge=1, le=1024, description="batches whose gradients are added up before the weights change once"
    )
    device: str = Field(default="auto", pattern=DEVICE, description="where the encoder is trained, by PyTorch's name")
    processes: int = Field(
        default=1,
        ge=1,
        le=1024,
        description="processes that train together, on CUDA one a device; the weights are shared out over them (FSDP2)",
    )
    tensor_parallel: int = Field(
        default=1, ge=1, le=64, description="how many of these processes share the matrix products of each layer"
    )
    precision: Precision = Field(
        default="auto",
        description="number format of the products; auto is bfloat16 where the device has it; float16 scales the loss",
    )
    head: Annotated[str, AfterValidator(check_head)] = Field(
        default="linear",
        description="what reads the trained encoder's tokens: `linear` or, experimental, `liquid` (the extra `liquid`)",
    )
    tf32: Switch = Field(
        default="auto", description="compute float32 products in TF32, on NVIDIA GPUs from Ampere on; auto is on there"
    )
    int8_products: Switch = Field(
        default="auto",
        description="experimental: compute products in 8-bit integers by torchao (extra `int8`); auto is off",
    )
    compile: Switch = Field(
        default="auto", description="compile the trained layers: it costs a minute at first; auto is off"
    )
    cudnn_benchmark: Switch = Field(
        default="auto",
        description="let cuDNN measure its convolutions, of encoders that have any; auto is on with CUDA",
    )
    gradient_checkpointing: bool = Field(
        default=False, description="compute layers again in place of keeping them: less memory, more time"
    )
    learning_rate: float = Field(
        default=5e-5,
        gt=0,
        le=1e-2,
        description="largest learning rate of the encoder; auto takes twice of it for few labels, four times for many",
    )
    warmup: float = Field(default=0.1, ge=0, lt=1, description="share of the steps in which the rate rises")
    max_tokens: int = Field(
        default=128,
        ge=8,
        le=16_384,
        description='tokens of a text that fine-tuning reads; more than 512 with encoder.attention = "dynamic" alone',
    )
    evaluations: int = Field(
        default=6,
        ge=1,
        description="times that the model is measured on held-out train rows during training; the best weights stay",
    )
    patience: int = Field(
        default=6,
        ge=1,
        description="measurements in a row without a better one after which training ends early; with as many as there "
        "are it never does, for the learning rate falls to the last step, and with many labels that is the best one",
    )

    def check_long_texts(self, *, windows: bool) -> None:
        """Whether the encoder is trained so, by how it reads long texts.

        Args:
            windows: whether it reads them in one pass, and not in chunks.

        Raises:
            ConfigError: a setting is not for trunks that read so.
        """
        if not windows and self.max_tokens > _AT_ONCE:
            raise ConfigError(
                f"training.max_tokens = {self.max_tokens}, and the encoder reads chunks; set {_AT_ONCE} or less, or "
                'encoder.attention = "dynamic", by which longer texts are read in one pass'
            )
        if not windows:
            return
        for name, needed in _BY_WINDOWS.items():
            if (given := getattr(self, name)) not in needed:
                raise ConfigError(
                    f"training.{name} = {json.dumps(given)}, which does not train an encoder that reads long texts by "
                    f'windows; set training.{name} = {json.dumps(needed[0])}, or encoder.attention = "full"'
                )

    @model_validator(mode="after")
    def _whole_shards(self) -> TrainerConfig:
        if self.processes % self.tensor_parallel:
            raise ValueError(
                f"tensor_parallel = {self.tensor_parallel} does not divide processes = {self.processes}; "
                f"set processes to a multiple of it"
            )
        return self
