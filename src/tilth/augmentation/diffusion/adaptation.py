"""Each night the denoiser learns the workspace's own language; the adapted weights are carried to the next night."""

from __future__ import annotations

import json
import logging
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tilth.augmentation.diffusion import checkpoints
from tilth.augmentation.diffusion.adaptation_corpus import AdaptationCorpus, gather_corpus
from tilth.augmentation.diffusion.config import DiffusionConfig
from tilth.augmentation.diffusion.denoiser import Denoiser
from tilth.augmentation.diffusion.pipeline import ParaphrasePipeline
from tilth.augmentation.diffusion.scheduler import make_scheduler
from tilth.augmentation.diffusion.training_data import Examples, noised_batches
from tilth.augmentation.diffusion.training_loop import Progress, Schedule, heldout_loss, make_optimizer, train_denoiser
from tilth.augmentation.diffusion.vocabulary import pack_vocabulary
from tilth.learn import Evidence
from tilth.samples import Task
from tilth.store import digest_json, digest_tree

logger = logging.getLogger(__name__)
BATCH = 32
_EPOCHS = 4  # a small corpus is not memorized: no text is drawn more often than this, on average
_FIRST = 1 / 3  # of the steps, after which learning goes on only where the loss may still come below its limit
_LEAST = 0.1  # share of the steps that even a corpus that is nearly the same is given


@dataclass(frozen=True)
class AdaptedDenoiser:
    """The night's denoiser and what is known of it.

    Attributes:
        pipeline: With the adapted denoiser.
        folder: What the next night gets as `resources.carried`.
        record: `key`, `start`, `steps`, `ended_early`, `heldout_loss_before`, `heldout_loss` (nats a masked token,
            None without held-out text), `curve`, `texts`.
        trained: Whether anything was learned this night.
    """

    pipeline: ParaphrasePipeline
    folder: Path
    record: dict[str, Any]
    trained: bool

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the denoiser's files."""
        return digest_tree(self.folder / "denoiser")


def adapt_denoiser(
    frame: pd.DataFrame,
    tasks: Sequence[Task],
    evidence: Evidence,
    config: DiffusionConfig,
    *,
    seed: int,
    folder: Path,
    carried: Path | None = None,
) -> AdaptedDenoiser:
    """Adapts the denoiser to a table's texts, from last night's where that is at hand.

    Where last night's was adapted to exactly these texts by this config, nothing is learned, so that a second
    night over the same rows gives the same paraphrases.

    Args:
        frame: The table, of which no gold text is learned.
        tasks: Neighbors whose labels clash in one of them are no pair.
        evidence: On the table.
        config: What to begin from, and how long to learn.
        seed: Of the examples and their noise.
        folder: Where the denoiser is written.
        carried: Last night's folder.
    """
    tokenizer = checkpoints.load_paraphraser(config.denoiser, config.scheduler).tokenizer
    corpus = gather_corpus(frame, evidence, tasks, config.adapt, tokenizer)
    base = checkpoints.denoiser_fingerprint(config.denoiser)
    key = digest_json([base, config.adapt.model_dump(mode="json"), config.max_heldout_loss, seed])
    last = _last(carried, base)
    new = _share_new(corpus, last)
    if carried is not None and last is not None and last["key"] == key and (new == 0 or new < config.adapt.renew):
        shutil.copytree(carried, folder)
        return AdaptedDenoiser(_load(folder, config), folder, last, trained=False)
    start = str(carried) if carried and last else config.denoiser
    pipeline = checkpoints.load_paraphraser(start, config.scheduler)
    model = checkpoints.with_vocabulary(pipeline.denoiser, _vocabulary(pipeline.denoiser, corpus)).to(
        config.resolve_device()
    )
    record: dict[str, Any] = {"key": key, "base": base, "start": "carried" if last else config.denoiser}
    # A record from before there was an early end does not hold it.
    share_new = 1.0 if last and last.get("ended_early") else new
    record |= _trained(model, corpus, config, seed, _steps(corpus, config, share_new))
    adapted = ParaphrasePipeline(record.pop("model"), pipeline.tokenizer, make_scheduler(config.scheduler))
    checkpoints.save_paraphraser(adapted, folder)
    record["texts"] = list(corpus.texts)
    (folder / checkpoints.RECORD).write_text(json.dumps(record) + "\n", encoding="utf-8")
    # The night goes on with the weights as written, so that the next one, which reads them, starts from the same.
    return AdaptedDenoiser(_load(folder, config), folder, record, trained=record["steps"] > 0)


