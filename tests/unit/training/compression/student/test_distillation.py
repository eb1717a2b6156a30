from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.small_table import ROWS, TASKS
from tilth.errors import StageError
from tilth.learn.encoder import Tokens, Trunk, encode_with_trunk
from tilth.training.compression.student import Student
from tilth.training.compression.student.distillation import TransferSet, distill, read_texts
from tilth.training.compression.student.shape import Shape
from tilth.training.compression.student.steps import STEPS, Materials
from tilth.training.heads import Head

TEXTS = [row[1] for row in ROWS]


def teaching(trunk: Trunk, deep: Path) -> tuple[list[Head], TransferSet]:
    """A teacher whose two classes are told apart by the first dimension of its vectors."""
    vectors, states = read_texts(trunk, Tokens.load(deep), TEXTS, 64)
    weight = np.zeros((2, 32), dtype=np.float32)
    weight[0, 0], weight[1, 0] = 20, -20
    bias = np.array([-20, 20], dtype=np.float32) * np.median(vectors[:, 0])
    head = Head(task=TASKS[0], weight=weight, bias=bias)
    probabilities = {"area": head.probabilities(vectors)}
    return [head], TransferSet(texts=TEXTS, probabilities=probabilities, vectors=vectors, states=states)


def taught(trunk: Trunk, deep: Path, folder: Path, steps: int, shape: Shape) -> tuple[Student, list[Head], list[float]]:
    heads, transfer = teaching(trunk, deep)
    folder.mkdir()
    student = Student.of(trunk, deep)
    materials = Materials(vocabulary=None, heads=heads, transfer=transfer, limit=64, folder=folder)
    for step in STEPS.values():
        student = step(student, shape, materials)
    found = distill(student, heads, transfer, steps=steps, batch_size=4, limit=64, device="cpu", seed=0)
    return student, found.heads, found.losses


def test_a_student_learns_to_answer_as_its_teacher(trunk: Trunk, deep: Path, tmp_path: Path) -> None:
    shape = Shape(layers=(0, 1, 2), channels=0.5)
    student, heads, losses = taught(trunk, deep, tmp_path / "a", 40, shape)
    assert np.mean(losses[-3:]) < 0.8 * losses[0]
    wanted = teaching(trunk, deep)[1].probabilities["area"].argmax(axis=1)
    vectors = encode_with_trunk(student.trunk, deep, TEXTS, 64, 4)
    assert (heads[0].probabilities(vectors).argmax(axis=1) == wanted).mean() >= 10 / 12
    again, _, same = taught(trunk, deep, tmp_path / "b", 40, shape)
    assert losses == same
    assert all(torch.equal(a, b) for a, b in zip(student.trunk.parameters(), again.trunk.parameters(), strict=True))


def test_a_static_student_learns_too(trunk: Trunk, deep: Path, tmp_path: Path) -> None:
    _, _, losses = taught(trunk, deep, tmp_path / "a", 30, Shape(layers=()))
    assert np.mean(losses[-3:]) < losses[0]


def test_a_loss_that_is_not_finite_ends_it_with_words(trunk: Trunk, deep: Path) -> None:
    heads, transfer = teaching(trunk, deep)
    transfer.vectors[:] = np.nan
    student = Student.of(trunk, deep).with_layers((0,))
    with pytest.raises(StageError, match=r"step 1 is not a finite number \((inf|nan)\); set training.contract = false"):
        distill(student, heads, transfer, steps=2, batch_size=4, limit=64, device="cpu", seed=0)
