"""Paraphrases by masked text diffusion, in diffusers' own terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
import torch
from diffusers import DiffusionPipeline
from diffusers.utils import BaseOutput

from tilth.augmentation.diffusion import scheduler as schedulers
from tilth.augmentation.diffusion.cores import each_on_a_core
from tilth.augmentation.diffusion.denoiser import Denoiser
from tilth.augmentation.diffusion.masking import Canvas, boldness_level, make_canvases, pad_canvases
from tilth.augmentation.diffusion.vocabulary import MASK, SEP
from tilth.augmentation.text import Piece, corpus_spellings, detokenize, split_words
from tilth.devices import autocast
from tilth.progress import report
from tilth.threads import thread_count

FIDELITY = 4
"""The level of the paraphrases: as close in meaning as can be."""
_TOGETHER, _ON_A_CORE = 32, 16
"""Texts at most that are denoised together, by an accelerator and by a core of a processor."""


@dataclass
class ParaphraseOutput(BaseOutput):
    """Paraphrases (sources, candidates), and the noise that each was made with (sources, candidates)."""

    texts: list[list[str]]
    noise_levels: list[list[float]]


class ParaphrasePipeline(DiffusionPipeline):
    """Rewrites texts, keeping their slots word for word.

    Args:
        denoiser: Fills masked tokens, given the source.
        tokenizer: The denoiser's.
        scheduler: Which masked tokens a step commits, by `tilth.augmentation.diffusion.scheduler.make_scheduler`.
    """

    model_cpu_offload_seq = "denoiser"

    def __init__(self, denoiser: Denoiser, tokenizer: Any, scheduler: Any) -> None:
        super().__init__()
        self.register_modules(denoiser=denoiser, tokenizer=tokenizer, scheduler=scheduler)

    @torch.inference_mode()
    def __call__(
        self,
        texts: Sequence[str],
        *,
        candidates: int = 4,
        noise_level: float | Sequence[float] = 0.7,
        num_inference_steps: int = 8,
        temperature: float = 0.8,
        top_k: int = 20,
        keep: Sequence[Sequence[str]] | None = None,
        casing: Mapping[str, str] | None = None,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
        batch_size: int | None = None,
        callback_on_step_end: Callable[[Any, int, int, dict[str, Any]], dict[str, Any]] | None = None,
        return_dict: bool = True,
    ) -> ParaphraseOutput | tuple[list[list[str]], list[list[float]]]:
        """Paraphrases of each text.

        Args:
            texts: The sources.
            candidates: Paraphrases of each.
            noise_level: Share of a source's free words that are noised, or several to be taken by turns; the dial
                between faithful and bold.
            num_inference_steps: Denoising steps.
            temperature: Of the sampling; 0 takes the best token.
            top_k: The best tokens that are sampled from.
            keep: For each text, words that had better stay (a noised text keeps them three times in four).
            casing: Spelling of words in this corpus, by `tilth.augmentation.text.corpus_spellings`; default: as in
                `texts`.
            generator: Source of randomness, on the CPU, or one a text, which settles the text's candidates whatever
                the other texts are.
            batch_size: Texts at most whose candidates are denoised together; default: 16 on each core of a processor,
                all with as long a longest candidate, so that no text depends on another, and 32 on an accelerator,
                where in half precision the last bits, and now and then a word, depend on the others. diffusers' own
                schedulers take 1.
            callback_on_step_end: Called with the pipeline, the step, the timestep and `{"ids": …}` after each step.
            return_dict: Whether to return a `ParaphraseOutput` or a tuple.

        Returns:
            The candidates; a text that is empty, too long or has no free word gives empty strings.
        """
        levels = [noise_level] if isinstance(noise_level, float | int) else list(noise_level)
        sources = generator_per_text(generator, len(texts))
        casing = corpus_spellings(texts) if casing is None else casing
        paraphrases, noise = [[""] * candidates for _ in texts], [[0.0] * candidates for _ in texts]
        words = [split_words(text, self.tokenizer) for text in texts]
        independent = schedulers.takes_several_texts(self.scheduler)
        on_cores = self.device.type == "cpu"
        canvases = [
            make_canvases(row, words[row], candidates, levels, set(keep[row]) if keep else set(), _numbers(source))
            for row, source in enumerate(sources)
        ]
        several = batch_size or (_ON_A_CORE if on_cores else _TOGETHER)
        batches, done = _batches(canvases, several if independent else 1, alike=on_cores), 0
        sampling: dict[str, Any] = {"temperature": temperature, "top_k": top_k}

        def fill(rows: Sequence[int]) -> int:
            batch = [canvas for row in rows for canvas in canvases[row]]
            drawn = {**sampling, "generator": [sources[canvas.row] for canvas in batch]}
            filled = self._denoise(batch, num_inference_steps, drawn, callback_on_step_end)
            for canvas, ids in zip(batch, filled, strict=True):
                paraphrases[canvas.row][canvas.slot] = detokenize(self._pieces(canvas, ids), texts[canvas.row], casing)
                noise[canvas.row][canvas.slot] = canvas.level
            return len(rows)

        casting = partial(autocast, self.device.type, self.denoiser.dtype)
        alone = not independent or callback_on_step_end is not None or not on_cores
        with self.progress_bar(total=len(texts)) as bar:
            for filled in each_on_a_core(fill, batches, casting, threads=1 if alone else thread_count()):
                bar.update(filled)
                report("paraphrasing", done := done + filled, len(texts))
        return ParaphraseOutput(texts=paraphrases, noise_levels=noise) if return_dict else (paraphrases, noise)

    def _denoise(self, batch: Sequence[Canvas], steps: int, sampling: dict[str, Any], callback: Any) -> np.ndarray:
        """Fills every masked position of a batch: ids (batch, length)."""
        if not batch:
            return np.zeros((0, 0), dtype=np.int64)
        device = self.device
        ids, segments = pad_canvases(batch)
        ids, segments = ids.to(device), segments.to(device)
        fidelity = torch.full((len(batch),), FIDELITY, device=device)
        bold = torch.tensor([boldness_level(canvas.level) for canvas in batch], device=device)
        timesteps = schedulers.prepare_timesteps(self.scheduler, steps, ids.shape[1], sampling["temperature"])
        for number, timestep in enumerate(timesteps):
            where = ids == MASK
            if bool((unfinished := where.any(dim=1)).any()):
                logits = self.denoiser(*(part[unfinished] for part in (ids, segments, fidelity, bold, where)))
                committed, token = schedulers.commit_tokens(self.scheduler, logits, where, timestep, **sampling)
                committed |= number == len(timesteps) - 1  # no scheduler may leave a mask
                ids[where] = torch.where(committed, self.denoiser.shortlist[token], MASK)
            if callback is not None:
                ids = callback(self, number, timestep, {"ids": ids}).get("ids", ids)
        return np.asarray(ids.cpu())

    def _pieces(self, canvas: Canvas, ids: np.ndarray) -> list[Piece]:
        """The target's parts up to its first separator behind the last word that was kept."""
        pieces: list[Piece] = []
        place = canvas.start
        last = max((k for k, word in enumerate(canvas.layout) if word is not None), default=-1)
        for number, word in enumerate(canvas.layout):
            if word is not None:
                pieces.append(Piece(word))
                place += len(word.ids)
                continue
            if ids[place] == SEP and number > last:
                break
            token = self.tokenizer.convert_ids_to_tokens(int(ids[place]))
            place += 1
            if token == self.tokenizer.sep_token:
                continue
            if pieces and pieces[-1].kept is None:
                pieces[-1] = Piece(None, (*pieces[-1].tokens, token))
            else:
                pieces.append(Piece(None, (token,)))
        return pieces


