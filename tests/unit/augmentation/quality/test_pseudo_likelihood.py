from __future__ import annotations

import numpy as np
import pytest

from tests.tiny_denoiser import tiny_denoiser
from tilth.augmentation.diffusion.checkpoints import load_paraphraser
from tilth.augmentation.quality import pseudo_likelihood
from tilth.augmentation.quality.pseudo_likelihood import measure_losses


def test_losses_are_the_same_however_many_batches_are_read_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pseudo_likelihood, "_BATCH", 4)
    pipeline = load_paraphraser(tiny_denoiser(), "confidence")
    texts = ["where is my refund", "cancel my contract", "why does the router drop out every night?", "no"]
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        losses = measure_losses(pipeline.denoiser, pipeline.tokenizer, texts, texts[::-1], np.full((4, 2), np.inf))
        assert all(one.whole for one in losses)
        found.append([one.known for one in losses])
    assert found[0] == found[1]
