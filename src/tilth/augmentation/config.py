"""What may be set in `[augmentation]`."""

from __future__ import annotations

import math
import re
from typing import Literal

from pydantic import Field, model_validator

from tilth.config import FOLDER, Model
from tilth.devices import DEVICE, NAMED, placed


class AdaptConfig(Model):
    """How the denoiser learns the workspace's own language each night."""

    steps: int = Field(default=300, ge=0, le=1_000_000, description="batches of 32 examples; 0 = as it came")
    renew: float = Field(
        default=0.05, ge=0, le=1, description="share of new texts from which last night's denoiser learns again"
    )
    peak: float = Field(default=3e-4, gt=0, le=1e-2, description="largest learning rate")
    pairs: float = Field(default=0.7, ge=0, le=1, description="share of neighbor pairs; the rest is denoised alone")
    neighbors: int = Field(default=8, ge=1, le=64, description="nearest rows that may be a pair")
    low: float = Field(default=0.65, ge=-1, le=1, description="smallest cosine of a pair")
    high: float = Field(default=0.97, ge=-1, le=1, description="largest cosine of a pair")
    critic_steps: int = Field(
        default=120,
        ge=0,
        le=100_000,
        description="batches of 24 pairs by which the acceptability model learns how the workspace's texts go wrong "
        "when they are recombined, of fewer than 600 texts in proportion; 0 = as it came",
    )
    heldout: float = Field(default=0.05, gt=0, lt=0.5, description="share of texts that only measure")


class GateConfig(Model):
    """What a paraphrase must pass."""

    low: float = Field(default=0.75, ge=-1, le=1, description="smallest cosine to the source")
    high: float = Field(default=0.985, ge=-1, le=1, description="largest cosine to the source")
    content: float = Field(
        default=0.9, ge=-1, le=1, description="cosine from which the most salient word may be another one"
    )
    grammar: float = Field(default=0.25, ge=0, description="largest number of grammar problems added")
    attested: float = Field(
        default=0.6,
        ge=0,
        le=1,
        description="share of a row's three words in a row that other rows must hold, on average, for a paraphrase "
        "with three that no row holds to be a problem; 1 = hardly ever",
    )
    fluency: float = Field(default=0.2, ge=0, description="nats a token by which a paraphrase may read worse")
    readable: float = Field(
        default=0.82,
        ge=0,
        le=1,
        description="smallest probability of reading without a mistake, by all checkers together",
    )
    agreement: float = Field(default=0.85, ge=0, le=1, description="smallest probability of keeping the parent's label")
    changed: float = Field(
        default=0.25, ge=0, le=1, description="smallest token edit distance to its source, and between its paraphrases"
    )
    novelty: float = Field(default=0.1, ge=0, le=1, description="smallest token edit distance to any row")
    per_source: int = Field(default=20, ge=1, le=50, description="paraphrases of one row at most")
    growth: float = Field(default=0.5, ge=0, le=20, description="paraphrases a labeled row, in a class of usual size")
    enough: int = Field(default=20, ge=0, description="labeled rows below which a class is thin, whatever is usual")
    thin: float = Field(default=16.0, ge=0, le=100, description="paraphrases a labeled row, in the thinnest class")

    @model_validator(mode="after")
    def _a_band(self) -> GateConfig:
        if self.low >= self.high:
            raise ValueError(f"gate.low must be below gate.high; found {self.low} and {self.high}")
        return self


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


class Config(Model):
    """Configuration of the augmentation stage."""

    when: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="whether training takes accepted paraphrases; auto = where they are proved to help, and none is "
        "drawn where the learning curve of the night's labels says that no help could be seen",
    )
    backend: Literal["tilth", "llada2", "diffusion_gemma"] = Field(
        default="tilth", description="who paraphrases: the denoiser, or a large model that is asked to in a prompt"
    )
    denoiser: str = Field(
        default="pretrained", description='"pretrained", or a folder by save_pretrained', json_schema_extra=FOLDER
    )
    sources: int = Field(default=240, ge=0, description="rows that are paraphrased at most, thin classes first")
    share: float = Field(
        default=0.12, gt=0, le=1, description="of the texts, those that are paraphrased at most: 240 sources of 2,000"
    )
    candidates: int = Field(default=18, ge=1, le=64, description="paraphrases tried for each of them")
    recombined: int = Field(
        default=80, ge=0, le=200, description="paraphrases tried for each that recombine it with other texts; 0 = none"
    )
    nearby: int = Field(
        default=8, ge=0, le=60, description="rows near each that are recombined as well, for paraphrases of it"
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
    grammar: Literal["auto", "harper", "acceptability", "link-grammar", "languagetool", "denoiser"] = Field(
        default="auto", description="the checker beside the denoiser's own; auto = all that are installed"
    )
    weights: tuple[float, ...] = Field(
        default=(1.0, 0.33),
        min_length=1,
        description="what a row's paraphrases may count together beside it, of which the proof takes the best; "
        "a row and its paraphrases count as much as a row without",
    )
    grammar_server: str = Field(
        default="",
        description="address of a LanguageTool server, e.g. http://127.0.0.1:8081; it is asked beside the others",
    )
    max_heldout_loss: float = Field(
        default=4.0, gt=0, description="nats a masked token, held out; above it no paraphrase is accepted"
    )
    adapt: AdaptConfig = AdaptConfig()
    gate: GateConfig = GateConfig()
    large: LargeConfig = LargeConfig()

    def of_texts(self, count: int) -> Config:
        """The same for a table of so many texts, of which few are not to cost as much as many."""
        return self.model_copy(update={"sources": min(self.sources, math.ceil(self.share * count))})

    def placed(self) -> str:
        """The device by PyTorch's name.

        Raises:
            ConfigError: PyTorch finds no such device.
        """
        return placed(self.device, "augmentation.device", 'it to "auto"')

    @model_validator(mode="after")
    def _noise_and_weights_are_shares(self) -> Config:
        if not all(0 < level <= 1 for level in self.noise):
            raise ValueError(f"noise must hold shares above 0 and up to 1; found {self.noise}")
        if not all(0 < weight <= 1 for weight in self.weights):
            raise ValueError(f"weights must lie above 0 and up to 1; found {self.weights}")
        return self

    @model_validator(mode="after")
    def _a_server_is_an_address(self) -> Config:
        example = 'the address of a LanguageTool server, e.g. "http://127.0.0.1:8081"'
        if self.grammar == "languagetool" and not self.grammar_server:
            raise ValueError(f'grammar = "languagetool" needs grammar_server = {example}')
        if self.grammar_server and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", self.grammar_server):
            raise ValueError(f'grammar_server must be {example}; found "{self.grammar_server}"')
        return self
