"""How a model of pictures wants its pixels: numpy and Pillow alone, for the exported model prepares them, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class Preparation:
    """How a model wants its pixels.

    Attributes:
        side: of the square that a picture is scaled and cropped to.
        mean, deviation: of red, green and blue, of values from 0 to 1.
    """

    side: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def pixels(self, picture: Image) -> np.ndarray:
        """One picture, float32, shape (3, side, side)."""
        from PIL import Image, ImageOps

        square = ImageOps.fit(picture, (self.side, self.side), Image.Resampling.BICUBIC)
        values = np.asarray(square, dtype=np.float32) / 255
        scaled = (values - np.array(self.mean, dtype=np.float32)) / np.array(self.deviation, dtype=np.float32)
        return np.ascontiguousarray(scaled.transpose(2, 0, 1))

    def to_json(self) -> dict[str, Any]:
        """For the settings of a model folder."""
        return asdict(self)

    @classmethod
    def from_json(cls, settings: Mapping[str, Any]) -> Preparation:
        """From `to_json`."""
        return cls(int(settings["side"]), tuple(settings["mean"]), tuple(settings["deviation"]))
