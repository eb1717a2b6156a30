"""Cleaning: which labels are wrong, which rows are duplicates, outliers, junk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tilth.cleaning.config import Config

if TYPE_CHECKING:
    from datasets import Dataset

    from tilth.stage import Resources, StageResult

__all__ = ["Config", "run"]


def run(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """Judge every text and every given label, and propose by the policy what to do with them."""
    from tilth.cleaning.core import clean

    return clean(samples, config, resources)
