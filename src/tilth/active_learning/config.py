"""Config of active learning."""

from __future__ import annotations

from pydantic import Field

from tilth.config import StageConfig


class Config(StageConfig):
    """Which rows a person is asked about next."""

    strategy: str = Field(
        default="uncertain_mass",
        description="which rows without a label come first: uncertain_mass, cluster_margin, margin, entropy, "
        "uncertainty, density, committee, batch or core_set",
    )
    batch: int = Field(default=50, ge=1, description="rows in the queue")
    sources: tuple[str, ...] = Field(
        default=(),
        description="who may ask: ask_again, suspect, label_review, possible_error, dispute, conflicting_copies, "
        "uncertain, paraphrase, and what the last night left; none = everybody",
    )
    random: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="share of the queue that is drawn by lot: it shows how often the other rows are right",
    )
