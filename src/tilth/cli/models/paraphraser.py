"""`tilth paraphraser train|sample`: the denoiser by hand, where a night's own adaptation is not what is wanted."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from tilth.cli import options
from tilth.cli.terminal import lines, say
from tilth.errors import RequestError, TilthError

if TYPE_CHECKING:
    from tilth.augmentation import AdaptedDenoiser
    from tilth.cli.workspace import WorkspaceData


paraphraser = App(name="paraphraser", help="Train or try the paraphraser by hand.")


@paraphraser.command(name="train")
def learn(
    out: Path,
    /,
    *,
    steps: int | None = None,
    denoiser: str | None = None,
    config: options.Config = None,
) -> int:
    """Adapt it to the workspace's own text, and write it into a folder.

    For example:

        tilth paraphraser train mine --steps 500

    Args:
        out: a folder that does not exist yet
        steps: batches of 32 (default: augmentation.adapt.steps)
        denoiser: what to begin from: "pretrained", or a folder (default: as configured)
    """
    if out.exists():
        raise RequestError(f"{out} is there already; give a folder that does not exist yet")
    if steps is not None and steps < 1:
        raise RequestError(f"--steps {steps}: at least 1")
    from tilth.cli.workspace import open_workspace

    adapted = _adapted(open_workspace(config), out, steps, denoiser)
    record = adapted.record
    before, after = record["heldout_loss_before"], record["heldout_loss"]
    if before is None:
        say(f"{record['steps']} steps; too little text to measure a held-out loss")
    else:
        say(f"{record['steps']} steps; held-out loss {before:.3f} → {after:.3f} nats a masked token")
    say(f'{out}\nuse it: tilth run --set augmentation.denoiser="{out.resolve()}"')
    return 0


def _adapted(at: WorkspaceData, out: Path, steps: int | None, denoiser: str | None) -> AdaptedDenoiser:
    """Written beside and renamed, so that the folder is whole or not there."""
    from tilth import samples as table
    from tilth import store
    from tilth.augmentation import Config, adapt_denoiser
    from tilth.learn import Evidence

    configured: Any = at.settings.stage("augmentation")
    values = configured.model_dump()
    values["denoiser"] = denoiser or values["denoiser"]
    if steps is not None:
        values["adapt"]["steps"] = steps
    config = Config(**{**values, "max_heldout_loss": math.inf})  # whoever asks for steps by hand gets them all
    samples = table.from_pandas(at.frame, at.tasks)
    evidence = Evidence(samples, encoder=at.encoder, cache=store.Cache(at.workspace.cache))
    out.parent.mkdir(parents=True, exist_ok=True)
    with store.atomic(out) as folder:
        adapted = adapt_denoiser(at.frame, at.tasks, evidence, config, seed=at.settings.seed, folder=folder)
        if config.adapt.steps and not adapted.trained:
            raise TilthError("no text to learn from: short rows (up to 44 tokens) that are not gold are needed")
    return adapted


@paraphraser.command(name="sample")
def show(
    *texts: str,
    denoiser: str | None = None,
    candidates: Annotated[int, Parameter(alias="-n")] = 4,
    noise: tuple[float, ...] = (),
    seed: int = 0,
) -> int:
    """Paraphrases of texts, without the gate.

    For example:

        tilth paraphraser sample "where is my refund" -n 8 --noise 0.5

    Args:
        texts: texts; none: one a line from standard input
        denoiser: "pretrained", or a folder (default: the last promoted night's)
        candidates: how many for each text
        noise: share of the words to be noised; may be repeated
        seed: of all that is drawn
    """
    import torch

    from tilth.augmentation import Config, load_paraphraser

    sources = list(texts) or [line for line in map(str.strip, lines()) if line]
    if candidates < 1:
        raise RequestError(f"--candidates {candidates}: at least 1")
    if wrong := [level for level in noise if not 0 < level <= 1]:
        raise RequestError(f"--noise {wrong[0]}: more than 0 and at most 1")
    config = Config()
    pipeline = load_paraphraser(denoiser or _of_the_last_night(), config.scheduler)
    pipeline.set_progress_bar_config(disable=True)
    output = pipeline(
        sources,
        candidates=candidates,
        noise_level=list(noise) or config.noise,
        num_inference_steps=config.inference_steps,
        temperature=config.temperature,
        top_k=config.top_k,
        generator=torch.Generator().manual_seed(seed),
    )
    for text, paraphrases, levels in zip(sources, output.texts, output.noise_levels, strict=True):
        say(text)
        for made, level in zip(paraphrases, levels, strict=True):
            say(f"  {level:.2f}  {made}" if made else "        (nothing to rephrase)")
    return 0


def _of_the_last_night() -> str:
    """The denoiser that the last promoted night left, or the one in the package."""
    from tilth import store
    from tilth.augmentation import holds_denoiser

    try:
        workspace = store.locate()
    except TilthError:
        return "pretrained"
    run = store.latest(workspace.runs)
    digest = run.record["carried"]["out"].get("augmentation") if run is not None else None
    folder = workspace.state / digest if digest else None
    return str(folder) if folder is not None and holds_denoiser(folder) else "pretrained"
