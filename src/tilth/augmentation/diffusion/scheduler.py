"""Which masked tokens a denoising step commits: our exact scheduler, and diffusers' own behind one call.

The conventions of discrete schedulers are being unified upstream (diffusers pull request 14741), so all of
tilth's use of them stands in this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeAlias

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from diffusers.utils import BaseOutput
from torch import Tensor


@dataclass
class AbsorbingSchedulerOutput(BaseOutput):
    """Tokens after a step (rows,), those that stay masked holding the mask id."""

    prev_sample: Tensor


Generators: TypeAlias = torch.Generator | Sequence[torch.Generator] | None
"""One, or one for each sequence, as diffusers takes them: sequences in a row that share one draw from it together."""


class AbsorbingScheduler(SchedulerMixin, ConfigMixin):
    """The reverse of the absorbing-state process with a linear schedule (Austin et al. 2021; Sahoo et al. 2024).

    At time t a token is masked with probability t. From t to s a masked token stays so with probability s / t,
    which is the exact posterior, and else takes the denoiser's clean token.

    Args:
        commit: `random` draws who is committed from the posterior; `confidence` commits as many as the posterior
            does on average, the surest first (Chang et al. 2022, MaskGIT).
    """

    order = 1

    @register_to_config
    def __init__(self, commit: str = "confidence") -> None:
        if commit not in ("confidence", "random"):
            raise ValueError(f'commit is "confidence" or "random"; found "{commit}"')
        self.timesteps = torch.arange(7, -1, -1)

    def set_timesteps(self, num_inference_steps: int, device: Any = None) -> None:
        """Steps are counted down to 0, at which everything is committed."""
        self.timesteps = torch.arange(num_inference_steps - 1, -1, -1, device=device)

    def step(
        self,
        model_output: Tensor,
        timestep: int,
        sample: Tensor,
        *,
        owner: Tensor,
        mask_token_id: int,
        temperature: float = 1.0,
        top_k: int = 20,
        generator: Generators = None,
    ) -> AbsorbingSchedulerOutput:
        """Samples clean tokens and commits some of them.

        Args:
            model_output: Logits at the masked positions (masked, vocabulary).
            timestep: Steps that remain after this one.
            sample: The masked tokens (masked,).
            owner: The sequence that each of them belongs to, in order (masked,).
            mask_token_id: What a token holds that stays masked.
            temperature: Of the sampled token; 0 takes the best one.
            top_k: The best tokens that are sampled from.
            generator: Source of randomness, on the CPU, or one for each sequence.
        """
        if not bool((sample == mask_token_id).all()):
            raise ValueError("step takes masked tokens alone; leave out those that are committed")
        width = min(top_k, model_output.shape[-1]) if temperature > 0 else 0
        race, draw = (numbers.to(model_output.device) for numbers in _random_numbers(owner, width, generator))
        token, confidence = _sampled(model_output.float(), temperature, race, width or 1)
        stays = timestep / (timestep + 1)
        if self.config.commit == "random":
            keep = draw < stays
        else:
            # Gumbel noise on the confidence keeps siblings from committing in the same order.
            confidence = (
                confidence.clamp_min(1e-9).log() - 0.3 * temperature * stays * (-draw.clamp_min(1e-9).log()).log()
            )
            keep = ~_most_confident(confidence, owner, 1 - stays)
        return AbsorbingSchedulerOutput(prev_sample=torch.where(keep, mask_token_id, token))


def _random_numbers(owner: Tensor, width: int, generator: Generators) -> tuple[Tensor, Tensor]:
    """Exponential (masked, width) and uniform (masked,) numbers, those of a sequence by its own generator."""
    counts = torch.bincount(owner).tolist()
    numbers = []
    for own, count in _groups_by_generator(counts, generator):
        race = torch.empty((count, width)).exponential_(generator=own) if width else torch.empty((count, 0))
        numbers.append((race, torch.rand(count, generator=own)))
    race, draw = (torch.cat(parts) for parts in zip(*numbers, strict=True))
    return race, draw


def _groups_by_generator(counts: Sequence[int], generator: Generators) -> list[tuple[torch.Generator | None, int]]:
    """Each generator and the masked tokens of the sequences that draw from it together, without those that have none.

    Args:
        counts: Masked tokens of each sequence.
        generator: One, or one for each sequence.
    """
    if generator is None or isinstance(generator, torch.Generator):
        return [(generator, sum(counts))]
    runs = groupby(zip(generator, counts, strict=False), key=lambda pair: id(pair[0]))
    shared = [list(run) for _, run in runs]
    return [(run[0][0], total) for run in shared if (total := sum(count for _, count in run))]


def _sampled(logits: Tensor, temperature: float, race: Tensor, top_k: int) -> tuple[Tensor, Tensor]:
    """A token a row, and the denoiser's own probability of it (masked,), (masked,).

    The best of chances over exponential numbers is a draw by these chances, which is how torch draws one, too.
    """
    top, ids = logits.topk(top_k, dim=-1)
    total = logits.logsumexp(dim=-1, keepdim=True)
    if temperature > 0:
        place = (torch.softmax(top / temperature, dim=-1) / race).argmax(dim=-1, keepdim=True)
    else:
        place = torch.zeros((len(logits), 1), dtype=torch.long, device=logits.device)
    return ids.gather(1, place)[:, 0], (top.gather(1, place) - total).exp()[:, 0]


def _most_confident(score: Tensor, owner: Tensor, share: float) -> Tensor:
    """In each sequence the best `share` of its masked positions, at least one."""
    by_score = torch.argsort(score, descending=True, stable=True)
    order = by_score[torch.argsort(owner[by_score], stable=True)]
    count = torch.bincount(owner)
    first = torch.cumsum(count, 0) - count
    rank = torch.empty_like(owner)
    rank[order] = torch.arange(len(owner), device=owner.device) - first[owner[order]]
    return rank < torch.ceil(share * count[owner] - 1e-6).clamp_min(1)


def make_scheduler(name: str) -> Any:
    """The scheduler of a config's word: `confidence`, `absorbing`, `block_refinement` or `amused`."""
    if name == "block_refinement":
        from diffusers import BlockRefinementScheduler

        return BlockRefinementScheduler()
    if name == "amused":
        from diffusers import AmusedScheduler

        return AmusedScheduler(mask_token_id=0)
    return AbsorbingScheduler(commit={"confidence": "confidence", "absorbing": "random"}[name])


