"""Where large models come from: the Hub or a folder, and what must be so before one is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import diffusers
import torch
import transformers
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.utils.hub import cached_file, extract_commit_hash

from tilth.augmentation.llm.config import LargeConfig
from tilth.augmentation.llm.paraphraser import BLOCK, LLADA2, PromptedParaphraser
from tilth.augmentation.llm.prompt import PROMPT_VERSION
from tilth.devices import resolve_device
from tilth.errors import ConfigError
from tilth.store import digest_json, digest_tree, read_json

Backend = Literal["llada2", "diffusion_gemma"]


@dataclass(frozen=True)
class _Published:
    """A backend's checkpoint, its `model_type`, and the classes that run it."""

    checkpoint: str
    kind: str
    model: str
    pipeline: str


_PUBLISHED = {
    "llada2": _Published("inclusionAI/LLaDA2.0-mini", "llada2_moe", "AutoModelForCausalLM", "LLaDA2Pipeline"),
    "diffusion_gemma": _Published(
        "google/diffusiongemma-26B-A4B-it", "diffusion_gemma", "DiffusionGemmaForBlockDiffusion",
        "DiffusionGemmaPipeline",
    ),
}  # fmt: skip


def check_large(backend: Backend, large: LargeConfig) -> None:
    """Whether a large model can be loaded, as far as can be checked without its weights.

    Raises:
        ConfigError: there is no such device, a class is missing in an installed library, or the model is not
            available, is of another kind, or needs code of its own that is not trusted or does not run here.
    """
    resolve_device(large.device, "augmentation.large.device", 'augmentation.backend = "tilth"')
    published = _PUBLISHED[backend]
    _class(diffusers, published.pipeline)
    model = _class(transformers, published.model)
    _check_kind(read_json(Path(_config_file(backend, large))), published.kind, _name(backend, large))
    if published.kind not in CONFIG_MAPPING:
        _check_own_code(model, backend, large)


def load_large(backend: Backend, large: LargeConfig) -> PromptedParaphraser:
    """The paraphraser of a config, its model on the configured device.

    Raises:
        ConfigError: as in `check_large`, or the weights or the tokenizer are not available.
    """
    check_large(backend, large)
    published, name = _PUBLISHED[backend], _name(backend, large)
    of = _load_options(published, large)
    try:
        model = _class(transformers, published.model).from_pretrained(
            name, **of, dtype=getattr(torch, large.dtype), device_map=large.device, use_safetensors=True
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, **of)
    except (OSError, ValueError, ImportError) as error:
        raise _unavailable(name, error) from error
    _check_tokenizer(tokenizer, backend, name)
    scheduler = diffusers.BlockRefinementScheduler(block_length=BLOCK)
    holder = "tokenizer" if backend == LLADA2 else "processor"
    pipeline = _class(diffusers, published.pipeline)(model=model, scheduler=scheduler, **{holder: tokenizer})
    return PromptedParaphraser(pipeline, backend, fingerprint_large(backend, large), large.batch_size)


def fingerprint_large(backend: Backend, large: LargeConfig) -> str:
    """Digest of all that the answers depend on beside the request: model files, precision, kind of device and prompt.

    A folder is read from end to end; of a Hub name the commit is taken.

    Raises:
        ConfigError: the model is not available.
    """
    name = _name(backend, large)
    if Path(name).is_dir():
        files = digest_tree(Path(name))
    else:
        files = f"{name}@{extract_commit_hash(_config_file(backend, large), None)}"
    return digest_json([backend, files, large.dtype, torch.device(large.device).type, large.batch_size, PROMPT_VERSION])


def _name(backend: Backend, large: LargeConfig) -> str:
    return large.model or _PUBLISHED[backend].checkpoint


def _load_options(published: _Published, large: LargeConfig) -> dict[str, Any]:
    """What every `from_pretrained` is given; classes of the library itself never run a checkpoint's code."""
    own = published.kind not in CONFIG_MAPPING
    return {"revision": large.revision or "main", "trust_remote_code": own and large.trust_remote_code}


def _class(library: Any, name: str) -> Any:
    value = getattr(library, name, None)
    if value is None:
        raise ConfigError(
            f"{library.__name__} {library.__version__} has no {name}; "
            f"python -m pip install --upgrade {library.__name__}"
        )
    return value


def _config_file(backend: Backend, large: LargeConfig) -> str:
    """The checkpoint's config.json, in its folder or in the Hub's cache."""
    name = _name(backend, large)
    try:
        return str(cached_file(name, "config.json", revision=large.revision or "main"))
    except (OSError, ValueError) as error:
        raise _unavailable(name, error) from error


def _unavailable(name: str, error: Exception) -> ConfigError:
    return ConfigError(
        f'augmentation.large.model = "{name}" is not available: {str(error).splitlines()[0]} '
        "Give a folder by save_pretrained, or a Hub name that is in the cache (hf download …) or can be fetched "
        "(HF_HUB_OFFLINE unset)"
    )


def _check_kind(config: dict[str, Any], kind: str, name: str) -> None:
    model_type = config.get("model_type")
    if model_type != kind:
        raise ConfigError(
            f'augmentation.large.model = "{name}" is a model of type "{model_type}", and this backend runs "{kind}"; '
            "set augmentation.backend to the model's own, or give another model"
        )


def _check_tokenizer(tokenizer: Any, backend: Backend, name: str) -> None:
    if tokenizer.chat_template is None:
        raise ConfigError(
            f'augmentation.large.model = "{name}" has no chat template, so it cannot be prompted for a paraphrase; '
            "give a model that follows instructions"
        )
    if backend == LLADA2 and tokenizer.mask_token_id is None:
        raise ConfigError(
            f'augmentation.large.model = "{name}": its tokenizer does not say which token is the mask; '
            "set tokenizer.mask_token, save it beside the model, and give that folder"
        )


def _check_own_code(model: Any, backend: Backend, large: LargeConfig) -> None:
    """Builds the model without memory for its weights, so that code that does not run here is found at once."""
    name = _name(backend, large)
    if not large.trust_remote_code:
        raise ConfigError(
            f'augmentation.large.model = "{name}" runs Python code of its own repository, since transformers '
            f'{transformers.__version__} has no "{_PUBLISHED[backend].kind}"; read that code, pin it with '
            "augmentation.large.revision, and set augmentation.large.trust_remote_code = true"
        )
    of = _load_options(_PUBLISHED[backend], large)
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            config = transformers.AutoConfig.from_pretrained(name, **of)
            model.from_config(config, trust_remote_code=True)
    except Exception as error:  # somebody else's code may raise anything
        raise ConfigError(
            f'augmentation.large.model = "{name}": its own code does not run with transformers '
            f"{transformers.__version__} ({type(error).__name__}: {error}); give a revision or a folder whose code "
            'does, or set augmentation.backend = "diffusion_gemma"'
        ) from error
