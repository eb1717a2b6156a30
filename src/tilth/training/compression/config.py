"""What may be set in `[training.contract]`: what the exported model may cost."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from tilth.config import Model

_MOST_STEPS = 800
"""Of `steps = "auto"`."""
_LEAST_MB = 0.05
"""Tokenizer, labels and settings alone take as much."""


class ContractConfig(Model):
    """What the exported model may cost; contract = false exports the full one."""

    enabled: bool = Field(default=True, description="false, as contract = false, exports the full model")
    size_mb: float | None = Field(
        default=None, gt=0, description="all files that predict reads, in 10^6 bytes; 7.5 where nothing else is set"
    )
    throughput: float | None = Field(
        default=None,
        gt=0,
        description="texts a second at batch 1 and 32, as a multiple of the float32 model's in eager PyTorch on one "
        "thread; 5.8 where nothing else is set",
    )
    latency_ms: float | None = Field(default=None, gt=0, description="for one call with batch texts of length tokens")
    batch: int = Field(default=1, ge=1, le=1024, description="texts in the call that latency_ms is of")
    length: int = Field(default=16, ge=1, le=512, description="tokens of each of its texts")
    threads: int = Field(default=1, ge=1, le=256, description="threads that it may take")
    points_lost: float | None = Field(
        default=None, ge=0, le=100, description="of 100 points of macro-F1, mean of the tasks; 1.0 where none is set"
    )
    points_lost_worst_class: float | None = Field(
        default=None, ge=0, le=100, description="of 100 points of F1 of the class that loses most"
    )
    steps: int | Literal["auto"] = Field(
        default="auto",
        description="batches of distillation for each shape that is tried in full; auto is four passes over the texts, "
        f"at most {_MOST_STEPS}, and none where a table has fewer than 5000: it would take more than a quarter of the "
        "night",
    )
    trials: int = Field(default=40, ge=1, le=10_000, description="shapes that the search looks at by cheap measures")
    tries: int = Field(default=1, ge=1, le=100, description="shapes that are made in full, distillation and all")

    @model_validator(mode="before")
    @classmethod
    def _may_be_a_switch(cls, values: Any) -> Any:
        return {"enabled": values} if isinstance(values, bool) else values

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        if self.size_mb is not None and self.size_mb < _LEAST_MB:
            raise ValueError(
                f"size_mb = {self.size_mb} is less than the tokenizer, the labels and the settings take; no model is "
                f"smaller than {_LEAST_MB}"
            )
        terms = ("size_mb", "throughput", "latency_ms", "points_lost", "points_lost_worst_class")
        if not self.enabled and (named := [name for name in terms if getattr(self, name) is not None]):
            raise ValueError(f"it names {', '.join(named)}, and enabled = false asks for no contract; take one out")
        fields = type(self).model_fields
        of_call = [name for name in ("batch", "length", "threads") if getattr(self, name) != fields[name].default]
        if of_call and self.latency_ms is None:
            raise ValueError(f"{', '.join(of_call)} say what latency_ms is of, and it is not set; set it, or not them")
        return self

    @property
    def most_steps(self) -> int:
        """Batches of distillation, however many texts there are."""
        return _MOST_STEPS if self.steps == "auto" else self.steps

    def filled(self) -> ContractConfig:
        """With the default contract's terms where none is set, and its points where only those are missing."""
        terms = (self.size_mb, self.throughput, self.latency_ms, self.points_lost, self.points_lost_worst_class)
        if all(term is None for term in terms):
            return self.model_copy(update={"size_mb": 7.5, "throughput": 5.8, "points_lost": 1.0})
        if self.points_lost is None and self.points_lost_worst_class is None:
            return self.model_copy(update={"points_lost": 1.0})
        return self
