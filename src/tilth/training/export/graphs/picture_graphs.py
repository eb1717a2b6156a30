"""A model of pictures as ONNX, in float and in static int8 whose scales are measured on the workspace's pictures."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

from tilth.store import atomic, digest, digest_made_by, used
from tilth.training.export.graphs.onnx_graphs import quantize_by_samples, quiet_exporter


class PictureGraphs:
    """A model of pictures as ONNX: files that are made when they are first asked for, and kept.

    Args:
        folders: gives the cache's folder of a key.
        fingerprint: of the model.
        module: gives the model, from pixels to vectors that are not normalized.
        side: of the square that it reads.
    """

    def __init__(
        self, folders: Callable[[str], Path], fingerprint: str, module: Callable[[], nn.Module], side: int
    ) -> None:
        here = Path(__file__)
        code = digest_made_by((here, here.with_name("onnx_graphs.py")), ("torch", "onnxscript", "onnxruntime"))
        self._folders, self._key, self._module, self.side = folders, digest(fingerprint, code, str(side)), module, side

    def float32(self) -> Path:
        """The graph in float: `pixels`, shape (1, 3, side, side), to `picture_vector`, L2-normalized."""
        return self._made(self._key, lambda path: trace(self._module(), self.side, path))

    def int8(self, pictures: Sequence[str], pixels: Callable[[str], np.ndarray]) -> Path:
        """The graph with weights and activations of eight bits, by scales that some pictures give.

        Args:
            pictures: digests of those by which activations are measured.
            pixels: gives one of them as the model reads it, shape (3, side, side).
        """
        source = self.float32()
        batches = ({"pixels": pixels(one)[None]} for one in pictures)
        return self._made(digest(self._key, *pictures), lambda path: quantize(source, path, batches))

    def _made(self, key: str, make: Callable[[Path], None]) -> Path:
        path = self._folders(key) / "pictures.onnx"
        if path.exists():
            used(path.parent)
            return path
        with atomic(path) as unfinished:
            make(unfinished)
        return path


class _Normalized(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return nn.functional.normalize(self.model(pixels), dim=1)


def trace(model: nn.Module, side: int, path: Path) -> None:
    """Write the float graph by torch's exporter, which runs the model once."""
    with warnings.catch_warnings(), quiet_exporter():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Normalized(model).eval(),
            (torch.zeros((1, 3, side, side)),),
            str(path),
            input_names=["pixels"],
            output_names=["picture_vector"],
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def quantize(source: Path, target: Path, batches: Iterator[dict[str, np.ndarray]]) -> None:
    """Write a float graph as static int8: a scale for each output channel of a weight, one for each activation.

    Convolutions take in their normalizations first, and what follows them is quantized as well: a clipped activation
    gets the scale of what is left of it. Weights take seven of the eight bits, as those of texts do.

    Args:
        source: the float graph.
        target: the new one.
        batches: inputs by which activations are measured.
    """
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folded = Path(scratch) / "folded.onnx"
        quant_pre_process(str(source), str(folded), skip_symbolic_shape=True)
        quantize_by_samples(folded, target, batches)
