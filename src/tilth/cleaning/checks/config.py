"""What may be set of the checks of texts."""

from __future__ import annotations

from pydantic import Field

from tilth.config import Model


class ChecksConfig(Model):
    """The checks of texts."""

    near_duplicate: float = Field(default=0.96, ge=0, le=1, description="cosine from which two texts may be the same")
    max_characters: int = Field(default=20_000, ge=100, description="longer texts are set aside")
    outlier: float = Field(default=0.01, ge=0, le=1, description="a score below it sends a text to review")
    languages: tuple[str, ...] = Field(
        default=(), description="ISO 639-1 codes that belong here; none = the one that most rows are in"
    )
    language: float = Field(default=0.8, ge=0, le=1, description="how sure it must be that a text is in another one")
    boilerplate: float = Field(
        default=0.8, ge=0, le=1, description="share of a text that other rows hold word for word"
    )