def _last(carried: Path | None, base: str) -> dict[str, Any] | None:
    """The record of last night's denoiser, unless it began from another one than this night's config names."""
    if carried is None or not (carried / checkpoints.RECORD).exists():
        return None
    record: dict[str, Any] = json.loads((carried / checkpoints.RECORD).read_text(encoding="utf-8"))
    return record if record["base"] == base else None


def _load(folder: Path, config: DiffusionConfig) -> ParaphrasePipeline:
    """A paraphraser by `checkpoints.save_paraphraser`, on the device of the config."""
    pipeline = checkpoints.load_paraphraser(str(folder), config.scheduler)
    return pipeline.to(config.resolve_device())


def _vocabulary(model: Denoiser, corpus: AdaptationCorpus) -> str:
    known = np.union1d(np.asarray(model.shortlist), corpus.seen)
    return pack_vocabulary(known, int(model.config.vocabulary_size))


def _share_new(corpus: AdaptationCorpus, last: dict[str, Any] | None) -> float:
    """Share of the texts that last night's denoiser was not adapted to."""
    if last is None or not corpus.texts:
        return 1.0
    return len(set(corpus.texts) - set(last["texts"])) / len(corpus.texts)


def _steps(corpus: AdaptationCorpus, config: DiffusionConfig, new: float) -> int:
    """The budget in steps, less where last night's denoiser knows most of the texts."""
    if corpus.train is None:
        return 0
    wanted = math.ceil(config.adapt.steps * min(1.0, max(_LEAST, new)))
    return min(wanted, math.ceil(_EPOCHS * len(corpus.texts) / BATCH))


def _trained(
    model: Denoiser, corpus: AdaptationCorpus, config: DiffusionConfig, seed: int, steps: int
) -> dict[str, Any]:
    """The better of the weights before and after, by held-out loss, and the curve."""
    before = _loss(model, corpus.heldout, seed)
    if not steps or corpus.train is None:
        return {
            "model": model, "steps": 0, "ended_early": False, "heldout_loss_before": before, "heldout_loss": before,
            "curve": [],
        }  # fmt: skip
    learner = checkpoints.with_vocabulary(model, model.config.vocabulary)
    schedule = Schedule(steps=steps, peak=config.adapt.peak, warmup=max(1, steps // 10))
    source = noised_batches(corpus.train, BATCH, np.random.default_rng(seed))
    optimizer, progress, each = make_optimizer(learner), Progress(), max(1, steps // 20)
    for until in sorted({math.ceil(steps * _FIRST), steps}):
        train_denoiser(learner, source, schedule, optimizer, progress, until=until, each=each)
        after = _loss(learner.eval(), corpus.heldout, seed)
        if until < steps and _hopeless(before, after, config.max_heldout_loss):
            logger.info("adaptation ends at step %d of %d: held-out loss %s from %s", until, steps, after, before)
            break
    worse = before is not None and after is not None and after > before
    if worse:
        logger.warning("adaptation made the held-out loss worse (%.3f from %.3f): left out", after, before)
    return {
        "model": model if worse else learner,
        "steps": progress.step,
        "ended_early": progress.step < steps,
        "heldout_loss_before": before,
        "heldout_loss": before if worse else after,
        "curve": [[step, round(loss, 4)] for step, loss in progress.curve],
    }


def _hopeless(before: float | None, after: float | None, limit: float) -> bool:
    """Whether the loss would stay above the limit even if it fell as far again: the first steps help the most."""
    return before is not None and after is not None and after - max(0.0, before - after) > limit


def _loss(model: Denoiser, examples: Examples | None, seed: int) -> float | None:
    """Masked loss on held-out text; few texts are noised several times."""
    if examples is None or not len(examples):
        return None
    times = max(1, 64 // len(examples))
    losses = [heldout_loss(model, examples, seed + k) for k in range(times)]
    return round(float(np.mean(losses)), 4)