def _numbers(source: torch.Generator) -> np.random.Generator:
    """A text's own numbers, by which its canvases are noised."""
    return np.random.default_rng(int(torch.randint(2**62, (1,), generator=source)))


def _batches(canvases: Sequence[Sequence[Canvas]], several: int, *, alike: bool) -> list[list[int]]:
    """Rows that are denoised together, at most `several` and of like length, shortest first.

    Args:
        canvases: Of each text.
        several: Texts at most.
        alike: Whether together are only texts whose longest canvases are equally long: then none is padded for another,
            and what comes of it does not depend on the others.
    """
    lengths = [max((len(canvas.ids) for canvas in own), default=0) for own in canvases]
    order = np.argsort(lengths, kind="stable").tolist()
    runs = [list(run) for _, run in groupby(order, key=lambda row: lengths[row] if alike else 0)]
    return [run[first : first + several] for run in runs for first in range(0, len(run), several)]


def generator_per_text(
    given: torch.Generator | Sequence[torch.Generator] | None, count: int, device: torch.device | str = "cpu"
) -> list[torch.Generator]:
    """One generator a text, on a device, seeded by the one given or by those given, which may be on another device."""
    if given is None or isinstance(given, torch.Generator):
        given = [given or torch.Generator().manual_seed(0)] * count
    if len(given) != count:
        raise ValueError(f"a list of generators must hold one for each text; found {len(given)} for {count} texts")
    seeds = [int(torch.randint(2**62, (1,), generator=source, device=source.device)) for source in given]
    return [torch.Generator(device).manual_seed(seed) for seed in seeds]
