"""Weak supervision: labeling functions vote, and Snorkel's label model turns votes into labels with confidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tilth.weak_supervision.config import Config

if TYPE_CHECKING:
    from datasets import Dataset

    from tilth.stage import Resources, StageResult

__all__ = ["Config", "run"]


def run(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """Propose `<task>_weak` and `<task>_weak_confidence`.

    `resources.labeling_functions` holds one `LoadedFunctions`, as `loader.load` gives it.
    """
    from tilth.weak_supervision import core

    return core.run(samples, config, resources)
