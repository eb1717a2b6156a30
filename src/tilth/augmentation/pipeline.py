"""Paraphrases by masked text diffusion, in diffusers' own terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers import DiffusionPipeline
from diffusers.utils import BaseOutput

from tilth.augmentation import scheduler as schedulers
from tilth.augmentation.denoiser import Denoiser
from tilth.augmentation.examples import CLS, MASK, SEP
from tilth.augmentation.wording import Piece, Word, spellings, words_of, write
from tilth.precision import autocast

FIDELITY, BOLDNESS = 4, 2
"""The levels asked for: as close in meaning as can be, with about half of the words new."""
_STAY = 0.75
"""How often a word of `keep` stays that would have been noised."""
LONGEST = 48
"""Tokens of the longest source."""


@dataclass
class ParaphraseOutput(BaseOutput):
    """Paraphrases (sources, candidates), and the noise that each was made with (sources, candidates)."""

    texts: list[list[str]]
    noise_levels: list[list[float]]


@dataclass
class _Canvas:
    """One candidate to be: its source's words, and for each target position the kept word or None (= masked)."""

    slot: int
    source: list[Word]
    layout: list[Word | None]
    level: float
    ids: np.ndarray
    start: int


class ParaphrasePipeline(DiffusionPipeline):
    """Rewrites texts, keeping their slots word for word.

    Args:
        denoiser: Fills masked tokens, given the source.
        tokenizer: The denoiser's.
        scheduler: Which masked tokens a step commits, by `tilth.augmentation.scheduler.make`.
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
            casing: Spelling of words in this corpus, by `tilth.augmentation.wording.spellings`; default: as in `texts`.
            generator: Source of randomness, on the CPU, or one a text; the same one gives the same texts. A text's
                candidates are denoised together and apart from other texts, so that its own generator settles them.
            callback_on_step_end: Called with the pipeline, the step, the timestep and `{"ids": …}` after each step.
            return_dict: Whether to return a `ParaphraseOutput` or a tuple.

        Returns:
            The candidates; a text that is empty, too long or has no free word gives empty strings.
        """
        levels = [noise_level] if isinstance(noise_level, float | int) else list(noise_level)
        sources = own_generators(generator, len(texts))
        casing = spellings(texts) if casing is None else casing
        found, noise = [[""] * candidates for _ in texts], [[0.0] * candidates for _ in texts]
        with self.progress_bar(total=len(texts)) as bar:
            for row, text in enumerate(texts):
                rng = np.random.default_rng(int(torch.randint(2**62, (1,), generator=sources[row])))
                words = words_of(text, self.tokenizer)
                canvases = _canvases(words, candidates, levels, set(keep[row]) if keep else set(), rng)
                sampling = {"temperature": temperature, "top_k": top_k, "generator": sources[row]}
                filled = self._denoise(canvases, num_inference_steps, sampling, callback_on_step_end)
                for canvas, ids in zip(canvases, filled, strict=True):
                    found[row][canvas.slot] = write(self._pieces(canvas, ids), text, casing)
                    noise[row][canvas.slot] = canvas.level
                bar.update()
        return ParaphraseOutput(texts=found, noise_levels=noise) if return_dict else (found, noise)

    def _denoise(self, batch: Sequence[_Canvas], steps: int, sampling: dict[str, Any], callback: Any) -> np.ndarray:
        """Fills every masked position of a batch: ids (batch, length)."""
        if not batch:
            return np.zeros((0, 0), dtype=np.int64)
        device = self.device
        ids, segments = _padded(batch)
        ids, segments = ids.to(device), segments.to(device)
        fidelity = torch.full((len(batch),), FIDELITY, device=device)
        boldness = torch.tensor([_boldness(canvas.level) for canvas in batch], device=device)
        timesteps = schedulers.prepare(self.scheduler, steps, ids.shape[1], sampling["temperature"])
        for number, timestep in enumerate(timesteps):
            where = ids == MASK
            if bool(where.any()):
                with autocast(device.type, self.denoiser.dtype):
                    logits = self.denoiser(ids, segments, fidelity, boldness, where)
                committed, token = schedulers.commit(self.scheduler, logits, where, timestep, **sampling)
                committed |= number == len(timesteps) - 1  # no scheduler may leave a mask
                ids[where] = torch.where(committed, self.denoiser.shortlist[token], MASK)
            if callback is not None:
                ids = callback(self, number, timestep, {"ids": ids}).get("ids", ids)
        return np.asarray(ids.cpu())

    def _pieces(self, canvas: _Canvas, ids: np.ndarray) -> list[Piece]:
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


def own_generators(
    given: torch.Generator | Sequence[torch.Generator] | None, count: int, device: torch.device | str = "cpu"
) -> list[torch.Generator]:
    """One generator a text, on a device, seeded by the one given or by those given, which may be on another device."""
    if given is None or isinstance(given, torch.Generator):
        given = [given or torch.Generator().manual_seed(0)] * count
    if len(given) != count:
        raise ValueError(f"a list of generators must hold one for each text; found {len(given)} for {count} texts")
    seeds = [int(torch.randint(2**62, (1,), generator=source, device=source.device)) for source in given]
    return [torch.Generator(device).manual_seed(seed) for seed in seeds]


def _canvases(
    words: list[Word], candidates: int, levels: Sequence[float], keep: set[str], rng: np.random.Generator
) -> list[_Canvas]:
    """The noised beginnings of a source's candidates, or none where there is nothing to rephrase."""
    free = [place for place, word in enumerate(words) if not word.fixed]
    source = [token for word in words for token in word.ids]
    if not free or len(source) > LONGEST:
        return []
    canvases = []
    for slot in range(candidates):
        level = levels[slot % len(levels)]
        layout = _noised(words, free, level, keep, rng)
        target = [token for word in layout for token in (word.ids if word is not None else (MASK,))]
        ids = np.array([CLS, *source, SEP, *target, SEP])
        canvases.append(_Canvas(slot, words, layout, level, ids, len(source) + 2))
    return canvases


def _noised(
    words: list[Word], free: list[int], level: float, keep: set[str], rng: np.random.Generator
) -> list[Word | None]:
    """Masks a share of the free words, and lets the target be shorter or longer than its source."""
    # One run of words is noised (it may wrap round), so that what stays is phrases and not scattered words.
    count, first = max(1, round(level * len(free))), int(rng.integers(len(free)))
    run = [free[(first + k) % len(free)] for k in range(count)]
    stay = {place for place in run if words[place].text.lower() in keep and rng.random() < _STAY}
    masked = set(run) - stay or {run[0]}
    layout: list[Word | None] = []
    for place, word in enumerate(words):
        if place not in masked:
            layout.append(word)
            continue
        drift = int(rng.choice([-1, 0, 0, 0, 1]))
        layout.extend([None] * max(0 if len(masked) > 2 else 1, len(word.ids) + drift))
    return [*layout, *[None] * int(rng.integers(0, 3))]


def _boldness(level: float) -> int:
    return 1 if level < 0.5 else BOLDNESS


def _padded(batch: Sequence[_Canvas]) -> tuple[torch.Tensor, torch.Tensor]:
    length = max(len(canvas.ids) for canvas in batch)
    ids, segments = np.zeros((len(batch), length), dtype=np.int64), np.zeros((len(batch), length), dtype=np.int64)
    for number, canvas in enumerate(batch):
        ids[number, : len(canvas.ids)] = canvas.ids
        segments[number, canvas.start : len(canvas.ids)] = 1
    return torch.from_numpy(ids), torch.from_numpy(segments)
