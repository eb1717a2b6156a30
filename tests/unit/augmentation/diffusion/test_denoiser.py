from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tilth.augmentation.diffusion.adaptation.training_data import (
    Examples,
    add_noise,
    join_examples,
    noised_batches,
    paired_examples,
    unpaired_examples,
)
from tilth.augmentation.diffusion.adaptation.training_loop import (
    Progress,
    Schedule,
    heldout_loss,
    make_optimizer,
    train_denoiser,
)
from tilth.augmentation.diffusion.checkpoints import PRETRAINED, load_paraphraser, with_vocabulary
from tilth.augmentation.diffusion.denoiser import Denoiser
from tilth.augmentation.diffusion.vocabulary import CLS, MASK, SEP, pack_vocabulary, unpack_vocabulary
from tilth.augmentation.quality.fluency import Fluency, nats_cache
from tilth.store import Cache

TEXTS = [[2073, 2003, 2026, 4003], [2073, 2003, 2026, 2769], [2129, 2079, 1045]]


def examples() -> Examples:
    pairs = paired_examples(TEXTS, np.array([[0, 1], [1, 0]]), np.array([0.7, 0.9]))
    return join_examples([pairs, unpaired_examples(TEXTS, np.array([2]))])


def test_a_vocabulary_survives_packing() -> None:
    ids = np.array([100, 102, 5000, 30521])  # 100 is the unknown word, which nobody wants to read
    assert unpack_vocabulary(pack_vocabulary(ids, 30522), 30522).tolist() == [102, 5000, 30521]
    assert len(unpack_vocabulary("", 7)) == 7


def test_pairs_carry_their_levels() -> None:
    found = examples()
    assert found.fidelity.tolist() == [2, 4, 0]
    assert found.boldness.tolist() == [1, 1, 0]  # one word of four is new
    assert found.lengths().tolist() == [14, 14, 9]


def test_noise_masks_target_tokens_alone() -> None:
    batch = add_noise(examples(), np.random.default_rng(0), rate=(1.0, 1.0))
    assert batch.ids[0, :6].tolist() == [CLS, *TEXTS[0], SEP]
    assert batch.where[0, :6].sum() == 0
    assert (batch.ids[batch.where] == MASK).all()
    assert batch.answers[:4].tolist() == TEXTS[1]
    assert set(batch.answers[4 : int(batch.where[0].sum())].tolist()) == {SEP}


def test_learning_lowers_the_loss_and_is_repeatable(denoiser: Denoiser) -> None:
    def trained() -> tuple[float, float]:
        model = with_vocabulary(denoiser, pack_vocabulary(np.array([SEP, *(t for text in TEXTS for t in text)]), 30522))
        before = heldout_loss(model, examples(), 0)
        source = noised_batches(examples(), 8, np.random.default_rng(0))
        train_denoiser(model, source, Schedule(steps=30, peak=1e-3, warmup=3), make_optimizer(model), Progress())
        return before, heldout_loss(model, examples(), 0)

    before, after = trained()
    assert after < 0.6 * before
    assert trained() == (before, after)


def test_the_rate_rises_stays_and_falls() -> None:
    schedule = Schedule(steps=100, peak=1.0, warmup=10, decay=0.5)
    assert [schedule.rate(step) for step in (0, 9, 50, 75, 99)] == pytest.approx([0.1, 1.0, 1.0, 0.5, 0.02])


def test_a_saved_denoiser_holds_no_word_vectors_and_loads_equal(denoiser: Denoiser, tmp_path: Path) -> None:
    denoiser.save_pretrained(str(tmp_path))
    again = Denoiser.from_pretrained(str(tmp_path)).eval()
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 10_000_000
    assert torch.equal(again.vectors, denoiser.vectors)
    assert heldout_loss(again, examples(), 1) == heldout_loss(denoiser, examples(), 1)


def test_a_narrow_denoiser_with_words_of_its_own() -> None:
    torch.manual_seed(0)
    model = Denoiser(vocabulary_size=50, width=16, layers=1, heads=2, inner=32, positions=20, words="")
    torch.nn.init.normal_(model.vectors)
    one = torch.ones((2, 5), dtype=torch.long)
    assert model(one, one, one[:, 0], one[:, 0], one == 1).shape == (10, 50)


def test_padding_changes_nothing(denoiser: Denoiser) -> None:
    row = torch.tensor([[CLS, 2073, SEP, MASK, SEP]])
    padded = torch.cat([row, torch.zeros((1, 4), dtype=torch.long)], dim=1)
    level = torch.zeros(1, dtype=torch.long)
    with torch.inference_mode():
        short = denoiser(row, (row > 0).long(), level, level, row == MASK)
        long = denoiser(padded, (padded > 0).long(), level, level, padded == MASK)
    assert torch.allclose(short, long, atol=1e-3)


def test_the_last_layer_is_the_same_where_it_alone_is_computed(denoiser: Denoiser) -> None:
    torch.manual_seed(1)
    layer, x = denoiser.blocks[0], torch.randn(3, 5, 384)
    where = torch.tensor([[1, 0, 1, 0, 0], [0, 0, 0, 0, 0], [0, 1, 1, 1, 0]], dtype=torch.bool)
    mask = torch.tensor([0.0, 0.0, 0.0, 0.0, -1e4]).expand(3, 1, 1, 5)
    with torch.inference_mode():
        torch.testing.assert_close(layer.at(x, mask, where), layer(x, mask)[where], atol=1e-4, rtol=1e-4)
        assert layer.at(x, None, torch.zeros_like(where)).shape == (0, 384)


def test_the_shipped_denoiser_is_small_and_reads_english_best() -> None:
    assert sum(file.stat().st_size for file in PRETRAINED.iterdir()) <= 16_000_000
    pipeline = load_paraphraser("pretrained", "confidence")
    texts = ["how do i change my delivery address", "how change do my i address delivery", ""]
    found = Fluency(pipeline.denoiser, pipeline.tokenizer).nats(texts)
    assert found.mean[0] < found.mean[1] - 1
    assert found.worst[0] < found.worst[1] - 1
    assert np.isnan(found.mean[2])
    assert found.worst[2] == 0
    alone = Fluency(pipeline.denoiser, pipeline.tokenizer).nats(texts[:1])
    assert alone.mean[0] == pytest.approx(found.mean[0], rel=0.02)  # whatever stands beside it in a batch


def test_nats_are_asked_once_a_text(tmp_path: Path) -> None:
    pipeline = load_paraphraser("pretrained", "confidence")
    texts = ["how do i change my delivery address", "", "where is my card"]
    fluency = Fluency(pipeline.denoiser, pipeline.tokenizer, nats_cache(Cache(tmp_path), "shipped"))
    first = fluency.nats(texts)
    again = Fluency(None, None, nats_cache(Cache(tmp_path), "shipped")).nats(texts[::-1])  # type: ignore[arg-type]
    np.testing.assert_array_equal(again.mean, first.mean[::-1])
    np.testing.assert_array_equal(again.worst, first.worst[::-1])
