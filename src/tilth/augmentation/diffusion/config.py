"""What may be set of the denoiser and its adaptation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tilth.config import FOLDER, Model
from tilth.devices import DEVICE, resolve_device


class AdaptConfig(Model):
    """How the denoiser learns the workspace's own language each night."""

    steps: int = Field(default=150, ge=0, le=1_000_000, description="batches of 32 examples; 0 = as it came")
    renew: float = Field(
        default=0.05, ge=0, le=1, description="share of new texts from which last night's denoiser learns again"
    )
    peak: float = Field(default=6e-4, gt=0, le=1e-2, description="largest learning rate")
    pairs: float = Field(default=0.7, ge=0, le=1, description="share of neighbor pairs; the rest is denoised alone")
    neighbors: int = Field(default=8, ge=1, le=64, description="nearest rows that may be a pair")
    low: float = Field(default=0.65, ge=-1, le=1, description="smallest cosine of a pair")
    high: float = Field(default=0.97, ge=-1, le=1, description="largest cosine of a pair")
    critic_steps: int = Field(
        default=30,
        ge=0,
        le=100_000,
        description="batches of 24 pairs by which the acceptability model learns how the workspace's texts go wrong "
        "when they are recombined, of fewer than 600 texts in proportion; 0 = as it came",
    )
    heldout: float = Field(default=0.05, gt=0, lt=0.5, description="share of texts that only measure")


class DiffusionConfig(Model):
    """The denoiser, its adaptation and how it draws."""

    denoiser: str = Field(
        default="pretrained", description='"pretrained", or a folder by save_pretrained', json_schema_extra=FOLDER
    )
    device: str = Field(
        default="auto",
        pattern=DEVICE,
        description='where the denoiser and the acceptability model learn and run: "auto" = on a CUDA device if there '
        'is one, "cuda:1", "mps" or "cpu"',
    )
    noise: tuple[float, ...] = Field(
        default=(0.7, 0.85, 1.0), min_length=1, description="shares of free words noised, by turns"
    )
    inference_steps: int = Field(default=5, ge=1, le=256, description="denoising steps")
    temperature: float = Field(default=0.6, ge=0, le=5, description="of the draw of a token; 0 = the likeliest")
    top_k: int = Field(default=20, ge=1, description="likeliest tokens among which a token is drawn")
    scheduler: Literal["confidence", "absorbing", "block_refinement", "amused"] = Field(
        default="confidence", description="which masked tokens a step commits"
    )
    max_heldout_loss: float = Field(
        default=4.0, gt=0, description="nats a masked token, held out; above it no paraphrase is accepted"
    )
    adapt: AdaptConfig = AdaptConfig()

    def resolve_device(self) -> str:
        """The device by PyTorch's name.

        Raises:
            ConfigError: PyTorch finds no such device.
        """
        return resolve_device(self.device, "augmentation.device", 'it to "auto"')
