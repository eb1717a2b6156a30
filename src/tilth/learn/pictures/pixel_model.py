"""A model of transformers that takes pixels, as a module from pixels to one vector a picture."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class PixelModel(nn.Module):
    """The model's own picture features where it has some, else the mean of its last states.

    Args:
        model: of transformers, which takes `pixel_values`.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pixels, shape (pictures, 3, side, side), to vectors, shape (pictures, dimensions)."""
        if hasattr(self.model, "get_image_features"):
            features = self.model.get_image_features(pixel_values=pixels)
            found: torch.Tensor = getattr(features, "pooler_output", features)
            return found
        hidden: torch.Tensor = self.model(pixel_values=pixels).last_hidden_state
        return hidden.mean(dim=(2, 3)) if hidden.ndim == 4 else hidden.mean(dim=1) if hidden.ndim == 3 else hidden
