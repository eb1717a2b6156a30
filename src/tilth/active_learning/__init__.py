"""Active learning: the rows whose labels would teach most, as a queue for a person to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tilth.active_learning.config import Config

if TYPE_CHECKING:
    from datasets import Dataset

    from tilth.stage import Resources, StageResult

__all__ = ["Config", "check", "run"]


def check(config: Config) -> None:
    """Whether the strategy that the config names is there.

    Raises:
        ConfigError: it is not; naming the nearest one.
    """
    # The default is there, and the import is heavy.
    if config.strategy != Config().strategy:
        from tilth.active_learning import query_strategies

        query_strategies.get(config.strategy)


def run(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """Write `acquisition_score` and `acquisition_rank`, and the queue as `queue.csv`."""
    from tilth.active_learning import stage

    return stage.run(samples, config, resources)
