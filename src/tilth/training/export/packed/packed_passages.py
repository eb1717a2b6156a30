"""What an exported model reads of a long text: the weights of its passages, in one file, read by numpy alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tilth.learn import PassagePooling, pooled
from tilth.learn.encoder import Cut, Passages, once

PASSAGES = "passages.npz"


@dataclass(frozen=True)
class PackedPassages:
    """How a text's vector is made of its passages'.

    Attributes:
        poolings: the weights of passages are the mean of theirs; with none, a passage weighs as much as it has tokens.
    """

    poolings: tuple[PassagePooling, ...] = ()

    def weights(self, passages: Passages, lengths: np.ndarray) -> np.ndarray:
        """Of each passage in its text's vector, float32, shape (passages,).

        Args:
            passages: of the texts.
            lengths: their tokens, shape (passages,).
        """
        if not self.poolings:
            return np.maximum(lengths, 1).astype(np.float32)
        return np.asarray(np.mean([one.weights(passages) for one in self.poolings], axis=0), dtype=np.float32)

    def save(self, path: Path) -> None:
        """Write one file, without pickle."""
        arrays = {"count": np.array(len(self.poolings))}
        for place, one in enumerate(self.poolings):
            arrays |= {f"weight/{place}": one.weight.astype(np.float32), f"bias/{place}": one.bias.astype(np.float32)}
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> PackedPassages:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            count = int(arrays["count"])
            return cls(tuple(PassagePooling(arrays[f"weight/{n}"], arrays[f"bias/{n}"]) for n in range(count)))


@dataclass(frozen=True)
class Reading:
    """Texts in passages, as a model weighs them.

    Attributes:
        cut: the passages.
        passages: their vectors.
        weights: theirs, shape (passages,).
    """

    cut: Cut
    passages: Passages
    weights: np.ndarray

    @property
    def vectors(self) -> np.ndarray:
        """Of the texts, L2-normalized, float32, shape (texts, dimensions)."""
        return pooled(self.passages, self.weights)

    @property
    def decisive(self) -> list[str | None]:
        """Of each text, the sentence that its vector goes by most; None where the text was read as one."""
        return decisive_sentences(self.cut, self.passages, self.weights)


def decisive_sentences(cut: Cut, passages: Passages, weights: np.ndarray) -> list[str | None]:
    """Of each text, the sentence that weighs most in its vector; None where the text was read as one.

    Args:
        cut: the texts in passages.
        passages: the same ones.
        weights: theirs, shape (passages,).
    """
    return [
        cut.sentences[start + int(weights[start:end].argmax())] if end - start > 1 else None
        for start, end in itertools.pairwise(passages.starts.tolist())
    ]


def read_passages(
    found: Cut, texts: int, encode: Callable[[Sequence[list[int]]], np.ndarray], packed: PackedPassages
) -> Reading:
    """Encode each passage once, however many texts hold it, and weigh it.

    Args:
        found: the passages of texts.
        texts: how many there are.
        encode: pieces of tokens to vectors.
        packed: what weighs them.
    """
    unique, index = once(found.pieces)
    passages = Passages(encode(unique), index, np.searchsorted(found.owner, np.arange(texts + 1)))
    lengths = np.array([len(piece) for piece in found.pieces])
    return Reading(found, passages, packed.weights(passages, lengths))
