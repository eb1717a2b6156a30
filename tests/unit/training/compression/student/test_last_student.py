from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.small_table import ROWS, TASKS
from tilth.learn.encoder import Tokens, Trunk
from tilth.samples import Task
from tilth.training.compression.candidate import _known_transfer
from tilth.training.compression.student import LastStudent, Shape, Student, Winner, digests
from tilth.training.heads import Head
from tilth.training.views import Wording


def head(task: Task, value: float) -> Head:
    shape = (len(task.labels), 32)
    return Head(task=task, weight=np.full(shape, value, np.float32), bias=np.full(shape[0], value, np.float32))


TEXTS = [row[1] for row in ROWS]
HEADS = [head(TASKS[0], 1), head(TASKS[1], 2)]
NONE = np.array([], dtype=np.uint64)


def without(piece: str, deep: Path, folder: Path) -> Path:
    """The tokenizer without one of its pieces, the later ones one place further up."""
    shutil.copytree(deep, folder)
    found = json.loads((deep / "tokenizer.json").read_text())
    words = [word for word in found["model"]["vocab"] if word != piece]
    found["model"]["vocab"] = {word: place for place, word in enumerate(words)}
    (folder / "tokenizer.json").write_text(json.dumps(found))
    return folder


def cut(trunk: Trunk, whole: Path, folder: Path) -> Student:
    """Two layers of an encoder, with the embeddings of a folder's pieces alone."""
    student = Student.of(trunk, whole).with_layers((0, 2))
    before, now = (Tokens.load(one).tokenizer.get_vocab() for one in (whole, folder))
    ids = torch.tensor([before[piece] for piece in sorted(now, key=now.__getitem__)])
    weight = student.trunk.model.get_input_embeddings().weight.detach()[ids]
    student.trunk.model.set_input_embeddings(nn.Embedding.from_pretrained(weight, freeze=False))
    return Student(trunk=student.trunk, folder=folder, layers=student.layers)


def test_a_student_goes_on_from_last_nights_weights_piece_by_piece(trunk: Trunk, deep: Path, tmp_path: Path) -> None:
    last = cut(trunk, deep, without("internet", deep, tmp_path / "last"))
    with torch.no_grad():
        for value in last.trunk.parameters():
            value.add_(1)
    won = Winner(shape=Shape(layers=(0, 2)), student=LastStudent.of(last.trunk, HEADS, last.folder, digests(TEXTS)))
    won.save(tmp_path)
    found = Winner.load(tmp_path)
    assert found is not None
    assert found.student is not None
    assert found.shape == won.shape
    assert found.student.texts.tolist() == digests(TEXTS).tolist()
    renamed = Task(name=TASKS[1].name, labels=("other", *TASKS[1].labels[1:]))
    kept = found.student.heads_to_go_on_with([replace(head(TASKS[0], 5), temperature=3), head(renamed, 6)])
    assert [(one.weight[0, 0], one.bias[0], one.temperature) for one in kept] == [(1, 1, 3), (6, 6, 1)]
    tonight = cut(trunk, deep, without("refund", deep, tmp_path / "tonight"))
    own = {name: value.clone() for name, value in tonight.trunk.state_dict().items()}
    assert found.student.give(tonight)
    given, pieces = tonight.trunk.state_dict(), Tokens.load(tonight.folder).tokenizer.get_vocab()
    table = "model.embeddings.word_embeddings.weight"
    for name, value in given.items():
        for row, piece in enumerate(sorted(pieces, key=pieces.__getitem__)) if name == table else [(..., "")]:
            new = piece == "internet"  # which last night did not have
            assert torch.allclose(value[row], own[name][row] + (not new), atol=5e-3)
    assert Winner.load(tmp_path / "tonight") is None


@pytest.mark.parametrize("layers", [(0,), (0, 1, 2)])
def test_a_student_of_another_shape_is_left_as_it_was(trunk: Trunk, deep: Path, layers: tuple[int, ...]) -> None:
    last = LastStudent.of(Student.of(trunk, deep).with_layers((0, 2)).trunk, HEADS, deep, NONE)
    other = Student.of(trunk, deep).with_layers(layers)
    narrow = next(iter(other.trunk.model.encoder.layer)).output.dense
    narrow.weight = nn.Parameter(narrow.weight[:, :48].clone())
    own = {name: value.clone() for name, value in other.trunk.state_dict().items()}
    assert not last.give(other)
    assert all(torch.equal(value, own[name]) for name, value in other.trunk.state_dict().items())


def test_a_student_that_knows_a_text_it_would_be_measured_by_is_not_gone_on_with(trunk: Trunk, deep: Path) -> None:
    shape = Shape(layers=(0, 2))
    last = Winner(shape=shape, student=LastStudent.of(trunk, HEADS, deep, digests(["a", "b", "was train", "copy"])))
    known, hidden = ["a", "b", "copy"], ["held out", "gold", "copy"]
    assert last.student_of(shape, hidden, known) is last.student  # the copy is distilled on tonight, too
    assert last.student_of(Shape(layers=(0,)), hidden, known) is None
    assert Winner(shape=shape).student_of(shape, hidden, known) is None
    assert last.student_of(shape, [*hidden, "was train"], known) is None


def test_texts_whose_vectors_are_known_are_distilled_on_without_their_states(deep: Path) -> None:
    texts = ["refund", "internet", "refund " * 9, "held out"]
    full: Any = SimpleNamespace(
        texts=texts,
        texts_at=lambda rows: [text for text, here in zip(texts, rows, strict=True) if here],
        transfer_rows=np.array([True, True, True, False]),
        most_texts=9,
        embeddings=np.array([[1.0], [0.0], [1.0], [1.0]], dtype=np.float32),
        source=deep,
        limit=6,
        wording=Wording(),
        heads_without_held_out=[],
    )
    found = _known_transfer(full)
    assert list(found.texts) == ["refund"]  # the second's vector is not known, the third is longer than is read at once
    assert found.vectors.tolist() == [[1.0]]
    assert found.states is None