def prepare_timesteps(scheduler: Any, steps: int, length: int, temperature: float) -> list[int]:
    """Sets a scheduler to `steps` over targets of `length` tokens; the timesteps in the order to be taken."""
    if type(scheduler).__name__ == "BlockRefinementScheduler":
        scheduler.set_timesteps(steps, block_length=length)
        return list(range(steps))
    if type(scheduler).__name__ == "AmusedScheduler":
        scheduler.set_timesteps(steps, temperature=(2 * temperature, 0))
    else:
        scheduler.set_timesteps(steps)
    return [int(t) for t in scheduler.timesteps]


def takes_several_texts(scheduler: Any) -> bool:
    """Whether sequences may draw from generators of their own, and how long one is changes nothing for another."""
    return isinstance(scheduler, AbsorbingScheduler)


def commit_tokens(
    scheduler: Any,
    logits: Tensor,
    where: Tensor,
    timestep: int,
    *,
    temperature: float,
    top_k: int,
    generator: Generators,
) -> tuple[Tensor, Tensor]:
    """One step of any scheduler.

    Args:
        scheduler: One by `make_scheduler`, set by `prepare_timesteps`.
        logits: At the masked positions (masked, vocabulary).
        where: The masked positions (batch, length).
        timestep: One of `prepare_timesteps`'s.
        temperature: Of the sampling.
        top_k: The best tokens that are sampled from.
        generator: Source of randomness, on the CPU; one for each sequence where `takes_several_texts`.

    Returns:
        Which masked positions are committed (masked,), and each one's token as an index into the vocabulary.
    """
    mask = logits.shape[-1]
    if isinstance(scheduler, AbsorbingScheduler):
        masked = torch.full((len(logits),), mask, device=logits.device)
        after = scheduler.step(
            logits, timestep, masked, owner=where.nonzero()[:, 0], mask_token_id=mask, temperature=temperature,
            top_k=top_k, generator=generator,
        ).prev_sample  # fmt: skip
        return after != mask, after.clamp_max(mask - 1)
    canvas = torch.where(where, mask, 0)
    full = logits.new_zeros((*where.shape, mask), dtype=torch.float32)
    full[where] = _cut(logits.float(), top_k)
    options: dict[str, Any] = {"generator": generator[0] if isinstance(generator, Sequence) else generator}
    if type(scheduler).__name__ == "AmusedScheduler":
        scheduler.register_to_config(mask_token_id=mask)
        full = full / max(temperature, 1e-3)
        options["starting_mask_ratio"] = float(where.float().mean())
    else:
        options |= {"mask_token_id": mask, "temperature": temperature}
    after = scheduler.step(full, timestep, canvas, **options).prev_sample[where]
    return after != mask, after.clamp_max(mask - 1)


def _cut(logits: Tensor, top_k: int) -> Tensor:
    least = logits.topk(min(top_k, logits.shape[-1]), dim=-1).values[:, -1:]
    return logits.masked_fill(logits < least, torch.finfo(logits.dtype).min)
