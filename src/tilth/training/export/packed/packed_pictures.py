"""The picture heads of an exported model, pooled with what it says of texts; one file, read by numpy alone.

A row may have a text, a picture or both. Of both, the log probabilities of the two are averaged by a share that was
chosen on held-out rows, as wording is averaged with meaning: a view that is unsure is flat, and leaves the word to the
other. A row of one alone is answered by that one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tilth.training.export.packed.packed_wording import normalized, pool_views
from tilth.training.export.packed.scope import Scope, log_certainty

PICTURES, PICTURE_GRAPH = "pictures.npz", "pictures.onnx"


@dataclass(frozen=True, kw_only=True)
class PictureHead:
    """One task's head on a picture's vector.

    Attributes:
        weight: float32, shape (classes, dimensions); with `bias` it gives calibrated logits of a picture alone.
        bias: float32, shape (classes,).
        share: how far the picture counts beside a text, 0 to 1; 1 where no text teaches the task.
        temperature: what the pooled logits of both are divided by.
    """

    weight: np.ndarray
    bias: np.ndarray
    share: float
    temperature: float

    def logits(self, vectors: np.ndarray) -> np.ndarray:
        """Calibrated logits, float32, shape (pictures, classes)."""
        return np.asarray(vectors @ self.weight.T + self.bias, dtype=np.float32)

    def pool(self, texts: np.ndarray, logits: np.ndarray, has_text: np.ndarray) -> np.ndarray:
        """Probabilities of pictures, pooled with those of the texts beside them, float32, shape (pictures, classes).

        Args:
            texts: calibrated probabilities by the texts, shape (pictures, classes).
            logits: by the pictures, same shape.
            has_text: boolean, shape (pictures,): those that stand beside a text.
        """
        alone = normalized(logits, 1.0)
        both = alone if self.share == 1 else pool_views(texts, logits, self.share, self.temperature)
        return np.where(has_text[:, None], both, alone)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What some rows have.

    Attributes:
        vectors: of their pictures, float32, shape (rows, dimensions); anything where a row has none.
        has_picture: boolean, shape (rows,).
        has_text: boolean, shape (rows,).
    """

    vectors: np.ndarray
    has_picture: np.ndarray
    has_text: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[str], vectors: np.ndarray, has_picture: Sequence[bool] | np.ndarray) -> Seen:
        """Of rows with their texts, which are empty for a picture alone."""
        has_text = np.array([bool(text.strip()) for text in texts], dtype=bool)
        return cls(vectors=vectors, has_picture=np.asarray(has_picture, dtype=bool), has_text=has_text)

    @classmethod
    def none(cls, rows: int) -> Seen:
        """Of rows of a text alone."""
        nothing = np.zeros(rows, dtype=bool)
        return cls(vectors=np.zeros((rows, 0), dtype=np.float32), has_picture=nothing, has_text=~nothing)

    @property
    def alone(self) -> np.ndarray:
        """The rows of a picture alone, boolean, shape (rows,)."""
        return self.has_picture & ~self.has_text


