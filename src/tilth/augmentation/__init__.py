"""Augmentation: paraphrases by text diffusion, behind a gate that keeps the label.

In: the table and `[augmentation]`. Out: the table with every candidate as a row at its end, accepted or with the check
that it failed. A setting is added in `config.py`, or in the config of the room that reads it; a step of the stage in
`stage.py`, from what the rooms hand out: `text`, `diffusion`, `llm`, `recombination`, `quality`, `selection`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tilth.augmentation.config import Config
from tilth.errors import TilthError
from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from datasets import Dataset

    from tilth.augmentation.config import Config
    from tilth.augmentation.diffusion import AdaptedDenoiser, adapt_denoiser, holds_denoiser, load_paraphraser
    from tilth.augmentation.quality import link_grammar_version
    from tilth.stage import Resources, StageResult

__getattr__, __dir__ = lazy_exports(__name__)


def check(config: Config) -> None:
    """Whether what the config names is there.

    Raises:
        ConfigError: a denoiser, a grammar checker, a large model or the device for it is not available.
    """
    # What comes with tilth needs no looking for, and these imports are heavy.
    if config.denoiser != "pretrained":
        from tilth.augmentation.diffusion import find_denoiser

        find_denoiser(config.denoiser)
    if config.grammar == "link-grammar" or config.grammar_server:
        from tilth.augmentation.quality import make_checkers

        make_checkers(config.grammar, config.grammar_server)
    if config.device not in ("auto", "cpu"):
        config.resolve_device()
    if config.backend != "tilth":
        from tilth.augmentation.llm import check_large

        check_large(config.backend, config.large)


def external_cache_inputs(config: Config) -> list[str]:
    """The files of a denoiser or a large model of one's own, and link-grammar as it is installed.

    Of a large model, which may hold tens of gigabytes, names, sizes and times stand for the files.
    """
    from tilth.store import digest_json, digest_tree

    digests = []
    if config.denoiser != "pretrained":
        digests.append(digest_tree(Path(config.denoiser)))
    if config.grammar in ("auto", "link-grammar"):
        from tilth.augmentation.quality import link_grammar_version

        digests.append(link_grammar_version())
    if config.backend != "tilth" and config.large.model and (folder := Path(config.large.model)).is_dir():
        files = [(path, path.stat()) for path in sorted(folder.rglob("*")) if path.is_file()]
        digests.append(digest_json([[path.name, about.st_size, about.st_mtime_ns] for path, about in files]))
    return digests


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
        TilthError: the accelerator's memory is full.
    """
    import torch

    from tilth.augmentation.stage import augment

    try:
        return augment(samples, config, resources)
    except torch.OutOfMemoryError as error:
        raise TilthError(
            f"the accelerator's memory is full ({str(error).splitlines()[0]}); free it, or set "
            'augmentation.device = "cpu", or of a large model a smaller augmentation.large.batch_size'
        ) from error
