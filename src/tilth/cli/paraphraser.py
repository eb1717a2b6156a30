"""`tilth paraphraser train|sample`: the denoiser by hand, where a night's own adaptation is not what is wanted."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.cli.terminal import lines, say
from tilth.errors import RequestError, TilthError

if TYPE_CHECKING:
    from tilth.augmentation.adapt import Adapted
    from tilth.cli.desk import Desk


def add(added: Any) -> None:
    """Add the command and its two parts to the command line."""
    parts = added.add_parser("paraphraser", help="train or try the paraphraser by hand").add_subparsers(
        metavar="PART", required=True
    )
    train = parts.add_parser("train", help="adapt it to the workspace's own text, and write it into a folder")
    train.add_argument("out", type=Path, help="a folder that does not exist yet")
    train.add_argument("--steps", type=int, help="batches of 32 (default: augmentation.adapt.steps)")
    train.add_argument("--denoiser", help='what to begin from: "pretrained", or a folder (default: as configured)')
    train.add_argument("-c", "--config", type=Path)
    train.set_defaults(do=learn)
    sample = parts.add_parser("sample", help="paraphrases of texts, without the gate")
    sample.add_argument("texts", nargs="*", help="texts; none: one a line from standard input")
    sample.add_argument("--denoiser", help='"pretrained", or a folder (default: the last promoted night\'s)')
    sample.add_argument("-n", "--candidates", type=int, default=4)
    sample.add_argument("--noise", type=float, action="append", help="share of the words to be noised; may be repeated")
    sample.add_argument("--seed", type=int, default=0)
    sample.set_defaults(do=show)


def learn(options: argparse.Namespace) -> int:
    """`tilth paraphraser train OUT`."""
    if options.out.exists():
        raise RequestError(f"{options.out} is there already; give a folder that does not exist yet")
    if options.steps is not None and options.steps < 1:
        raise RequestError(f"--steps {options.steps}: at least 1")
    from tilth.cli import desk

    adapted = _adapted(desk.at(options.config), options)
    record = adapted.record
    before, after = record["heldout_loss_before"], record["heldout_loss"]
    if before is None:
        say(f"{record['steps']} steps; too little text to measure a held-out loss")
    else:
        say(f"{record['steps']} steps; held-out loss {before:.3f} → {after:.3f} nats a masked token")
    say(f'{options.out}\nuse it: tilth run --set augmentation.denoiser="{options.out.resolve()}"')
    return 0


def _adapted(at: Desk, options: argparse.Namespace) -> Adapted:
    """Written beside and renamed, so that the folder is whole or not there."""
    from tilth import samples as table
    from tilth import store
    from tilth.augmentation.adapt import adapt
    from tilth.augmentation.config import Config
    from tilth.evidence import Evidence

    configured: Any = at.settings.stage("augmentation")
    values = configured.model_dump()
    values["denoiser"] = options.denoiser or values["denoiser"]
    if options.steps is not None:
        values["adapt"]["steps"] = options.steps
    config = Config(**{**values, "max_heldout_loss": math.inf})  # whoever asks for steps by hand gets them all
    samples = table.from_pandas(at.frame, at.tasks)
    evidence = Evidence(samples, encoder=at.encoder, cache=store.Cache(at.workspace.cache))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with store.atomic(options.out) as folder:
        adapted = adapt(at.frame, at.tasks, evidence, config, seed=at.settings.seed, folder=folder)
        if config.adapt.steps and not adapted.trained:
            raise TilthError("no text to learn from: short rows (up to 44 tokens) that are not gold are needed")
    return adapted


def show(options: argparse.Namespace) -> int:
    """`tilth paraphraser sample TEXT…`."""
    import torch

    from tilth.augmentation.config import Config
    from tilth.augmentation.weights import load

    texts = options.texts or [line for line in map(str.strip, lines()) if line]
    if options.candidates < 1:
        raise RequestError(f"--candidates {options.candidates}: at least 1")
    if wrong := [level for level in options.noise or [] if not 0 < level <= 1]:
        raise RequestError(f"--noise {wrong[0]}: more than 0 and at most 1")
    config = Config()
    pipeline = load(options.denoiser or _of_the_last_night(), config.scheduler)
    pipeline.set_progress_bar_config(disable=True)
    output = pipeline(
        texts,
        candidates=options.candidates,
        noise_level=options.noise or config.noise,
        num_inference_steps=config.inference_steps,
        temperature=config.temperature,
        top_k=config.top_k,
        generator=torch.Generator().manual_seed(options.seed),
    )
    for text, found, levels in zip(texts, output.texts, output.noise_levels, strict=True):
        say(text)
        for made, level in zip(found, levels, strict=True):
            say(f"  {level:.2f}  {made}" if made else "        (nothing to rephrase)")
    return 0


def _of_the_last_night() -> str:
    """The denoiser that the last promoted night left, or the one in the package."""
    from tilth import store

    try:
        workspace = store.locate()
    except TilthError:
        return "pretrained"
    run = store.latest(workspace.runs)
    digest = run.record["carried"]["out"].get("augmentation") if run is not None else None
    folder = workspace.state / digest if digest else None
    return str(folder) if folder is not None and (folder / "model_index.json").exists() else "pretrained"
