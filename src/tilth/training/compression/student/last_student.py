"""What a night's winner leaves for the next one: its shape, and a distilled encoder from which to go on.

What it knows is nearly what the next night's has to know, for the texts and the labels of two nights are mostly the
same. So what it was distilled to is not learned again, but followed, in a share of the steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import nn

from tilth.samples import Task
from tilth.store import read_json, write_json
from tilth.text import digest
from tilth.training.compression.student.shape import Shape
from tilth.training.compression.student.student import Student
from tilth.training.heads import Head

_SHAPE, _WEIGHTS, _NAMES, _TEXTS = "compression.json", "student.safetensors", "student.json", "texts.npy"
_HEADS = "heads/"


@dataclass(frozen=True, kw_only=True)
class LastStudent:
    """A distilled encoder of an earlier night.

    Attributes:
        weights: its parameters by name, in half precision.
        pieces: of its vocabulary, the place of each is its id.
        texts: digests of what it was distilled on, uint64, shape (texts,).
        heads: on its vectors.
    """

    weights: Mapping[str, torch.Tensor]
    pieces: Sequence[str]
    texts: np.ndarray
    heads: Sequence[Head]

    @classmethod
    def of(cls, trunk: nn.Module, heads: Sequence[Head], tokenizer: Path, texts: np.ndarray) -> LastStudent:
        """What is kept of a student.

        Args:
            trunk: its module.
            heads: on its vectors.
            tokenizer: the folder of its tokenizer.
            texts: digests of what it was distilled on, uint64, shape (texts,).
        """
        ids = _ids(tokenizer)
        weights = {name: value.detach().half() for name, value in trunk.state_dict().items()}
        return cls(weights=weights, pieces=sorted(ids, key=ids.__getitem__), texts=texts, heads=heads)

    def heads_to_go_on_with(self, heads: Sequence[Head]) -> list[Head]:
        """Its own heads of tasks whose labels are the same, the full model's of others.

        Args:
            heads: the full model's.
        """
        own = {(head.task.name, head.task.labels): head for head in self.heads}
        pairs = [(head, own.get((head.task.name, head.task.labels))) for head in heads]
        return [replace(one, weight=last.weight, bias=last.bias) if last is not None else one for one, last in pairs]

    def give(self, student: Student) -> bool:
        """Set a student of the same shape to these weights, in place; a piece that is new to them keeps its own.

        Args:
            student: as it was cut out of tonight's encoder.

        Returns:
            Whether every weight had a place; where one has none, the student stays as it was.
        """
        own, now = student.trunk.state_dict(), _ids(student.folder)
        tables = {
            f"{name}.weight"
            for name, module in student.trunk.named_modules()
            if isinstance(module, nn.Embedding) and module.num_embeddings == len(now)
        }
        pairs = [(now[piece], place) for place, piece in enumerate(self.pieces) if piece in now]
        rows = [torch.tensor(ids) for ids in zip(*pairs, strict=True)]
        given: dict[str, torch.Tensor] = {}
        for name, value in own.items():
            last = self.weights.get(name)
            if last is None:
                return False
            if name in tables and rows and len(last) == len(self.pieces) and last.shape[1:] == value.shape[1:]:
                given[name] = value.clone()
                given[name][rows[0]] = last[rows[1]].to(value.dtype)
            elif last.shape == value.shape:
                given[name] = last.to(value.dtype)
            else:
                return False
        student.trunk.load_state_dict(given)
        return True


@dataclass(frozen=True, kw_only=True)
class Winner:
    """The model that kept the contract.

    Attributes:
        shape: its shape.
        student: its encoder, where it was distilled.
    """

    shape: Shape
    student: LastStudent | None = None

    def student_of(self, shape: Shape, hidden: Sequence[str], known: Sequence[str]) -> LastStudent | None:
        """The student of a shape; None where there is none, or it knows a text that it is to be measured by.

        A row may have become gold since, or have another id and so another fold: what has learned from its text would
        be measured by what it knows.

        Args:
            shape: that is made tonight.
            hidden: gold and held-out texts.
            known: texts that are distilled on tonight.
        """
        if self.student is None or self.shape != shape:
            return None
        measured_by = np.setdiff1d(digests(hidden), digests(known))
        return None if np.isin(measured_by, self.student.texts).any() else self.student

    def save(self, folder: Path) -> None:
        """Write it into a folder that is there."""
        write_json(folder / _SHAPE, self.shape.to_json())
        if self.student is not None:
            heads = {
                f"{_HEADS}{place}/{name}": torch.from_numpy(values)
                for place, head in enumerate(self.student.heads)
                for name, values in (("weight", head.weight), ("bias", head.bias))
            }
            own = {name: value.contiguous() for name, value in self.student.weights.items()}
            save_file({**own, **heads}, folder / _WEIGHTS)
            tasks = [head.task.to_json() for head in self.student.heads]
            write_json(folder / _NAMES, {"pieces": list(self.student.pieces), "tasks": tasks})
            np.save(folder / _TEXTS, self.student.texts)

    @classmethod
    def load(cls, folder: Path) -> Winner | None:
        """From `save`; None where the folder has none."""
        if not (folder / _SHAPE).exists():
            return None
        shape, student = Shape.from_json(read_json(folder / _SHAPE)), None
        if (folder / _WEIGHTS).exists():
            weights, names = load_file(folder / _WEIGHTS), read_json(folder / _NAMES)
            heads = []
            for place, task in enumerate(names["tasks"]):
                weight, bias = (weights.pop(f"{_HEADS}{place}/{name}").numpy() for name in ("weight", "bias"))
                heads.append(Head(task=Task.from_json(task), weight=weight, bias=bias))
            student = LastStudent(weights=weights, pieces=names["pieces"], texts=np.load(folder / _TEXTS), heads=heads)
        return cls(shape=shape, student=student)


def digests(texts: Iterable[str]) -> np.ndarray:
    """Of each of some texts 64 bits, uint64, shape (texts,)."""
    return np.array([int(digest(text)[:16], 16) for text in texts], dtype=np.uint64)


def _ids(folder: Path) -> dict[str, int]:
    """The id of each piece."""
    found: dict[str, int] = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
    return found
