"""In which precision fine-tuning computes, and by which of the hardware's means: what the config names, where it is."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from tilth.devices import computes_in_bfloat16, resolve_device
from tilth.errors import ConfigError
from tilth.training.heads import require_head

if TYPE_CHECKING:
    import torch
    from torch import nn

    from tilth.training.trainer.config import TrainerConfig

Precision: TypeAlias = Literal["auto", "float32", "bfloat16", "float16"]
Switch: TypeAlias = Literal["auto", "always", "never"]

_ACCELERATE = {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}
_WITHOUT_FLOAT16 = {"cpu": "the processor", "mps": "MPS"}
"""Devices for which PyTorch has no scaled loss, with a name for people."""
_NAMED = ("precision", "tf32", "int8_products", "compile", "cudnn_benchmark", "processes")
"""Settings that a device, an installation or a batch may lack."""
INSTALL_TORCHAO = "pip install 'tilth[int8]'"


@dataclass(frozen=True, kw_only=True)
class Computation:
    """What was chosen; `asdict` goes into `run.json`.

    Attributes:
        precision: of products, by PyTorch's name; weights, sums and the loss stay in float32.
        tf32: products of float32 by TF32, whose mantissa has 10 bits.
        compile: the trained layers are compiled.
        int8_products: the layers' linear products, forward and backward, are of 8-bit integers.
        cudnn_benchmark: cuDNN measures which of its convolutions is fastest.
    """

    precision: str
    tf32: bool = False
    compile: bool = False
    int8_products: bool = False
    cudnn_benchmark: bool = False

    @property
    def facts(self) -> dict[str, Any]:
        """For `run.json`."""
        return asdict(self)


def check_hardware(config: TrainerConfig, *, trained: bool) -> None:
    """Refuse, before a night begins, what the hardware lacks.

    Args:
        config: `[training]`.
        trained: whether the encoder may be trained; else only the device counts, on which smaller models are taught.

    Raises:
        ConfigError: the device, this installation or a batch lacks what the config names.
    """
    if config.device not in ("auto", "cpu"):
        resolve_device(config.device, "training.device")
    if not trained:
        return
    require_head(config.head)
    if not any(getattr(config, name) != type(config).model_fields[name].default for name in _NAMED):
        return  # without the seconds that torch takes to load
    from tilth.training.trainer.processes import check_processes

    device = resolve_device(config.device, "training.device")
    resolve_computation(config, device)
    if config.processes > 1:
        check_processes(config, device, config.batch_size)


def resolve_computation(config: TrainerConfig, device: str) -> Computation:
    """What fine-tuning computes by on a device.

    `auto` takes TF32 on NVIDIA GPUs from Ampere on where products are of float32, and cuDNN's search on any of them. It
    takes no INT8 products: on a processor `benchmarks/precision_memory.py` measured them 1.4 times as fast as float32,
    bfloat16 1.7 times. It compiles nothing: that costs the processor most of a minute, and no gain was measured. On a
    GPU neither was tried.

    Args:
        config: `[training]`.
        device: by PyTorch's name.

    Raises:
        ConfigError: the device, or this installation, lacks what the config names.
    """
    precision = resolve_precision(config.precision, device.partition(":")[0])
    cuda = device.startswith("cuda")
    if config.tf32 == "always" and not _has_tf32(device):
        raise ConfigError(
            f'training.tf32 = "always", and {device} has no TF32, as NVIDIA GPUs from Ampere on have; set "auto"'
        )
    if config.cudnn_benchmark == "always" and not cuda:
        raise ConfigError(f'training.cudnn_benchmark = "always", and {device} is no CUDA device; set "auto"')
    if config.int8_products == "always":
        _require_int8(device)
    return Computation(
        precision=precision,
        tf32=config.tf32 != "never" and precision == "float32" and _has_tf32(device),
        compile=config.compile == "always",
        int8_products=config.int8_products == "always",
        cudnn_benchmark=config.cudnn_benchmark != "never" and cuda,
    )


def resolve_precision(precision: Precision, device: str) -> str:
    """The precision of a device's products, by PyTorch's name; weights, sums and the loss stay in float32.

    `auto` is bfloat16 where the device has instructions for it, else float32; float16 needs a loss that is scaled, and
    is taken where it is named.

    Args:
        precision: `training.precision`.
        device: the type of a torch device.

    Raises:
        ConfigError: the device does not compute in float16.
    """
    if precision == "auto":
        return "bfloat16" if computes_in_bfloat16(device) else "float32"
    if precision == "float16" and device in _WITHOUT_FLOAT16:
        raise ConfigError(
            f'training.precision = "float16", and fine-tuning runs on {_WITHOUT_FLOAT16[device]}, which scales no '
            'loss; set "bfloat16", "float32" or "auto", or training.device where there is another accelerator'
        )
    return precision


def accelerate_name(precision: str) -> str:
    """What accelerate calls it; with `fp16` it scales the loss dynamically (Micikevicius et al. 2018)."""
    return _ACCELERATE[precision]


@contextlib.contextmanager
def computing_by(computation: Computation) -> Iterator[None]:
    """Set PyTorch's global switches within the block, and put them back."""
    import torch

    products, search = torch.get_float32_matmul_precision(), torch.backends.cudnn.benchmark
    if computation.tf32:
        torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = computation.cudnn_benchmark
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(products)
        torch.backends.cudnn.benchmark = search


