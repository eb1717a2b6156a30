"""A trunk's graph is traced once an architecture, and filled with weights where it answers as the trunk does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from tilth.learn.encoder import Trunk, resolve_model
from tilth.training.compression.student.static import StaticTrunk
from tilth.training.export.graphs import graph_structure
from tilth.training.export.graphs.graph_structure import PACKAGED, architecture, write_trunk
from tilth.training.export.graphs.onnx_graphs import trace

IDS, MASK = np.array([[3, 1, 4], [2, 5, 0]]), np.array([[1, 1, 1], [1, 1, 0]])


class Sum(nn.Module):
    """The sum of the pieces' vectors, times `scale`, through a product."""

    def __init__(self, pieces: int = 20, scale: float = 1.0) -> None:
        super().__init__()
        self.table, self.product, self.scale = nn.Embedding(pieces, 4), nn.Linear(4, 4, bias=False), scale

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.product((self.table(ids) * mask.unsqueeze(-1).float()).sum(1)) * self.scale


class HandTrace:
    """Writes a `Sum` as an exporter does: the product's weight transposed, and the scale folded into it."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, trunk: nn.Module, path: Path) -> None:
        assert isinstance(trunk, Sum)
        self.calls += 1
        product = trunk.product.weight.detach().numpy().T * np.float32(trunk.scale)
        weights = {"table.weight": trunk.table.weight.detach().numpy(), "val_1": np.ascontiguousarray(product)}
        nodes = [
            helper.make_node("Gather", ["table.weight", "input_ids"], ["pieces"]),
            helper.make_node("Cast", ["attention_mask"], ["flags"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["flags", "last"], ["counted"]),
            helper.make_node("Mul", ["pieces", "counted"], ["shown"]),
            helper.make_node("ReduceSum", ["shown", "second"], ["sum"], keepdims=0),
            helper.make_node("MatMul", ["sum", "val_1"], ["sentence_vector"]),
        ]
        constants = {"last": np.array([-1]), "second": np.array([1])}
        inputs = ("input_ids", "attention_mask")
        graph = helper.make_graph(
            nodes,
            "sum",
            [helper.make_tensor_value_info(name, TensorProto.INT64, ["rows", "length"]) for name in inputs],
            [helper.make_tensor_value_info("sentence_vector", TensorProto.FLOAT, ["rows", 4])],
            [numpy_helper.from_array(value, name) for name, value in (weights | constants).items()],
        )
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)


@pytest.fixture
def new_process(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Forgets what this process has traced."""

    def forget() -> None:
        monkeypatch.setattr(graph_structure, "_structures", {})

    forget()
    return forget


def vectors(path: Path, ids: np.ndarray = IDS, mask: np.ndarray = MASK) -> np.ndarray:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found: np.ndarray = session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
    return found


def expected(trunk: nn.Module, ids: np.ndarray = IDS, mask: np.ndarray = MASK) -> np.ndarray:
    with torch.no_grad():
        found: np.ndarray = trunk(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
    return found


def test_other_weights_of_an_architecture_are_filled_in(tmp_path: Path, new_process: Callable[[], None]) -> None:
    by_hand, kept = HandTrace(), lambda key: tmp_path / key
    for pieces in (20, 20, 30):  # another vocabulary is another table alone
        new_process()
        trunk = Sum(pieces)
        write_trunk(trunk, tmp_path / "graph.onnx", by_hand, kept)
        assert vectors(tmp_path / "graph.onnx") == pytest.approx(expected(trunk), abs=1e-6)
        assert not onnx.load(tmp_path / "graph.onnx").metadata_props
    assert by_hand.calls == 1
    write_trunk(Sum(), tmp_path / "graph.onnx", by_hand, None)  # the process has it, whatever the cache
    assert by_hand.calls == 1


def test_what_is_damaged_is_traced_again(
    tmp_path: Path, new_process: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    by_hand, kept = HandTrace(), lambda key: tmp_path / key
    write_trunk(Sum(), tmp_path / "graph.onnx", by_hand, kept)
    (structure,) = tmp_path.rglob("structure.onnx")
    structure.write_bytes(structure.read_bytes()[:100])
    new_process()
    write_trunk(Sum(), tmp_path / "graph.onnx", by_hand, kept)
    assert by_hand.calls == 2
    assert "cache file structure.onnx is damaged" in caplog.text


def test_a_graph_that_does_not_answer_as_the_trunk_is_traced(tmp_path: Path, new_process: Callable[[], None]) -> None:
    by_hand, trunk = HandTrace(), Sum(scale=2.0)
    write_trunk(trunk, tmp_path / "graph.onnx", by_hand, None)
    assert by_hand.calls == 2  # for the structure, which has no place for the folded weight, and for the graph itself
    assert vectors(tmp_path / "graph.onnx") == pytest.approx(expected(trunk), abs=1e-6)


def test_an_architecture_is_its_modules_settings_and_shapes() -> None:
    assert architecture(Sum()) == architecture(Sum(pieces=30))
    assert architecture(Sum()) != architecture(Sum(scale=2.0))
    wide = Sum()
    wide.product = nn.Linear(4, 5, bias=False)
    assert architecture(Sum()) != architecture(wide)


@pytest.fixture(scope="module")
def default() -> Trunk:
    return Trunk(resolve_model("default")).eval()


@pytest.mark.parametrize("none", [False, True], ids=["default", "no encoder"])
def test_neither_the_default_encoder_nor_what_stands_for_none_is_traced_at_all(
    none: bool, default: Trunk, tmp_path: Path, new_process: Callable[[], None]
) -> None:
    alone = StaticTrunk(torch.ones((8000, 1))).eval()  # of another vocabulary than what is shipped
    names = {path.stem for path in PACKAGED.glob("*.onnx")}
    assert names == {architecture(default), architecture(alone)}  # else: tools/trace_structures.py

    def never(trunk: nn.Module, path: Path) -> None:
        raise AssertionError("it was traced")

    trunk = alone if none else default
    write_trunk(trunk, tmp_path / "graph.onnx", never, None)
    ids = np.array([[101, 7592, 2088, 102], [101, 7592, 102, 0]])
    mask = np.array([[1, 1, 1, 1], [1, 1, 1, 0]])
    assert vectors(tmp_path / "graph.onnx", ids, mask) == pytest.approx(expected(trunk, ids, mask), abs=1e-6)


@pytest.mark.slow  # it is traced
def test_a_fresh_trace_of_the_default_encoder_answers_as_what_is_shipped(default: Trunk, tmp_path: Path) -> None:
    trace(default, tmp_path / "fresh.onnx")
    write_trunk(default, tmp_path / "shipped.onnx", trace, None)
    generator = np.random.default_rng(0)
    ids = generator.integers(1_000, 30_000, (8, 40))
    mask = (np.arange(40) < generator.integers(3, 41, (8, 1))).astype(np.int64)
    fresh, shipped = (vectors(tmp_path / f"{name}.onnx", ids, mask) for name in ("fresh", "shipped"))
    assert shipped == pytest.approx(fresh, abs=1e-6)
