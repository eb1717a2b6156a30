"""Settings of the gate."""

from __future__ import annotations

from pydantic import Field, model_validator

from tilth.augmentation.quality import QualityConfig


class GateConfig(QualityConfig):
    """What a paraphrase must pass."""

    low: float = Field(default=0.75, ge=-1, le=1, description="smallest cosine to the source")
    high: float = Field(default=0.985, ge=-1, le=1, description="largest cosine to the source")
    content: float = Field(
        default=0.9, ge=-1, le=1, description="cosine from which the most salient word may be another one"
    )
    attested: float = Field(
        default=0.6,
        ge=0,
        le=1,
        description="share of a row's three words in a row that other rows must hold, on average, for a paraphrase "
        "with three that no row holds to be a problem; 1 = hardly ever",
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