def prepare_layers(module: nn.Module, computation: Computation) -> Callable[[], None]:
    """Compile the trained layers, or give their linear layers INT8 products, in place.

    Returns:
        What undoes it: what is exported are the weights alone.
    """
    undo = _int8_products(module) if computation.int8_products else []
    if computation.compile:
        module.compile(dynamic=True)  # one graph for all lengths of a batch
        undo.append(lambda: setattr(module, "_compiled_call_impl", None))

    def plain() -> None:
        for step in undo:
            step()

    return plain


def _int8_products(module: nn.Module) -> list[Callable[[], None]]:
    from torch import nn
    from torchao.prototype.quantized_training import Int8MixedPrecisionTrainingConfig
    from torchao.quantization import quantize_

    layers = [layer for layer in module.modules() if type(layer) is nn.Linear]
    # Swapped modules: torchao 0.18's default, a subclass of the weight, falls back to float products in silence.
    quantize_(module, Int8MixedPrecisionTrainingConfig(module_swap=True))
    undo: list[Callable[[], None]] = [functools.partial(setattr, layer, "__class__", nn.Linear) for layer in layers]
    for layer in layers:  # it views values and gradients as matrices, which some are not
        undo.append(layer.register_forward_pre_hook(lambda _, values: (values[0].contiguous(),)).remove)
        undo.append(layer.register_forward_hook(_contiguous_gradient).remove)
    return undo


def _contiguous_gradient(layer: nn.Module, values: tuple[torch.Tensor], output: torch.Tensor) -> None:
    if output.requires_grad:
        output.register_hook(lambda gradient: gradient.contiguous())


def _has_tf32(device: str) -> bool:
    import torch

    nvidia = device.startswith("cuda") and torch.version.hip is None
    return nvidia and torch.cuda.get_device_capability(device)[0] >= 8


def _require_int8(device: str) -> None:
    import torch

    if importlib.util.find_spec("torchao") is None:
        raise ConfigError(f'training.int8_products = "always" needs torchao, which is not installed: {INSTALL_TORCHAO}')
    if device.startswith("cuda") and torch.cuda.get_device_capability(device) < (7, 5):
        raise ConfigError(f'training.int8_products = "always", and {device} has no INT8 products; set "never"')
    if not device.startswith(("cuda", "cpu")):
        raise ConfigError(f'training.int8_products = "always" is for CUDA and the processor, not {device}; set "never"')
