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
from tilth.augmentation.diffusion.adaptation.adaptation_corpus import AdaptationCorpus, gather_corpus
from tilth.augmentation.diffusion.adaptation.held_out import HeldOut, hold_out, record_of, within_limit
from tilth.augmentation.diffusion.adaptation.loss_groups import groups_of
from tilth.augmentation.diffusion.adaptation.training_data import noised_batches
from tilth.augmentation.diffusion.adaptation.training_loop import Progress, Schedule, make_optimizer, train_denoiser
from tilth.augmentation.diffusion.config import DiffusionConfig
from tilth.augmentation.diffusion.denoiser import Denoiser
from tilth.augmentation.diffusion.pipeline import ParaphrasePipeline
from tilth.augmentation.diffusion.scheduler import make_scheduler
from tilth.augmentation.diffusion.vocabulary import pack_vocabulary
from tilth.learn import Evidence
from tilth.samples import Task
from tilth.store import digest_json, digest_tree

logger = logging.getLogger(__name__)
BATCH = 32
_EPOCHS = 2  # a small corpus is not memorized: no text is drawn more often than this, on average
_FIRST = 1 / 3  # of the steps, after which learning goes on only where the loss may still come below its limit
_MOST = 1.0  # nats by which adaptation lowers a loss that is above the limit; the most that we saw is 0.6
_LEAST = 0.1  # share of the steps that even a corpus that is nearly the same is given


@dataclass(frozen=True)
class AdaptedDenoiser:
    """The night's denoiser and what is known of it.

    Attributes:
        pipeline: With the adapted denoiser.
        folder: What the next night gets as `resources.carried`.
        record: `key`, `start`, `steps`, `ended_early`, `heldout_loss_before`, `heldout_loss` (nats a masked token
            over the groups that it learned from, None without held-out text), `groups` (of like rows, with the losses
            of each), `curve`, `texts`.
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

    def good_groups(self, limit: float) -> np.ndarray:
        """Whether each group of rows has a held-out loss that is known and no higher than the limit (groups,)."""
        return within_limit(self.record.get("groups"), self.record["heldout_loss"], limit)

    def good_rows(self, frame: pd.DataFrame, vectors: np.ndarray, limit: float) -> np.ndarray:
        """Whether each row of a table is of such a group (rows,); `vectors` are the rows' embeddings."""
        return self.good_groups(limit)[groups_of(self.record.get("groups")).codes(frame, vectors)]


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
    held_out = hold_out(frame, evidence.embeddings(), corpus, model, seed)
    record |= _trained(model, corpus, held_out, config, seed, share_new)
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


def _steps(texts: int, config: DiffusionConfig, new: float) -> int:
    """The budget in steps for so many texts, less where last night's denoiser knows most of them."""
    wanted = math.ceil(config.adapt.steps * min(1.0, max(_LEAST, new)))
    return min(wanted, math.ceil(_EPOCHS * texts / BATCH))


def _trained(
    model: Denoiser, corpus: AdaptationCorpus, held_out: HeldOut, config: DiffusionConfig, seed: int, new: float
) -> dict[str, Any]:
    """The better of the weights before and after, by held-out loss, the losses of each group, and the curve.

    It learns from those groups of rows whose loss may still come below the limit, and not at all where there is none.
    """
    before, limit = held_out.before, config.max_heldout_loss
    hopeless = before.hopeless(limit, _MOST)
    learner = checkpoints.with_vocabulary(model, model.config.vocabulary)
    progress, after = Progress(), before
    steps = 0 if corpus.train is None or hopeless.all() else _steps(_count(corpus, held_out, ~hopeless), config, new)
    if steps and corpus.train is not None:
        schedule = Schedule(steps=steps, peak=config.adapt.peak, warmup=max(1, steps // 10))
        optimizer = make_optimizer(learner)
        rng, learned = np.random.default_rng(seed), np.zeros_like(hopeless)
        unsure = before.hopeless(limit, 0) & ~hopeless  # of the others nothing is decided on the way
        for until in sorted({math.ceil(steps * _FIRST), steps} if unsure.any() else {steps}):
            if not np.array_equal(learned, ~hopeless):
                learned = ~hopeless
                source = noised_batches(held_out.of_groups(corpus.train, learned), BATCH, rng)
            train_denoiser(learner, source, schedule, optimizer, progress, until=until, each=max(1, steps // 20))
            after = held_out(learner.eval())
            if until < steps:
                hopeless |= after.hopeless(limit, np.maximum(0, before.groups - after.groups))
            if hopeless.all():
                logger.info("adaptation ends at step %d of %d: no group can come below the limit", until, steps)
                break
    first, last = before.mean(~hopeless), after.mean(~hopeless)
    worse = first is not None and last is not None and last > first
    if worse:
        logger.warning("adaptation made the held-out loss worse (%.3f from %.3f): left out", last, first)
    return {
        "model": model if worse or not steps else learner,
        "steps": progress.step,
        "ended_early": bool(hopeless.any()),
        "heldout_loss_before": first,
        "heldout_loss": first if worse else last,
        "groups": record_of(held_out, before, before if worse else after),
        "curve": [[step, round(loss, 4)] for step, loss in progress.curve],
    }


def _count(corpus: AdaptationCorpus, held_out: HeldOut, wanted: np.ndarray) -> int:
    """Texts of the groups that are wanted."""
    return int(wanted[held_out.codes[corpus.rows]].sum())
