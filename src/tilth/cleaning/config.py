"""What may be set in `[cleaning]`."""

from __future__ import annotations

from tilth.cleaning.checks import ChecksConfig
from tilth.cleaning.label_errors import LabelErrorsConfig
from tilth.config import StageConfig


class Config(ChecksConfig, LabelErrorsConfig, StageConfig):
    """Configuration of the checks, of the choice among label filters, and of the policy for label issues."""
