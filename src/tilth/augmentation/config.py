"""Settings of `[augmentation]`."""

from __future__ import annotations

import math
import re
from typing import Literal

from pydantic import Field, model_validator

from tilth.augmentation.diffusion import DiffusionConfig
from tilth.augmentation.llm import LargeConfig
from tilth.augmentation.recombination import RecombinationConfig
from tilth.augmentation.selection import GateConfig
from tilth.config import StageConfig


class Config(DiffusionConfig, RecombinationConfig, StageConfig):
    """Configuration of the augmentation stage."""

    when: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="never skips the stage; whether training takes accepted paraphrases: auto = where cross-validation "
        "shows that they help; none is generated where the learning curve of the labels says that no gain could be "
        "measured",
    )
    backend: Literal["tilth", "llada2", "diffusion_gemma"] = Field(
        default="tilth", description="who paraphrases: the denoiser, or a large language model by a prompt"
    )
    sources: int = Field(default=240, ge=0, description="rows that are paraphrased at most, thin classes first")
    share: float = Field(
        default=0.12, gt=0, le=1, description="of the texts, those that are paraphrased at most: 240 sources of 2,000"
    )
    candidates: int = Field(
        default=6,
        ge=1,
        le=64,
        description="paraphrases that the denoiser tries for each of them, beside those that recombine it, which are "
        "accepted more often and cost less",
    )
    grammar: Literal["auto", "harper", "acceptability", "link-grammar", "languagetool", "denoiser"] = Field(
        default="auto", description="the grammar checker beside the denoiser's own; auto = all that are installed"
    )
    weights: tuple[float, ...] = Field(
        default=(1.0, 0.33),
        min_length=1,
        description="what a row's paraphrases may count together beside it, of which cross-validation takes the best; "
        "a row and its paraphrases count as much as a row without",
    )
    grammar_server: str = Field(
        default="",
        description="address of a LanguageTool server, e.g. http://127.0.0.1:8081; it checks beside the others",
    )
    transfer: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="whether every paraphrase that reads well, accepted or not, is handed to training as text without "
        "a label (candidates.parquet); auto = where training asks for it, also on nights that need no paraphrase else",
    )
    gate: GateConfig = GateConfig()
    large: LargeConfig = LargeConfig()

    def of_texts(self, count: int) -> Config:
        """The same for a table of so many texts, of which few are not to cost as much as many."""
        return self.model_copy(update={"sources": min(self.sources, math.ceil(self.share * count))})

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
