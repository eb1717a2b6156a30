"""What may be set of a large diffusion language model."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tilth.config import FOLDER, Model
from tilth.devices import NAMED


class LargeConfig(Model):
    """A large diffusion language model on an accelerator, where `backend` names one."""

    model: str | None = Field(
        default=None,
        description="a Hub name or a folder; default: the checkpoint that the backend was published with",
        json_schema_extra=FOLDER,
    )
    revision: str | None = Field(default=None, description="commit, tag or branch of a Hub name; default: its main")
    device: str = Field(default="cuda", pattern=NAMED, description='"cuda", "cuda:1", "mps" or "cpu"')
    dtype: Literal["bfloat16", "float16", "float32"] = Field(default="bfloat16", description="of the weights")
    trust_remote_code: bool = Field(
        default=False,
        description="run the Python code of the model's own repository, which llada2 needs; read it first",
    )
    inference_steps: int = Field(
        default=32, ge=1, le=256, description="denoising steps a block (llada2: 32 tokens; diffusion_gemma: 256)"
    )
    batch_size: int = Field(default=8, ge=1, le=64, description="paraphrases of one text that are made together")
