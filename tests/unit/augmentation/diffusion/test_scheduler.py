from __future__ import annotations

import pytest
import torch

from tilth.augmentation.diffusion.scheduler import AbsorbingScheduler, commit_tokens, make_scheduler, prepare_timesteps

NAMES = ("confidence", "absorbing", "block_refinement", "amused")


def run(name: str, steps: int = 4) -> torch.Tensor:
    scheduler, generator = make_scheduler(name), torch.Generator().manual_seed(1)
    canvas = torch.full((3, 6), -1)
    canvas[:, 0] = 7
    logits = torch.zeros(3, 6, 9)
    logits[:, :, 4] = 20.0
    for number, timestep in enumerate(prepare_timesteps(scheduler, steps, 6, 0.5)):
        where = canvas == -1
        if not where.any():
            break
        done, token = commit_tokens(
            scheduler, logits[where], where, timestep, temperature=0.5, top_k=5, generator=generator
        )
        before = canvas.clone()
        canvas[where] = torch.where(done | (number == steps - 1), token, -1)
        assert (before[before != -1] == canvas[before != -1]).all()
    return canvas


@pytest.mark.parametrize("name", NAMES)
def test_every_scheduler_fills_the_masks_and_leaves_the_rest(name: str) -> None:
    assert run(name).tolist() == [[7, 4, 4, 4, 4, 4]] * 3


@pytest.mark.parametrize("name", NAMES)
def test_the_same_generator_gives_the_same_tokens(name: str) -> None:
    assert torch.equal(run(name), run(name))


def test_the_exact_posterior_keeps_a_token_masked_with_chance_s_over_t() -> None:
    scheduler = AbsorbingScheduler(commit="random")
    scheduler.set_timesteps(4)
    many = torch.zeros(20_000, 3)
    after = scheduler.step(
        many, 3, torch.full((20_000,), 3), owner=torch.zeros(20_000, dtype=torch.long), mask_token_id=3,
        generator=torch.Generator().manual_seed(0),
    ).prev_sample  # fmt: skip
    assert float((after == 3).float().mean()) == pytest.approx(3 / 4, abs=0.01)


def test_confidence_commits_the_surest_share_of_each_sequence() -> None:
    scheduler = AbsorbingScheduler(commit="confidence")
    scheduler.set_timesteps(2)
    logits = torch.tensor([[9.0, 0.0], [1.0, 0.0], [0.0, 8.0], [0.0, 0.1]])
    after = scheduler.step(
        logits, 1, torch.full((4,), 2), owner=torch.tensor([0, 0, 1, 1]), mask_token_id=2, temperature=0.0, top_k=2
    ).prev_sample
    assert after.tolist() == [0, 2, 1, 2]


@pytest.mark.parametrize("commit_by", ["confidence", "random"])
def test_sequences_with_generators_of_their_own_do_not_see_one_another(commit_by: str) -> None:
    scheduler = AbsorbingScheduler(commit=commit_by)
    logits = torch.randn(9, 7, generator=torch.Generator().manual_seed(0))
    owner = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2])  # sequence 3 has no mask left

    def step(rows: slice, of: torch.Tensor, seeds: list[int]) -> list[int]:
        seeded = {seed: torch.Generator().manual_seed(seed) for seed in seeds}
        masked = torch.full((len(of),), 7)
        return scheduler.step(
            logits[rows], 2, masked, owner=of, mask_token_id=7, generator=[seeded[seed] for seed in seeds]
        ).prev_sample.tolist()  # fmt: skip

    together = step(slice(None), owner, [5, 5, 6, 6])
    assert together == [*step(slice(0, 5), owner[:5], [5, 5]), *step(slice(5, 9), owner[5:] - 2, [6])]
    assert together != step(slice(None), owner, [7, 7, 6, 6])


def test_a_step_over_committed_tokens_and_an_unknown_rule_are_refused() -> None:
    with pytest.raises(ValueError, match="masked tokens alone"):
        AbsorbingScheduler().step(torch.zeros(1, 2), 0, torch.tensor([1]), owner=torch.tensor([0]), mask_token_id=2)
    with pytest.raises(ValueError, match='"confidence" or "random"; found "best"'):
        AbsorbingScheduler(commit="best")
