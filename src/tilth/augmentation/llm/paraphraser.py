"""Paraphrases by a large diffusion language model that is prompted: LLaDA2 or DiffusionGemma, by diffusers.

Both pipelines draw from the generator that they are given and from nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import torch
from diffusers.utils.logging import tqdm

from tilth.augmentation.diffusion import ParaphraseOutput, generator_per_text
from tilth.augmentation.llm.prompt import has_free_words, paraphrase_prompt, read_answer
from tilth.augmentation.text import corpus_spellings, match_style

LLADA2: Literal["llada2"] = "llada2"
BLOCK = 32
"""Tokens of a LLaDA2 block: what it was trained with, and diffusers' default."""
MAX_SOURCE_TOKENS = 256
"""Tokens of the longest source."""
_ROOM = 16  # tokens that an answer may have beside twice its source's


class PromptedParaphraser:
    """Prompts a large model for paraphrases; called as a `ParaphrasePipeline` is.

    Args:
        pipeline: diffusers' `LLaDA2Pipeline` or `DiffusionGemmaPipeline`, with a tokenizer that has a chat template.
        backend: Which of the two.
        fingerprint: What a cache is keyed by, by `tilth.augmentation.llm.checkpoints.fingerprint_large`.
        batch_size: Paraphrases of one text and one noise level that are made together.
    """

    def __init__(
        self, pipeline: Any, backend: Literal["llada2", "diffusion_gemma"], fingerprint: str, batch_size: int = 8
    ) -> None:
        self.pipeline, self.backend, self.fingerprint, self.batch_size = pipeline, backend, fingerprint, batch_size
        self.tokenizer: Any = pipeline.tokenizer if backend == LLADA2 else pipeline.processor
        self._bar: dict[str, Any] = {}
        pipeline.set_progress_bar_config(disable=True)  # it would draw one for each block of each batch
        if backend == LLADA2:
            pipeline.model.register_forward_pre_hook(_block_mask, with_kwargs=True)
        self._stops = _stops(pipeline.model, self.tokenizer)

    def set_progress_bar_config(self, **config: Any) -> None:
        """How the bar over the texts is drawn: `tqdm`'s own arguments."""
        self._bar = config

    @torch.inference_mode()
    def __call__(
        self,
        texts: Sequence[str],
        *,
        candidates: int = 4,
        noise_level: float | Sequence[float] = 0.7,
        num_inference_steps: int = 32,
        temperature: float = 0.8,
        top_k: int = 20,
        keep: Sequence[Sequence[str]] | None = None,
        casing: Mapping[str, str] | None = None,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
    ) -> ParaphraseOutput:
        """Paraphrases of each text.

        Args:
            texts: The sources.
            candidates: Paraphrases of each.
            noise_level: How freely a source is to be reworded, from 0 to 1, or several to be taken by turns.
            num_inference_steps: Denoising steps of each block of tokens.
            temperature: Of the sampling; 0 takes the best token.
            top_k: The best tokens that are sampled from.
            keep: For each text, words that had better stay.
            casing: Spelling of words in this corpus, by `tilth.augmentation.text.corpus_spellings`; default: as in
                `texts`.
            generator: Source of randomness, or one for each text; each text draws from its own, so that with a list
                its paraphrases do not depend on the other texts. Where the model is makes a difference, too.

        Returns:
            The candidates; empty strings where a text is empty, too long or nothing but slots, and where an answer is
            empty or was cut off.
        """
        levels = [noise_level] if isinstance(noise_level, float | int) else list(noise_level)
        casing = corpus_spellings(texts) if casing is None else casing
        generators = generator_per_text(generator, len(texts), self.pipeline._execution_device)
        paraphrases = [[""] * candidates for _ in texts]
        noise = [[0.0] * candidates for _ in texts]
        sampling = {"num_inference_steps": num_inference_steps, "temperature": temperature}
        for row, text in enumerate(tqdm(texts, **self._bar)):
            tokens = len(self.tokenizer(text, add_special_tokens=False)["input_ids"])
            if not has_free_words(text) or tokens > MAX_SOURCE_TOKENS:
                continue
            for level, slots in _batches(levels, candidates, self.batch_size):
                prompt = paraphrase_prompt(text, level, keep[row] if keep else ())
                room = {"gen_length": 2 * tokens + _ROOM, "generator": generators[row]}
                answers = self._generate(prompt, len(slots), top_k, **sampling, **room)
                for slot, answer in zip(slots, answers, strict=True):
                    paraphrases[row][slot] = match_style(read_answer(answer, text), text, casing)
                    noise[row][slot] = level
        return ParaphraseOutput(texts=paraphrases, noise_levels=noise)

    def _generate(self, prompt: str, count: int, top_k: int, **sampling: Any) -> list[str]:
        """Answers to one prompt: the same in each row, so that no row is padded, which both pipelines do badly."""
        if self.backend == LLADA2:
            # No editing of tokens that stand: only LLaDA2.1 has learned it, and without it a token is to be surer.
            threshold = self.pipeline.scheduler.config.threshold
            sampling |= {"top_k": top_k, "threshold": threshold, "editing_threshold": None, "block_length": BLOCK}
        else:
            # The pipeline has no argument for it, and passes on those alone that it knows.
            scheduler = self.pipeline.scheduler
            scheduler.step = partial(type(scheduler).step, scheduler, top_k=top_k)
        messages = [[{"role": "user", "content": prompt}]] * count
        sequences = self.pipeline(messages=messages, output_type="seq", **sampling).sequences
        return [self._read(ids) for ids in sequences.tolist()]

    def _read(self, ids: list[int]) -> str:
        """The text up to the first token that ends an answer; nothing where there is none and no line is whole."""
        end = next((place for place, token in enumerate(ids) if token in self._stops), None)
        text = str(self.tokenizer.decode(ids[:end], skip_special_tokens=True)).strip()
        return text if end is not None or "\n" in text else ""


def _batches(levels: Sequence[float], candidates: int, batch_size: int) -> Iterator[tuple[float, list[int]]]:
    """The candidates that share a noise level, and so a prompt, in batches."""
    for level in dict.fromkeys(levels):
        slots = [slot for slot in range(candidates) if levels[slot % len(levels)] == level]
        for start in range(0, len(slots), batch_size):
            yield level, slots[start : start + batch_size]


def _stops(model: Any, tokenizer: Any) -> set[int]:
    """Ids of the tokens that end an answer; a chat model's turn often ends in another one than its text."""
    config = getattr(model, "generation_config", None)
    ids = getattr(config, "eos_token_id", None)
    listed = ids if isinstance(ids, list) else [ids]
    return {token for token in [*listed, tokenizer.eos_token_id] if token is not None}


def _block_mask(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Turns the pipeline's mask (batch, length) into the one that LLaDA2 was trained with (batch, 1, length, length).

    A block sees itself and the blocks before it. The published model code takes no other mask, while the pipeline
    only says which tokens are there.
    """
    present = kwargs["attention_mask"]
    block = torch.arange(present.shape[1], device=present.device) // BLOCK
    seen = (block[:, None] >= block[None, :])[None, None] & present.bool()[:, None, None, :]
    added = torch.zeros(seen.shape, dtype=model.dtype, device=seen.device)
    return args, {**kwargs, "attention_mask": added.masked_fill(~seen, torch.finfo(model.dtype).min)}
