"""One smaller model, made in full: its encoder, its heads, its folder, and what it costs and loses."""

from __future__ import annotations

import copy
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tilth.errors import StageError
from tilth.learn import calibrate
from tilth.learn.encoder import Tokens, encode_with_trunk
from tilth.samples import evenly_spaced
from tilth.training.compression.full_model import FullModel, SmallerModel
from tilth.training.compression.held_out import Loss
from tilth.training.compression.made_encoder import MadeEncoder, left_out_tokenizer, undistilled, wording_alone
from tilth.training.compression.student import (
    STEPS,
    Distilled,
    LastStudent,
    Materials,
    Shape,
    Student,
    TransferSet,
    distill,
)
from tilth.training.compression.weights import pack_graph, share_products, shared_weights
from tilth.training.export import RUNTIME_ERRORS, PackedGraph, TrunkGraphs
from tilth.training.heads import Head, predict_probabilities

log = logging.getLogger(__name__)

GIVEN_UP: tuple[type[Exception], ...] = (StageError, *RUNTIME_ERRORS)
"""What ends the making of one shape, and not the search: another shape may well be made."""

_ROUNDING = 0.3
"""Points that rounding may cost before weights are trained under it."""
_BATCHES = 12
"""Of texts, by which the importance of heads and channels is measured before a shape is made in full."""
_SHARE = 5
"""A fifth of the steps of distillation are taken by a student that goes on, and are trained under rounding, there at a
fifth of the rate."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A smaller model that stands whole in a folder.

    Attributes:
        shape: what was left of the encoder.
        model: its encoder and heads; None where they are the full model's.
        folder: the model folder.
        graph: the encoder's float graph, for the pieces of that folder's tokenizer.
        size: bytes of all its files, with those of the model of pictures, which is added when it is chosen.
        loss: by held-out rows.
        facts: how it was made.
    """

    shape: Shape
    model: SmallerModel | None
    folder: Path
    graph: Path
    size: int
    loss: Loss
    facts: Mapping[str, Any]


