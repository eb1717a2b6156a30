"""Cleaning: which labels are wrong, which rows are duplicates, outliers, junk.

In: the table as it came. Out: the same table with every check's score and verdict, with each given label's quality,
suggestion and action, and with rows set aside or sent to review. To add a check or a label filter, see
`tilth.cleaning.checks` and `tilth.cleaning.label_errors`.
"""

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
        from tilth.cleaning.label_errors import check_filter_name

        check_filter_name(config.filter)


def run(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """Check every text and every given label, and propose by the policy what to do with them."""
    from tilth.cleaning.stage import clean

    return clean(samples, config, resources)
