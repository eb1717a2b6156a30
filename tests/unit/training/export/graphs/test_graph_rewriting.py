"""An encoder by fewer and faster operators gives the same vectors; what is built otherwise stays as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from tilth.learn.encoder import Trunk
from tilth.training.export import Predictor, TrunkGraphs, open_session, text_reader
from tilth.training.export.graphs.graph_rewriting import rewrite

IDS = np.array([[3, 1, 4, 1, 5], [2, 5, 6, 0, 0], [7, 0, 0, 0, 0]])
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]])


@pytest.mark.usefixtures("written")  # which has traced the architecture
def test_an_encoder_gives_the_same_vectors_by_fewer_nodes(folder: Path, tmp_path: Path) -> None:
    graph = TrunkGraphs(tmp_path, lambda: Trunk(folder).eval()).get("float32")
    model = onnx.load(graph)
    before = len(model.graph.node)
    rewrite(model)
    onnx.save(model, tmp_path / "lean.onnx")
    operators = [node.op_type for node in model.graph.node]
    assert len(operators) < 0.65 * before
    assert {"FastGelu", "LpNormalization"} <= set(operators)
    assert not {"Gelu", "GatherND", "GatherElements", "ReduceL2", "Where"} & set(operators)
    one, other = (
        open_session(path).run(None, {"input_ids": IDS, "attention_mask": MASK})[0]
        for path in (graph, tmp_path / "lean.onnx")
    )
    assert np.abs(one - other).max() < 1e-3
    assert np.linalg.norm(other, axis=1) == pytest.approx([1, 1, 1])


def attention(nodes: list[onnx.NodeProto], **constants: Any) -> onnx.ModelProto:
    """A softmax over scores, to which `nodes` add something."""
    made = helper.make_graph(
        [
            *nodes,
            helper.make_node("Add", ["scores", "added"], ["masked"]),
            helper.make_node("Softmax", ["masked"], ["y"], axis=-1),
        ],
        "attention",
        [
            helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["rows", "length"]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["rows", 2, "length", "length"]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


HIDE = [
    helper.make_node("Cast", ["attention_mask"], ["flags"], to=TensorProto.BOOL),
    helper.make_node("Where", ["flags", "zero", "least"], ["row"]),
    helper.make_node("Unsqueeze", ["row", "axes"], ["added"]),
]
ZERO, LEAST = np.float32(0), np.float32(-1e9)


def test_a_mask_that_hides_padding_is_written_at_once() -> None:
    model = attention(HIDE, zero=ZERO, least=LEAST, axes=np.array([1, 2]))
    scores = np.random.default_rng(0).normal(size=(3, 2, 5, 5)).astype(np.float32)
    given = {"attention_mask": MASK, "scores": scores}
    before = run(model, given)
    rewrite(model)
    assert "Where" not in [node.op_type for node in model.graph.node]
    assert np.allclose(run(model, given), before)


def test_a_mask_that_hides_something_else_stays() -> None:
    model = attention(HIDE, zero=LEAST, least=ZERO, axes=np.array([1, 2]))  # the tokens, not the padding
    before = [node.op_type for node in model.graph.node]
    rewrite(model)
    assert [node.op_type for node in model.graph.node] == before


def run(model: onnx.ModelProto, given: dict[str, np.ndarray]) -> np.ndarray:
    """What a model gives."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found: np.ndarray = session.run(None, given)[0]
    return found


def test_one_batch_starts_no_thread(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["the line is dead", "refund my money please", "slow"]
    model = Predictor.load(written, threads=2)
    together = model.embed(texts)

    def never(*_: Any) -> None:
        raise AssertionError("a thread was started")

    monkeypatch.setattr(text_reader, "ThreadPoolExecutor", never)
    assert np.array_equal(Predictor.load(written, threads=1).embed(texts), together)
    assert np.array_equal(model.embed(texts[:1]), together[:1])


def test_what_only_the_body_of_a_branch_reads_is_kept() -> None:
    """As in the export of a liquid head, whose loop over tokens reads weights from around it."""
    made = helper.make_tensor_value_info("made", TensorProto.FLOAT, [2])
    bodies = [
        helper.make_graph([helper.make_node(operator, ["outer", "weight"], ["made"])], operator, [], [made])
        for operator in ("Add", "Sub")
    ]
    nodes = [
        helper.make_node("Identity", ["given"], ["outer"]),
        helper.make_node("If", ["which"], ["result"], then_branch=bodies[0], else_branch=bodies[1]),
    ]
    values = {"given": TensorProto.FLOAT, "which": TensorProto.BOOL}
    inputs = [
        helper.make_tensor_value_info(name, kind, [2] if name == "given" else []) for name, kind in values.items()
    ]
    result = helper.make_tensor_value_info("result", TensorProto.FLOAT, [2])
    weights = [numpy_helper.from_array(np.ones(2, dtype=np.float32), name) for name in ("weight", "nobody_s")]
    model = helper.make_model(helper.make_graph(nodes, "branches", inputs, [result], weights), ir_version=10)
    rewrite(model)
    assert [tensor.name for tensor in model.graph.initializer] == ["weight"]
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"given": np.array([1, 2], dtype=np.float32), "which": np.array(True)})
    assert found.tolist() == [2, 3]
