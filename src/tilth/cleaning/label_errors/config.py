"""What may be set of the choice among label filters, and the policy for label issues."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from tilth.config import Model

Prefer: TypeAlias = Literal["precision", "balanced", "recall"]


class LabelErrorsConfig(Model):
    """The choice among label filters, and the policy for label issues."""

    policy: Literal["auto", "correct", "set_aside", "review", "keep"] = Field(
        default="auto",
        description="what happens to a label that is judged wrong; auto = by the measured odds: "
        "corrected where the right one is sure, else set aside, or, where it is a toss-up, sent to review: there it "
        "is learned from at the probability that it is right, until a person answers. In place of one that is set "
        "aside the suggested label is learned from, at its own probability, where that is above suggest_above",
    )
    correct_above: float = Field(
        default=0.95, ge=0, le=1, description="with auto or correct: a suggestion that is surer than this replaces it"
    )
    suggest_above: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="with auto: where a label is set aside, training takes a suggestion that is likelier than this to "
        "be right, at that probability, until a person answers; 1 = never",
    )
    review_above: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="with auto: a label that is judged wrong, but likelier than this to be right, is sent to review, "
        "not set aside",
    )
    filter: str = Field(
        default="auto",
        description="what judges labels; auto = two views of each text, the embedding's and the words'; else the name "
        "of one label filter, measured on errors injected into this data",
    )
    prefer: Prefer = Field(
        default="balanced",
        description="which labels are judged wrong: balanced = as many as finding them and being right about them is "
        "worth alike; precision = fewer, surer ones; recall = more of them, more of which are right",
    )
    min_precision: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="obsolete: `prefer` has taken its place; labels are judged wrong only at this expected precision",
    )
    consensus: Literal["joint", "crowdlab"] = Field(
        default="joint", description="how the votes of several annotators and the models are weighed together"
    )
    planted: int = Field(
        default=300, ge=50, le=100_000, description="errors injected to measure a filter by that is named"
    )
    rounds: int = Field(default=3, ge=1, le=10, description="times that the models are fitted again without suspects")
    neighbors: int = Field(default=20, ge=1, le=200, description="nearest rows that a row's label is compared with")
