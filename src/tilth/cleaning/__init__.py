"""Cleaning: which labels are wrong, which rows are duplicates, outliers, junk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tilth.cleaning.config import Config

if TYPE_CHECKING:
    from datasets import Dataset

    from tilth.stage import Resources, StageResult

__all__ = ["Config", "check", "run"]


def check(config: Config) -> None:
    """Whether there is a filter of the config's name.

    Raises:
        ConfigError: naming the nearest one.
    """
    # "auto" is no filter to look for, and the import is heavy.
    if config.filter != "auto":
        from tilth.cleaning.label_errors import check_name

        check_name(config.filter)


def run(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """LinearProbe every text and every given label, and propose by the policy what to do with them."""
    from tilth.cleaning.stage import clean

    return clean(samples, config, resources)
