"""The night's model before anything is left out, with all that a smaller one is made of and measured by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tilth.learn.encoder import Tokens, Trunk
from tilth.samples import Task, evenly_spaced
from tilth.training.compression.held_out import ENOUGH, CrossValidated, Fold, HeldOut, WordingModel
from tilth.training.compression.speed import EagerModel
from tilth.training.compression.student import TransferSet, Vocabulary, cut_vocabulary, layers_of, read_texts
from tilth.training.compression.weights import share_products
from tilth.training.export import PackedGraph, SharedWeights, TrunkGraphs
from tilth.training.heads import Head, predict_probabilities

_COMPARED = 400
"""Texts of a fold without a label at most whose answers are compared."""
_READ = 300_000
"""Characters after which no further texts are read: some ten seconds of an int8 MiniLM on one core."""


_ROUNDED_BY, _TOKENS, _BEGINNING = 256, 4_000, 64
"""Texts at most by which weights are rounded, tokens of all of them, and of each."""
_IN_INT8 = "int8 products, float embeddings"


@dataclass(frozen=True, kw_only=True)
class SmallerModel:
    """A student and its heads, in the terms of the night's model.

    Attributes:
        heads: one a task, parents first.
        embeddings: reads labeled rows by the student, shape (rows, dimensions), zeros elsewhere: of what is exported
            alone.
        trunk: the student.
        losses: of distillation, one a step.
        held_out: for each task, the probabilities of its held-out rows, shape (measured rows, labels).
        wording: the other view, where it is another than the full model's.
    """

    heads: list[Head]
    embeddings: Callable[[], np.ndarray]
    trunk: Any
    losses: Sequence[float]
    held_out: Mapping[str, np.ndarray]
    wording: Any = None


Write = Callable[[Path, "SmallerModel | None", PackedGraph, Path], Mapping[str, Any]]
"""Writes a model folder: where, what (None is the full model's heads), the graph, and the folder of its tokenizer."""


@dataclass(frozen=True, kw_only=True)
class FullModel:
    """The night's model, its rows, and how it is written.

    Attributes:
        texts: of all rows.
        tasks: those that are learned, parents first.
        codes: for each task, the class of each row, −1 where it is not trained on, shape (rows,).
        labeled: rows that are trained on for any task, boolean, shape (rows,).
        measured: for each task, the held-out rows that decide, boolean, shape (rows,).
        softening: for each task, what fitted temperatures are multiplied by (`TrainingSet.softening`).
        original: rows that are no paraphrases, boolean, shape (rows,).
        readable: rows whose texts may be looked at, which gold's may not, boolean, shape (rows,).
        transfer_rows: of those, the ones to distill on: neither held out nor junk.
        extra_texts: further texts to distill on, the paraphraser's.
        most_texts: of all these the most that are read: a student that takes so many steps sees no more.
        heads: the model's.
        fit_without_held_out: heads as those, fitted to the other rows alone.
        embeddings: what the heads stand on, shape (rows, dimensions); zeros where the encoder has not read a row.
        tuned: the fine-tuned encoder; None where it is as it came.
        wording: the other view.
        source: the encoder's folder.
        graphs: its float graph.
        limit: tokens of a text that it reads at once.
        max_chunks: pieces of a longer one.
        batch_size, device, seed: of distillation.
        write: writes a model folder.
        scratch: an empty folder.
        folds: the fold of each row, 0 that of the held-out ones, shape (rows,).
        further_folds: rows to measure by beside the held-out ones; none where the encoder has learned from them.
        reads_passages: whether long texts are read by passages, which no student is taught to.
        other_bytes: of what every model has beside its text side, the model of pictures.
    """

    texts: Sequence[str]
    tasks: tuple[Task, ...]
    codes: Mapping[str, np.ndarray]
    labeled: np.ndarray
    measured: Mapping[str, np.ndarray]
    softening: Mapping[str, float]
    original: np.ndarray
    readable: np.ndarray
    transfer_rows: np.ndarray
    extra_texts: Sequence[str]
    most_texts: int
    heads: list[Head]
    fit_without_held_out: Callable[[], list[Head]]
    embeddings: np.ndarray
    tuned: Trunk | None
    wording: WordingModel
    source: Path
    graphs: TrunkGraphs
    limit: int
    max_chunks: int
    batch_size: int
    device: str
    seed: int
    write: Write
    scratch: Path
    folds: np.ndarray
    further_folds: Sequence[Fold] = ()
    reads_passages: bool = False
    other_bytes: int = 0

    @cached_property
    def trunk(self) -> Trunk:
        """The encoder as a module."""
        return self.tuned if self.tuned is not None else Trunk(self.source).eval()

    @cached_property
    def layers(self) -> int:
        """How many it has."""
        return len(layers_of(self.trunk))

    @cached_property
    def vocabulary(self) -> Vocabulary | None:
        """The pieces that the night's texts need."""
        written, generated = self.texts_at(self.readable & self.original), self.texts_at(self.readable & ~self.original)
        return cut_vocabulary(self.source, written, [*generated, *self.extra_texts])

    @property
    def rounded(self) -> Path:
        """The encoder's graph with products in int8."""
        return self.graphs.get(_IN_INT8)

    @cached_property
    def shared_products(self) -> Mapping[str, SharedWeights]:
        """The weights of its products in four bits; whatever the vocabulary, they are the same."""
        return share_products(self.graphs.get("float32"), self.rounded, self.batches(self.source))

    def batches(self, tokenizer: Path) -> Iterator[Mapping[str, np.ndarray]]:
        """Beginnings of texts to distill on, as inputs of a graph: weights are rounded by what products read of them.

        Args:
            tokenizer: the folder of the graph's tokenizer.
        """
        texts, tokens = self.texts_at(self.transfer_rows & self.original), Tokens.load(tokenizer)
        some = [texts[place] for place in evenly_spaced(len(texts), _ROUNDED_BY).tolist()]
        encoded = tokens.chunks(some, min(self.limit, _BEGINNING), 1)[1]
        most = max(int(_TOKENS * len(encoded) / sum(map(len, encoded))), 1)
        encoded = sorted((encoded[place] for place in evenly_spaced(len(encoded), most).tolist()), key=len)
        for start in range(0, len(encoded), 32):
            ids, mask = tokens.batch(encoded[start : start + 32])
            yield {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}

    @cached_property
    def deciding(self) -> np.ndarray:
        """Held-out rows that decide for any task, boolean, shape (rows,)."""
        return np.asarray(np.any(list(self.measured.values()), axis=0))

    @cached_property
    def heads_without_held_out(self) -> list[Head]:
        """As `fit_without_held_out` gives them."""
        return self.fit_without_held_out()

    @cached_property
    def held_out(self) -> HeldOut:
        """The rows that decide, and what the model says of them."""
        rows = self._held_out(self.deciding, self.measured, self.wording)
        return rows.answered(self.heads_without_held_out, self.embeddings[rows.rows])

    @cached_property
    def cross_validated(self) -> CrossValidated:
        """The rows by which a model is measured that learned nothing beyond this one.

        The same and, where they are few, those of as many further folds as make them enough; beside them texts of the
        same folds without a label, of which points are counted by this model's probabilities. Where long texts are read
        by passages, the held-out rows alone: what weighs passages has learned from the labels of all rows.
        """
        if self.reads_passages:
            return CrossValidated(folds=[(self.held_out, self.heads_without_held_out)])
        own = Fold(number=0, measured=self.measured, fit=lambda: self.heads_without_held_out, wording=self.wording)
        found: list[tuple[HeldOut, list[Head]]] = []
        left = _READ
        for fold in (own, *self.further_folds):
            if found and (left <= 0 or sum(rows.labeled for rows, _ in found) >= ENOUGH):
                break
            rows, heads = self._held_out(self._compared(fold, left), fold.measured, fold.wording), fold.fit()
            left -= sum(map(len, rows.texts))
            found.append((rows.answered(heads, self.embeddings[rows.rows], by_probabilities=True), heads))
        return CrossValidated(folds=found)

    def _compared(self, fold: Fold, left: int) -> np.ndarray:
        """A fold's labeled rows and, of its others, evenly spaced ones of few characters, boolean, shape (rows,)."""
        compared = np.any(list(fold.measured.values()), axis=0)
        read = self.embeddings.any(axis=1)  # a trained encoder has read no rows but those that have a label
        others = np.flatnonzero(self.transfer_rows & self.original & read & (self.folds == fold.number) & ~compared)
        left -= sum(len(self.texts[row]) for row in np.flatnonzero(compared).tolist())
        length = np.mean([len(self.texts[row]) for row in others.tolist()]) if len(others) else 1.0
        most = min(_COMPARED, max(left, 0) // max(length, 1.0))
        compared[others[evenly_spaced(len(others), int(most))]] = True
        return np.asarray(compared)

    def _held_out(self, rows: np.ndarray, measured: Mapping[str, np.ndarray], wording: WordingModel) -> HeldOut:
        return HeldOut(
            tasks=self.tasks,
            rows=np.flatnonzero(rows),
            texts=self.texts_at(rows),
            truth={name: np.where(known, self.codes[name], -1)[rows] for name, known in measured.items()},
            wording=wording,
            codes={},
        )

    @cached_property
    def wording_alone(self) -> Any:
        """The wording heads of a model without an encoder; None where a task has none."""
        return self.wording.alone(self.held_out.texts, self.held_out.truth)

    @cached_property
    def transfer(self) -> TransferSet:
        """The texts to distill on, read by the encoder once.

        The answers are those of heads that did not learn from held-out rows: a student that was taught by the others
        would know these rows' labels, by which it is measured.
        """
        texts = [*self.texts_at(self.transfer_rows), *self.extra_texts]
        texts = [texts[place] for place in evenly_spaced(len(texts), self.most_texts).tolist()]
        vectors, states = read_texts(self.trunk, Tokens.load(self.source), texts, self.limit)
        mixed = self.wording.mix_held_out(texts, predict_probabilities(self.heads_without_held_out, vectors))
        return TransferSet(texts=texts, probabilities=self.wording.normalized(mixed), vectors=vectors, states=states)

    def eager(self) -> EagerModel:
        """The model as PyTorch runs it, to clock others beside."""
        return EagerModel(
            trunk=self.trunk, heads=self.heads, wording=self.wording, source=self.source, limit=self.limit
        )

    def texts_at(self, rows: np.ndarray) -> list[str]:
        """The texts of the rows in a mask."""
        return [self.texts[place] for place in np.flatnonzero(rows).tolist()]
