"""What a smaller model may look like."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

Bits: TypeAlias = Literal[4, 8, 32]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A model that compression can make of the night's.

    Attributes:
        layers: those of the full encoder that are kept, ascending from 0; none is a static model, whose vectors are
            those of the pieces, pooled.
        heads: share of the attention heads of each layer that is kept.
        channels: share of the feed-forward channels of each layer that is kept.
        cut_vocabulary: whether pieces that no text of the night needs are left out.
        bits: of a weight on disk; 4 and 8 compute in int8.
        meaning: False leaves the encoder out altogether: the wording head answers alone.
    """

    layers: tuple[int, ...]
    heads: float = 1.0
    channels: float = 1.0
    cut_vocabulary: bool = True
    bits: Bits = 4
    meaning: bool = True

    def to_json(self) -> dict[str, Any]:
        """For `run.json` and the carried state."""
        return asdict(self) | {"layers": list(self.layers)}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Shape:
        """From `to_json`."""
        return cls(**{**found, "layers": tuple(found["layers"])})

    def __str__(self) -> str:
        if not self.meaning:
            return "wording alone"
        parts = [f"layers {', '.join(str(layer + 1) for layer in self.layers)}" if self.layers else "static"]
        if self.layers and self.heads < 1:
            parts.append(f"{self.heads:.0%} of the heads")
        if self.layers and self.channels < 1:
            parts.append(f"{self.channels:.0%} of the channels")
        parts.append("cut vocabulary" if self.cut_vocabulary else "whole vocabulary")
        return "; ".join([*parts, f"{self.bits} bits"])
