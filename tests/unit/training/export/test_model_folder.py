"""A model's folder is loaded whole or not at all, and answers each text by itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from tests.small_table import make_table
from tests.unit.training.tiny_encoder import FROZEN, FolderEncoder, resources
from tilth import training
from tilth.errors import DamagedFileError, RequestError
from tilth.training.export import Predictor, check_digests, edge_facts, export_edge
from tilth.training.export import checked_rows as texts_module

TEXTS = ["refund", "refund still missing", "my internet is slow", "red a", "slow internet again and again", ""]


@pytest.fixture
def model(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "model"))


def test_a_text_is_answered_as_alone_whatever_stands_beside_it(model: Path) -> None:
    predictor = Predictor.load(model)
    operators = {node.op_type for node in onnx.load(model / "model.onnx").graph.node}
    assert "MatMulIntegerToFloat" in operators  # int8, with a scale a token
    assert "DynamicQuantizeLinear" not in operators
    alone = np.concatenate([predictor.embed([text]) for text in TEXTS])
    for order in (range(6), [5, 3, 1, 0, 2, 4], [2, 2, 2, 4]):
        together = predictor.embed([TEXTS[place] for place in order])
        np.testing.assert_allclose(together, alone[list(order)], atol=1e-6)
        answers = predictor([TEXTS[place] for place in order])
        assert answers == [predictor(TEXTS[place]) for place in order]


def test_every_file_but_the_card_is_checked(model: Path) -> None:
    (model / "README.md").write_text("a card")
    Predictor.load(model)
    names = {"heads.onnx", "model.onnx", "tilth.json", "tokenizer.json"}
    assert set(json.loads((model / "digests.json").read_text())) >= names
    heads = (model / "heads.onnx").read_bytes()
    (model / "heads.onnx").write_bytes(heads[:-1] + bytes([heads[-1] ^ 1]))
    with pytest.raises(DamagedFileError, match=r"heads\.onnx has changed since .* copy the whole folder"):
        Predictor.load(model)
    (model / "heads.onnx").write_bytes(heads)
    digests = json.loads((model / "digests.json").read_text())
    (model / "digests.json").write_text(json.dumps({**digests, "more.npz": "0"}))
    with pytest.raises(DamagedFileError, match=r"lacks more\.npz, which digests\.json names"):
        check_digests(model)
    (model / "digests.json").write_text("[")
    with pytest.raises(DamagedFileError, match=r"digests\.json is no list of digests"):
        Predictor.load(model)
    (model / "digests.json").unlink()
    with pytest.raises(DamagedFileError, match=r"lacks digests\.json"):
        Predictor.load(model)


def test_folders_of_earlier_versions_load_and_read_each_text_alone(model: Path) -> None:
    new = Predictor.load(model)
    settings = json.loads((model / "tilth.json").read_text())
    del settings["batched"]
    (model / "tilth.json").write_text(json.dumps({**settings, "version": 3}))
    (model / "digests.json").unlink()
    old = Predictor.load(model)
    assert old._reader.batches([[1], [2], [3]]) == [[0], [1], [2]]
    assert old(TEXTS[:3]) == new(TEXTS[:3])
    (model / "tilth.json").write_text(json.dumps({**settings, "version": 9}))
    with pytest.raises(RequestError, match="holds a model of version 9, expected 4"):
        Predictor.load(model)
    (model / "tilth.json").write_text("{")
    with pytest.raises(DamagedFileError, match=r"tilth\.json is damaged"):
        Predictor.load(model)


def test_pieces_are_computed_in_batches_of_one_length(model: Path) -> None:
    predictor = Predictor.load(model)  # with [CLS] and [SEP]: 4, 4, 12 and 4 tokens
    assert predictor._reader.batches([[1, 2], [1], [1] * 7, []]) == [[0, 1, 3], [2]]
    assert predictor._reader.batches([[1]] * 70) == [[*range(32)], [*range(32, 64)], [*range(64, 70)]]


def test_providers_are_those_of_this_onnx_runtime(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = Predictor.load(model, providers=[("CPUExecutionProvider", {})])
    assert chosen._reader.trunk.get_providers() == ["CPUExecutionProvider"]
    with pytest.raises(RequestError, match='no execution provider "CPUExecutionProvder"; did you mean "CPUExec'):
        Predictor.load(model, providers=["CPUExecutionProvder"])
    with pytest.raises(RequestError, match="expected a list of names"):
        Predictor.load(model, providers="CPUExecutionProvider")
    monkeypatch.setattr(onnxruntime, "__version__", "1.9.0")
    with pytest.raises(RequestError, match=r"ONNX Runtime 1\.9\.0 is too old .* takes 1\.22 or newer: pip install -U"):
        Predictor.load(model)


def test_what_no_text_is_gets_no_label(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = Predictor.load(model)
    nothing = {"label": None, "confidence": 0.0, "out_of_scope": True}
    assert predictor([]) == []
    assert predictor(" \n") == {"area": nothing, "intent": nothing}
    with pytest.raises(RequestError, match=r"place 1 holds half a character"):
        predictor(["fine", "\ud83d"])
    monkeypatch.setattr(texts_module, "LONGEST", 5)
    with pytest.raises(RequestError, match=r"place 0 has 6 characters, expected at most 5; split it"):
        predictor("refund")


def test_the_edge_model_is_plain_static_int8_and_nearly_the_same(folder: Path, tmp_path: Path) -> None:
    samples = make_table()
    config = FROZEN.model_copy(update={"edge": True})
    night = training.run(samples, config, resources(samples, FolderEncoder(folder), tmp_path / "night"))
    facts = edge_facts(night.artifacts["edge"] / "model.onnx")
    assert night.metrics["export"]["edge"] == {"bytes": facts.bytes, "unlisted": []}
    assert facts.operators["QuantizeLinear"] > 0
    edge, full = Predictor.load(night.artifacts["edge"]), Predictor.load(night.artifacts["model"])
    cosines = (edge.embed(TEXTS) * full.embed(TEXTS)).sum(axis=1)
    assert cosines.min() > 0.97
    np.testing.assert_array_equal(edge.embed(TEXTS)[2:4], edge.embed(TEXTS[2:4]))
    long = " ".join(["refund slow internet"] * 30)  # two pieces
    assert float(edge.embed([long])[0] @ full.embed([long])[0]) > 0.9


def test_what_is_no_encoder_of_layers_has_no_edge_model(model: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no text to measure the activations by"):
        export_edge(model, tmp_path / "none", trunk=model / "model.onnx", texts=[])
    vectors = helper.make_tensor_value_info("sentence_vector", TensorProto.FLOAT, ["rows", "length"])
    names = ("input_ids", "attention_mask")
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["rows", "length"]) for name in names]
    nodes = [helper.make_node("Mul", [*names], ["ids"]), helper.make_node("Cast", ["ids"], ["sentence_vector"], to=1)]
    graph = helper.make_graph(nodes, "static", inputs, [vectors])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), tmp_path / "a.onnx")
    with pytest.raises(RequestError, match="0 masks and 0 normalizations, expected one mask and some"):
        export_edge(model, tmp_path / "edge", trunk=tmp_path / "a.onnx", texts=["refund"])
