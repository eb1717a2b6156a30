"""What every config is made of: the base classes, and types that several share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Model(BaseModel):
    """Base of every config: keyword-only, frozen, and closed to keys that it does not declare."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class StageConfig(Model):
    """Base of every stage's config."""

    when: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="never skips the stage; auto leaves it out of what follows where cross-validation on train rows "
        "shows that it harms (cleaning, weak_supervision, augmentation); always keeps it",
    )


FOLDER: Any = {"folder": True}
"""Marks a field that may name a folder: a relative one starts from where `tilth.toml` stands, of --set from here."""


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Files = Annotated[tuple[str, ...], BeforeValidator(_listed)]
