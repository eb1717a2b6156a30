"""Active learning: the rows whose labels would be most useful to learn from, as a queue for a person to answer.

In: the table. Out: an acquisition score of each row without a sure label, and the queue, `queue.csv`. To add a query
strategy, decorate a function of `query_strategies.py` with `strategy`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tilth.active_learning.config import Config

if TYPE_CHECKING:
    from datasets import Dataset

    from tilth.stage import Resources, StageResult

__all__ = ["Config", "check", "run"]


def check(config: Config) -> None:
    """Whether the strategy and the sources that the config names exist.

    Raises:
        ConfigError: one does not; naming the nearest one.
    """
    # The default exists, and the import is heavy.
    if config.strategy != Config().strategy:
        from tilth.active_learning import query_strategies

        query_strategies.get(config.strategy)
    if config.sources:
        from tilth.active_learning.queue import check_sources

        check_sources(config.sources)


def run(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """Write `acquisition_score` and `acquisition_rank`, and the queue as `queue.csv`."""
    from tilth.active_learning import stage

    return stage.run(samples, config, resources)
