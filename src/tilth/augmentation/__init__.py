"""Augmentation: paraphrases by text diffusion, behind a gate that keeps the label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tilth.augmentation.config import Config

if TYPE_CHECKING:
    from datasets import Dataset

    from tilth.stage import Resources, StageResult

__all__ = ["Config", "run"]


def run(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """Adds paraphrases of labeled rows at the end of the table, every candidate with its scores and its verdict.

    Args:
        samples: The table; no row of it changes.
        config: `[augmentation]`.
        resources: `carried` is the denoiser of the night before, if any.

    Returns:
        The longer table; accepted paraphrases are active, others quarantined with the check that they failed;
        `carried` is the night's denoiser. Skipped where no row has a label.

    Raises:
        ConfigError: a denoiser or a grammar checker that the config names is not to be had.
    """
    from tilth.augmentation.core import augment

    return augment(samples, config, resources)
