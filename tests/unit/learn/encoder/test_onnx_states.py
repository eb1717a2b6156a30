from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.learn.encoder.test_text_encoder import TEXTS, encoder
from tilth.learn.encoder import onnx_states
from tilth.learn.encoder.onnx_states import pooled


def test_a_graph_is_written_for_many_texts_and_gives_the_same_vectors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_torch = encoder(tmp_path / "torch").compute(TEXTS)
    assert not (tmp_path / "torch" / "onnx").exists()  # so few texts do not pay for one
    monkeypatch.setattr(onnx_states, "MANY", 1)
    one = encoder(tmp_path / "many")
    for _ in range(2):
        one.compute(TEXTS)
    assert len(list((tmp_path / "many" / "onnx").rglob("*.onnx"))) == 1
    monkeypatch.setattr(onnx_states, "torch_states", lambda *_: pytest.fail("read by torch"))
    assert one.compute(TEXTS) == pytest.approx(by_torch, abs=1e-6)
    assert encoder(tmp_path / "many").compute(TEXTS) == pytest.approx(by_torch, abs=1e-6)


def test_a_graph_is_there_before_the_first_of_many_texts_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_states, "MANY", len(TEXTS) - 1)
    read: list[int] = []
    by_torch = onnx_states.torch_states

    def counted(model: Any, ids: np.ndarray, *rest: Any) -> np.ndarray:
        read.append(len(ids))
        return by_torch(model, ids, *rest)

    monkeypatch.setattr(onnx_states, "torch_states", counted)
    one = encoder(tmp_path)
    one.encode(TEXTS)
    assert read == [3]  # what the graph is compared by
    one.encode(TEXTS)  # held
    assert read == [3]


def test_several_batches_are_read_at_a_time_by_a_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_states, "MANY", 1)
    one = encoder(tmp_path)
    alone = one.compute(TEXTS[:2])
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    both, by_graph = threading.Barrier(2, timeout=20), one._reader._states._graph
    assert by_graph is not None

    def together(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        both.wait()  # which nobody leaves before the second has come
        return by_graph(ids, mask)

    monkeypatch.setattr(one._reader._states, "_graph", together)
    monkeypatch.setattr(type(one._reader), "batch_tokens", 1)  # each text is a batch of its own
    assert one.compute(TEXTS[:2]) == pytest.approx(alone, abs=1e-6)


def test_a_graph_that_gives_other_vectors_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_states, "MANY", 0)
    monkeypatch.setattr(onnx_states, "CLOSE", 0.0)
    monkeypatch.setattr(onnx_states, "OnnxStates", lambda _: lambda ids, mask: np.ones((*ids.shape, 384)))
    assert encoder(tmp_path).compute(TEXTS[:1]) == pytest.approx(encoder(tmp_path / "b").compute(TEXTS[:1]), abs=1e-6)
    assert not list(tmp_path.rglob("*.onnx"))


def test_a_damaged_graph_is_left_to_torch(tmp_path: Path) -> None:
    path = onnx_states.graph_file(encoder(tmp_path)._cache, encoder(tmp_path).fingerprint)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no graph")
    assert encoder(tmp_path).compute(TEXTS[:1]).shape == (1, 384)


def test_padding_takes_no_part_in_a_mean() -> None:
    states = np.array([[[3.0, 0.0], [0.0, 4.0], [9.0, 9.0]]], dtype=np.float32)
    mask = np.array([[1, 1, 0]])
    assert pooled(states, mask, first_token=False) == pytest.approx(np.array([[0.6, 0.8]]))
    assert pooled(states, mask, first_token=True).tolist() == [[1.0, 0.0]]