@dataclass(frozen=True, kw_only=True)
class PackedPictures:
    """The picture heads of a model.

    Attributes:
        heads: by task; a task that is missing is answered by texts alone.
        by_pictures_alone: tasks that no text teaches: a row without a picture has no answer for them.
        prototypes: of the classes among pictures, L2-normalized, float32, shape (prototypes, dimensions).
        scope: how the out-of-scope score of a picture is scaled.
    """

    heads: Mapping[str, PictureHead]
    by_pictures_alone: tuple[str, ...] = ()
    prototypes: np.ndarray
    scope: Scope

    def pool(self, texts: Mapping[str, np.ndarray], seen: Seen) -> dict[str, np.ndarray]:
        """Each task's calibrated probabilities by what each row has, float32, shape (rows, classes).

        Args:
            texts: for each task the calibrated probabilities by the texts, shape (rows, classes).
            seen: what the rows have.
        """
        pooled = {task: np.array(values, dtype=np.float32) for task, values in texts.items()}
        shown = seen.has_picture
        for task, values in pooled.items():
            head = self.heads.get(task)
            if head is None:
                values[seen.alone] = 1 / values.shape[1]  # what the text side says of no text means nothing
            elif shown.any():
                values[shown] = head.pool(texts[task][shown], head.logits(seen.vectors[shown]), seen.has_text[shown])
        return pooled

    def without_unknown(
        self, decided: Mapping[str, tuple[np.ndarray, np.ndarray]], seen: Seen
    ) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Each task's codes and confidences, −1 and 0 for rows that have nothing by which the task is known."""
        return {
            task: (np.where(unknown, -1, codes), np.where(unknown, 0, confidence).astype(np.float32))
            for task, (codes, confidence) in decided.items()
            for unknown in (self._unknown(task, seen),)
        }

    def _unknown(self, task: str, seen: Seen) -> np.ndarray:
        """Rows that have nothing by which a task is known, boolean, shape (rows,)."""
        if task in self.by_pictures_alone:
            return ~seen.has_picture
        return np.zeros(len(seen.has_text), dtype=bool) if task in self.heads else seen.alone

    def scopes(self, texts: np.ndarray, text_outside: np.ndarray, seen: Seen) -> tuple[np.ndarray, np.ndarray]:
        """Out-of-scope scores and verdicts by what each row has: of both, the row is outside where both are.

        Args:
            texts: scores of the texts, shape (rows,).
            text_outside: boolean, shape (rows,): the texts that are out of scope.
            seen: what the rows have.
        """
        scores, outside = np.array(texts, dtype=np.float32), np.array(text_outside, dtype=bool)
        shown = seen.has_picture
        if not shown.any():
            return scores, outside
        pictures = self._scope(seen.vectors[shown])
        alone = ~seen.has_text[shown]
        scores[shown] = np.where(alone, pictures, np.maximum(scores[shown], pictures))
        outside[shown] = (pictures < self.scope.reject_below) & (alone | outside[shown])
        return scores, outside

    def _scope(self, vectors: np.ndarray) -> np.ndarray:
        logits = [np.log(np.maximum(normalized(head.logits(vectors), 1.0), 1e-12)) for head in self.heads.values()]
        return self.scope.score(log_certainty(logits), self.nearest(vectors))

    def nearest(self, vectors: np.ndarray) -> np.ndarray:
        """The largest cosine of each picture to a prototype, 0 to 1, shape (pictures,)."""
        return np.clip((vectors @ self.prototypes.T).max(axis=1), 0, 1)

    def save(self, path: Path) -> None:
        """Write one file, without pickle; weights and prototypes take two bytes each."""
        scope = [*self.scope.certainty, *self.scope.nearest, self.scope.reject_below]
        arrays = {"prototypes": self.prototypes.astype(np.float16), "scope": np.array(scope)}
        for place, (task, head) in enumerate(self.heads.items()):
            arrays[f"task/{place}"] = np.frombuffer(task.encode(), dtype=np.uint8)
            arrays |= {f"weight/{place}": head.weight.astype(np.float16), f"bias/{place}": head.bias}
            alone = float(task in self.by_pictures_alone)
            arrays[f"pooling/{place}"] = np.array([head.share, head.temperature, alone])
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> PackedPictures:
        """Read what `save` wrote."""
        heads, alone = {}, []
        with np.load(path, allow_pickle=False) as arrays:
            for place in range(sum(name.startswith("task/") for name in arrays.files)):
                task = arrays[f"task/{place}"].tobytes().decode()
                share, temperature, by_pictures_alone = arrays[f"pooling/{place}"].tolist()
                weight = arrays[f"weight/{place}"].astype(np.float32)
                bias = arrays[f"bias/{place}"]
                heads[task] = PictureHead(weight=weight, bias=bias, share=share, temperature=temperature)
                alone += [task] if by_pictures_alone else []
            certain, certain_spread, near, near_spread, below = arrays["scope"].tolist()
            scope = Scope(certainty=(certain, certain_spread), nearest=(near, near_spread), reject_below=below)
            prototypes = arrays["prototypes"].astype(np.float32)
        return cls(heads=heads, by_pictures_alone=tuple(alone), prototypes=prototypes, scope=scope)
