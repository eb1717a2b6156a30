"""Teach a smaller encoder to answer as the night's model does (Hinton et al. 2015), on texts that need no label.

The student learns from the teacher's answers, meaning and wording pooled, from its vectors, and from the mean state of
each layer that it keeps (Jiao et al. 2020, TinyBERT, matches every token's state; their mean is as cheap to keep as a
vector, so that the teacher reads each text once).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from tilth.descent import Descent
from tilth.devices import autocast, resolve_device
from tilth.errors import StageError
from tilth.learn.encoder import Tokens, Trunk
from tilth.progress import report
from tilth.training.compression.student.student import Student, layers_of, pooled_states
from tilth.training.heads import Head
from tilth.training.trainer import plan_batches, rate

log = logging.getLogger(__name__)

_RATE, _HEAD_RATE = 2e-4, 5e-3
"""Largest learning rates: a student far from its teacher takes larger steps than fine-tuning does."""
_WARMUP = 0.1
_VECTORS, _STATES = 10.0, 2.0
"""Weights of one minus the cosine of vectors and of states, beside the cross-entropy of the answers."""
_BATCH = 64


@dataclass(frozen=True, kw_only=True)
class TransferSet:
    """Texts, and what the teacher says of them.

    Attributes:
        texts: labeled or not, none of them gold.
        probabilities: for each task the pooled answers, shape (texts, classes).
        vectors: shape (texts, dimensions).
        states: mean state of the teacher's layers, float16, shape (layers, texts, dimensions); None where the student
            has learned them before.
    """

    texts: Sequence[str]
    probabilities: Mapping[str, np.ndarray]
    vectors: np.ndarray
    states: np.ndarray | None

    def at(self, places: np.ndarray) -> TransferSet:
        """The texts at these places."""
        return TransferSet(
            texts=[self.texts[place] for place in places.tolist()],
            probabilities={task: values[places] for task, values in self.probabilities.items()},
            vectors=self.vectors[places],
            states=self.states[:, places] if self.states is not None else None,
        )


@dataclass(frozen=True, kw_only=True)
class Distilled:
    """A student that was taught.

    Attributes:
        heads: its own, one for each of the teacher's, on the vectors alone.
        losses: one a step.
    """

    heads: list[Head]
    losses: list[float]


def read_texts(trunk: nn.Module, tokens: Tokens, texts: Sequence[str], limit: int) -> tuple[np.ndarray, np.ndarray]:
    """A teacher's vectors, float32, and its layers' mean states, float16; of a long text, those of its beginning.

    Args:
        trunk: the teacher, in evaluation mode.
        tokens: its tokenizer.
        texts: some.
        limit: tokens of a text.
    """
    encoded = tokens.chunks(texts, limit, 1)[1]
    order = np.argsort([len(ids) for ids in encoded], kind="stable")
    vectors: list[np.ndarray] = []
    states: list[np.ndarray] = []
    for start in range(0, len(order), _BATCH):
        batch = tokens.batch([encoded[place] for place in order[start : start + _BATCH].tolist()])
        with torch.inference_mode(), autocast():
            read, pooled = pooled_states(trunk, *batch)
        vectors.append(read.float().numpy())
        states.append(pooled.numpy().astype(np.float16))
        report("reading texts to distill from", start + len(batch[0]), len(order))
    back = np.argsort(order)
    return np.concatenate(vectors)[back], np.concatenate(states, axis=1)[:, back]


def distill(
    student: Student,
    heads: Sequence[Head],
    transfer: TransferSet,
    *,
    steps: int,
    batch_size: int,
    limit: int,
    device: str,
    seed: int,
    slower: float = 1.0,
) -> Distilled:
    """Teach a student, in place.

    AdamW with a linear rise and fall of the rate, batches of texts of like length, no dropout: it is to agree with the
    teacher, not to be robust against its labels.

    Args:
        student: smaller than the teacher, in evaluation mode; its tokenizer may be another.
        heads: the teacher's; the student's start from them.
        transfer: texts and the teacher's answers.
        steps: batches.
        batch_size: texts in each.
        limit: tokens of a text.
        device: `[training] device`.
        seed: of the order of texts.
        slower: what the learning rates are divided by: for a student that was taught before.

    Raises:
        StageError: the loss is not a finite number.
    """
    place = resolve_device(device, "training.device")
    trunk = student.trunk.to(place)
    linear = nn.ModuleDict({f"{number}": _linear(head, transfer.vectors.shape[1]) for number, head in enumerate(heads)})
    linear.to(place)
    batches = _Batches(student, heads, transfer, limit, place)
    plan = plan_batches(batches.lengths, batch_size, steps, torch.Generator().manual_seed(seed))
    parts = [(trunk.parameters(), _RATE / slower), (linear.parameters(), _HEAD_RATE / slower)]
    descent = Descent(parts, rate(len(plan), _WARMUP), clipped=trunk.parameters())
    for step, rows in enumerate(plan):
        try:
            descent.step(batches.loss(trunk, linear, rows))
        except FloatingPointError as error:
            raise StageError(
                f"distillation: {error}; set training.contract = false, which exports the model as it is"
            ) from error
        report("distilling", step + 1, len(plan))
    student.trunk.cpu().eval()
    return Distilled(
        heads=[_head(head, linear[f"{number}"]) for number, head in enumerate(heads)], losses=descent.losses
    )


def importance_losses(
    student: Student, heads: Sequence[Head], transfer: TransferSet, *, batch_size: int, limit: int, batches: int
) -> Iterator[torch.Tensor]:
    """The losses by which a student's parts are measured: against the answers that the teacher gives first.

    Against its probabilities a student that is still its teacher would have no gradient at all.
    """
    hard = {name: np.eye(values.shape[1])[values.argmax(axis=1)] for name, values in transfer.probabilities.items()}
    sure = TransferSet(texts=transfer.texts, probabilities=hard, vectors=transfer.vectors, states=transfer.states)
    dimensions = transfer.vectors.shape[1]
    linear = nn.ModuleDict({f"{number}": _linear(head, dimensions) for number, head in enumerate(heads)})
    read = _Batches(student, heads, sure, limit, "cpu")
    for rows in plan_batches(read.lengths, batch_size, batches, torch.Generator().manual_seed(0)):
        yield read.loss(student.trunk, linear, rows, alike=False)


class _Batches:
    """The texts as a student reads them, and its loss on some."""

    def __init__(self, student: Student, heads: Sequence[Head], transfer: TransferSet, limit: int, device: str) -> None:
        self._tokens, self._device = Tokens.load(student.folder), device
        self._encoded = self._tokens.chunks(transfer.texts, limit, 1)[1]
        self._heads, self._transfer = heads, transfer
        states = transfer.states if isinstance(student.trunk, Trunk) else None
        self._states = states[list(student.layers)] if states is not None else None

    @property
    def lengths(self) -> list[int]:
        """Tokens of each text."""
        return [len(ids) for ids in self._encoded]

    def loss(self, trunk: nn.Module, linear: nn.ModuleDict, rows: Sequence[int], *, alike: bool = True) -> torch.Tensor:
        """How far the student's answers are from the teacher's, and its vectors and states where they are `alike`."""
        ids, mask = (part.to(self._device) for part in self._tokens.batch([self._encoded[row] for row in rows]))
        with autocast(torch.device(self._device).type):
            if self._states is not None and len(layers_of(trunk)) == len(self._states):
                vectors, states = pooled_states(trunk, ids, mask)
            else:
                vectors, states = trunk(ids, mask), None
        vectors = vectors.float()
        total = vectors.sum() * 0
        for number, head in enumerate(self._heads):
            wanted = self._of(self._transfer.probabilities[head.task.name], rows)
            logits = linear[f"{number}"](vectors) / head.temperature
            total = total + nn.functional.cross_entropy(logits, wanted)
        if alike:
            total = total + _VECTORS * _apart(vectors, self._of(self._transfer.vectors, rows))
            if states is not None and self._states is not None and len(states):
                total = total + _STATES * _apart(states.float(), self._of(self._states, rows, axis=1))
        return total

    def _of(self, values: np.ndarray, rows: Sequence[int], axis: int = 0) -> torch.Tensor:
        return torch.from_numpy(np.take(values, list(rows), axis=axis).astype(np.float32)).to(self._device)


def _apart(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return (1 - nn.functional.cosine_similarity(found, wanted, dim=-1)).mean()


def _linear(head: Head, dimensions: int) -> nn.Linear:
    """A layer that starts from a head, without the parent's probabilities that it may take too."""
    layer = nn.Linear(dimensions, len(head.task.labels))
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(head.weight[:, :dimensions]))
        layer.bias.copy_(torch.from_numpy(np.maximum(head.bias, -10)))
    return layer


def _head(head: Head, layer: nn.Module) -> Head:
    assert isinstance(layer, nn.Linear)
    weight, bias = (part.detach().cpu().numpy().astype(np.float32) for part in (layer.weight, layer.bias))
    return Head(task=head.task, weight=weight, bias=bias, temperature=head.temperature)