def make_candidate(full: FullModel, shape: Shape, steps: int, name: str, start: LastStudent | None = None) -> Candidate:
    """Make a smaller model in full, write its folder, and measure it.

    Args:
        full: the night's model.
        shape: what to leave.
        steps: batches of distillation; with 0 only the vocabulary and the bits may differ from the full model.
        name: of its folder under the scratch.
        start: an earlier night's student of this shape, from which a fifth of the steps goes on.
    """
    folder = full.scratch / name
    folder.mkdir(parents=True)
    if not shape.meaning:
        return _measured(full, shape, wording_alone(full, folder), folder)
    if not steps:
        return _measured(full, shape, undistilled(full, shape), folder)
    (folder / "tokenizer").mkdir()
    transfer = full.transfer if start is None else _known_transfer(full)
    student = build_student(full, shape, folder / "tokenizer", transfer, batches=_BATCHES if start is None else 1)
    heads: Sequence[Head] = full.heads_without_held_out
    if start is not None:
        if not start.give(student):
            raise StageError("last night's student is of another shape than its name says")
        heads, steps = start.heads_to_go_on_with(heads), max(steps // _SHARE, 1)
    taught = _distill(full, student, heads, transfer, steps)
    found = _measured(full, shape, _distilled(full, shape, student, taught, transfer, steps, folder), folder)
    lost_by_rounding = found.loss.points - float(found.facts["points_lost_unrounded"])
    if shape.bits != 4 or lost_by_rounding <= _ROUNDING:
        return found
    more = max(steps // _SHARE, 1)
    log.info("rounding to four bits costs %.2f points: %d more steps with rounded weights", lost_by_rounding, more)
    student = replace(student, trunk=copy.deepcopy(student.trunk))
    with shared_weights(student.trunk):
        again = _distill(full, student, taught.heads, transfer, more, slower=_SHARE)
    (folder / "again").mkdir()
    aware = _distilled(full, shape, student, again, transfer, steps + more, folder / "again")
    other = _measured(full, shape, aware, folder / "again")
    return min(found, other, key=lambda one: one.loss.points)


def _measured(full: FullModel, shape: Shape, made: MadeEncoder, folder: Path) -> Candidate:
    """Pack an encoder, write its folder, and measure that."""
    weights = pack_graph(made.graph, folder / "packed.onnx", shape.bits, made.rounded, made.shared)
    target = folder / "model"
    full.write(target, made.model, PackedGraph(graph=folder / "packed.onnx", weights=weights), made.tokenizer)
    if made.model is None:
        rows = full.cross_validated
        loss = rows.rows.loss(rows.answers(made.reader(target).embed(rows.rows.texts)))
    else:
        held_out = replace(full.held_out, wording=made.model.wording or full.wording)
        vectors = made.reader(target).embed(held_out.texts)
        loss = full.held_out.loss(held_out.answers(made.held_heads, vectors))
    size = sum(path.stat().st_size for path in target.iterdir()) + full.other_bytes
    log.info("%s: %.2f MB, %.2f points lost on held-out rows", shape, size / 1e6, loss.points)
    return Candidate(
        shape=shape, model=made.model, folder=target, graph=made.graph, size=size, loss=loss, facts=made.facts
    )


def _known_transfer(full: FullModel) -> TransferSet:
    """The texts to distill on whose vectors the night has: for a student that goes on, nothing is read.

    Longer texts than are read at once are left out: their vectors are of more than a student reads of them.
    """
    rows = full.transfer_rows & full.embeddings.any(axis=1)
    owners = Tokens.load(full.source).chunks(full.texts_at(rows), full.limit, 2)[0]
    places = np.flatnonzero(rows)[np.bincount(owners, minlength=int(rows.sum())) == 1]
    places = places[evenly_spaced(len(places), full.most_texts)]
    texts, vectors = [full.texts[place] for place in places.tolist()], full.embeddings[places]
    mixed = full.wording.mix_held_out(texts, predict_probabilities(full.heads_without_held_out, vectors))
    return TransferSet(texts=texts, probabilities=full.wording.normalized(mixed), vectors=vectors, states=None)


def _distill(
    full: FullModel, student: Student, heads: Sequence[Head], transfer: TransferSet, steps: int, slower: float = 1.0
) -> Distilled:
    return distill(
        student,
        heads,
        transfer,
        steps=steps,
        batch_size=full.batch_size,
        limit=full.limit,
        device=full.device,
        seed=full.seed,
        slower=slower,
    )


def _distilled(
    full: FullModel,
    shape: Shape,
    student: Student,
    taught: Distilled,
    transfer: TransferSet,
    steps: int,
    folder: Path,
) -> MadeEncoder:
    """A student as it was taught, ready to be packed."""
    model = _calibrated(full, student, taught.heads, taught.losses)
    graphs = TrunkGraphs(folder / "graphs", lambda: student.trunk, full.graphs.structures)
    rows, left_out = full.held_out, left_out_tokenizer(full, shape, folder)
    vectors = encode_with_trunk(student.trunk, left_out or student.folder, rows.texts, full.limit, full.max_chunks)
    float_loss = rows.loss(rows.answers(model.heads, vectors))
    facts = {
        "steps": steps,
        "texts": len(transfer.texts),
        "loss": round(float(np.mean(taught.losses[-20:])), 4),
        "points_lost_unrounded": round(float_loss.points, 2),
    }
    graph, rounded = graphs.get("float32"), folder / "int8.onnx"
    shared = share_products(graph, rounded, full.batches(student.folder)) if shape.bits == 4 else {}
    return MadeEncoder(
        model=model, held_heads=model.heads, graph=graph, tokenizer=student.folder, facts=facts, left_out=left_out,
        rounded=rounded, shared=shared,
    )  # fmt: skip


def build_student(full: FullModel, shape: Shape, folder: Path, transfer: TransferSet, batches: int) -> Student:
    """An encoder of a shape, cut out of the full one, that has learned nothing yet.

    Args:
        full: the night's model.
        shape: what to leave.
        folder: for its tokenizer.
        transfer: the texts.
        batches: of them, by which the importance of heads and channels is measured.
    """
    materials = Materials(
        vocabulary=full.vocabulary,
        heads=full.heads_without_held_out,
        transfer=transfer,
        limit=full.limit,
        folder=folder,
        batches=batches,
    )
    student = Student.of(full.trunk, full.source)
    for step in STEPS.values():
        student = step(student, shape, materials)
    return student


def _calibrated(full: FullModel, student: Student, heads: Sequence[Head], losses: Sequence[float]) -> SmallerModel:
    """A student's heads, calibrated on the held-out rows, which it never read."""

    def read(rows: np.ndarray) -> np.ndarray:
        embeddings = np.zeros((len(full.texts), full.embeddings.shape[1]), dtype=np.float32)
        if rows.any():
            texts = full.texts_at(rows)
            embeddings[rows] = encode_with_trunk(student.trunk, student.folder, texts, full.limit, full.max_chunks)
        return embeddings

    embeddings, labeled = read(full.deciding), full.labeled
    calibrated, probabilities = [], {}
    for head in heads:
        name, measured = head.task.name, full.measured[head.task.name]
        plain = head.with_temperature(1.0).probabilities(embeddings[measured])
        temperature = calibrate(plain, full.codes[name][measured]) if measured.any() else 1.0
        calibrated.append(head.with_temperature(temperature * full.softening.get(name, 1.0)))
        probabilities[name] = calibrated[-1].probabilities(embeddings[measured])
    return SmallerModel(
        heads=calibrated,
        embeddings=lambda: read(labeled),
        trunk=student.trunk,
        losses=losses,
        held_out=probabilities,
    )


def publish(candidate: Candidate, target: Path) -> None:
    """Move a candidate's folder to where the night looks for the model."""
    shutil.move(candidate.folder, target)
