"""Augmentation: paraphrases by text diffusion, behind a gate that keeps the label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tilth.augmentation.config import Config

if TYPE_CHECKING:
    from datasets import Dataset

    from tilth.stage import Resources, StageResult

__all__ = ["Config", "check", "run"]


def check(config: Config) -> None:
    """Whether what the config names is there.

    Raises:
        ConfigError: a denoiser, a grammar checker, a large model or the device for it is not to be had.
    """
    # What comes with tilth needs no looking for, and these imports are heavy.
    if config.denoiser != "pretrained":
        from tilth.augmentation.weights import find

        find(config.denoiser)
    if config.grammar == "link-grammar" or config.grammar_server:
        from tilth.augmentation.grammar import checkers

        checkers(config.grammar, config.grammar_server)
    if config.backend != "tilth":
        from tilth.augmentation.large_weights import check_large

        check_large(config.backend, config.large)


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
        ConfigError: as `check`.
    """
    from tilth.augmentation.core import augment

    return augment(samples, config, resources)
