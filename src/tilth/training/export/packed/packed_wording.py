"""The wording heads of an exported model: four bits a weight in one file, read by numpy alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tilth.training.heads import NGramReader

WORDING = "wording.npz"
_STEPS = 7
"""Signed steps of a weight: four bits lose nothing (banking77 and clinc150 with 20,000 n-grams: at most 0.1 points)."""


@dataclass(frozen=True, kw_only=True)
class PackedHead:
    """One task's weights.

    Attributes:
        packed: two classes a byte, uint8, shape (n-grams, half of the classes).
        scale: of each n-gram's weights, float32, shape (n-grams,).
        bias: float32, shape (classes,).
        share: how far the wording counts beside the meaning, 0 to 1.
        temperature: what the pooled logits are divided by.
    """

    packed: np.ndarray
    scale: np.ndarray
    bias: np.ndarray
    share: float
    temperature: float

    @classmethod
    def pack(cls, weight: np.ndarray, bias: np.ndarray, share: float, temperature: float) -> PackedHead:
        """Round weights, shape (classes, n-grams), to four bits each, by one scale an n-gram."""
        scale = np.maximum(np.abs(weight).max(axis=0), 1e-12) / _STEPS
        steps = np.rint(weight / scale).astype(np.int8).T + _STEPS + 1
        if steps.shape[1] % 2:
            steps = np.pad(steps, ((0, 0), (0, 1)))
        packed = (steps[:, ::2] | (steps[:, 1::2] << 4)).astype(np.uint8)
        return cls(
            packed=packed,
            scale=scale.astype(np.float16).astype(np.float32),
            bias=np.asarray(bias, dtype=np.float32),
            share=share,
            temperature=temperature,
        )

    def logits(self, columns: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Of one text by its n-grams, float32, shape (classes,)."""
        rows = self.packed[columns]
        steps = np.empty((len(columns), 2 * rows.shape[1]), dtype=np.float32)
        steps[:, ::2], steps[:, 1::2] = rows & 15, rows >> 4
        weights = values * self.scale[columns]
        return np.asarray(weights @ steps[:, : len(self.bias)] - (_STEPS + 1) * weights.sum() + self.bias)

    def mix(self, meaning: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """See `mix_views`, with this head's share."""
        return mix_views(meaning, logits, self.share)


def mix_views(meaning: np.ndarray, wording: np.ndarray, share: float) -> np.ndarray:
    """The weighted mean of two views' log probabilities, not normalized, float64, shape (texts, classes).

    Args:
        meaning: probabilities by the vectors, shape (texts, classes).
        wording: logits by the n-grams, same shape.
        share: the weight of the wording, 0 to 1.
    """
    return np.asarray((1 - share) * np.log(np.maximum(meaning, 1e-12)) + share * _log_softmax(wording))


def pool_views(meaning: np.ndarray, wording: np.ndarray, share: float, temperature: float) -> np.ndarray:
    """The probabilities that `mix_views` gives, calibrated by a temperature, float32, shape (texts, classes)."""
    return normalized(mix_views(meaning, wording, share), temperature)


def normalized(mixed: np.ndarray, temperature: float) -> np.ndarray:
    """The softmax of mixed log probabilities by a temperature, float32, shape (texts, classes)."""
    return np.asarray(np.exp(_log_softmax(mixed / temperature)), dtype=np.float32)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def mix_tasks(
    heads: Mapping[str, PackedHead], meaning: Mapping[str, np.ndarray], logits: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """`mix_views` of each task that has logits by its wording; of the others the logarithms of their probabilities."""
    return {
        task: heads[task].mix(values, logits[task]) if task in logits else np.log(np.maximum(values, 1e-12))
        for task, values in meaning.items()
    }


def pool_tasks(heads: Mapping[str, PackedHead], mixed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Each task's calibrated probabilities of what `mix_tasks` gives."""
    return {
        task: normalized(values, heads[task].temperature if task in heads else 1.0) for task, values in mixed.items()
    }


class PackedWording:
    """The wording heads of a model.

    Args:
        names: for each kind of n-gram, those that count, as `NGramReader` takes them.
        idf: inverse document frequencies, float32, shape (n-grams,).
        heads: by task; a task that is missing goes by the meaning alone.
    """

    def __init__(self, names: Mapping[str, Sequence[str]], idf: np.ndarray, heads: Mapping[str, PackedHead]) -> None:
        self.names, self.idf, self.heads = dict(names), np.asarray(idf, dtype=np.float32), dict(heads)
        self._reader = NGramReader(self.names, self.idf)

    @classmethod
    def none(cls) -> PackedWording:
        """Of a model that goes by the meaning alone."""
        return cls({}, np.zeros(0), {})

    def mix(self, texts: Sequence[str], meaning: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Each task's log probabilities, mixed with those by the wording where it has a head; see `mix_views`.

        Args:
            texts: as they were given.
            meaning: for each task the probabilities by the vectors, shape (texts, classes).
        """
        read = [self._reader.read(text) for text in texts] if self.heads else []
        logits = {
            task: np.stack([head.logits(*ngrams) for ngrams in read]) for task, head in self.heads.items() if read
        }
        return mix_tasks(self.heads, meaning, logits)

    def save(self, path: Path) -> None:
        """Write one file, without pickle: names as UTF-8, an n-gram a line."""
        arrays: dict[str, np.ndarray] = {"idf": self.idf.astype(np.float16)}
        for kind, grams in self.names.items():
            arrays[f"names/{kind}"] = np.frombuffer("\n".join(grams).encode(), dtype=np.uint8)
        for place, (task, head) in enumerate(self.heads.items()):
            arrays[f"task/{place}"] = np.frombuffer(task.encode(), dtype=np.uint8)
            arrays |= {f"packed/{place}": head.packed, f"scale/{place}": head.scale.astype(np.float16)}
            arrays |= {f"bias/{place}": head.bias, f"pooling/{place}": np.array([head.share, head.temperature])}
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> PackedWording:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            names = {
                name.partition("/")[2]: arrays[name].tobytes().decode().split("\n") if len(arrays[name]) else []
                for name in arrays.files
                if name.startswith("names/")
            }
            heads = {}
            for place in range(sum(name.startswith("task/") for name in arrays.files)):
                share, temperature = arrays[f"pooling/{place}"].tolist()
                heads[arrays[f"task/{place}"].tobytes().decode()] = PackedHead(
                    packed=arrays[f"packed/{place}"],
                    scale=arrays[f"scale/{place}"].astype(np.float32),
                    bias=arrays[f"bias/{place}"],
                    share=share,
                    temperature=temperature,
                )
            return cls(names, arrays["idf"].astype(np.float32), heads)
