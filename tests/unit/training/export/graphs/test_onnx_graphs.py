"""A trunk as ONNX."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.small_table import make_table
from tests.unit.training.tiny_encoder import FROZEN, FolderEncoder, resources
from tilth import training
from tilth.learn.shared_features import Evidence
from tilth.store import Cache, digest_tree
from tilth.training.export.graphs import onnx_graphs


def test_a_trunk_that_is_the_same_every_night_is_written_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples, written = make_table(), []
    write = onnx_graphs.write_trunk
    monkeypatch.setattr(onnx_graphs, "write_trunk", lambda *given: (written.append(given), write(*given)))
    nights = []
    for name in "abc":
        if name == "c":  # what is damaged is made again
            for file in (tmp_path / "cache" / "onnx").rglob("*.onnx"):
                file.write_bytes(file.read_bytes()[:1000])
        own = resources(samples, FolderEncoder(folder), tmp_path / name)
        shared = Evidence(samples, encoder=own.evidence.encoder, cache=Cache(tmp_path / "cache"))
        nights.append(training.run(samples, FROZEN, dataclasses.replace(own, evidence=shared)))
    assert len(written) == 2
    assert len({digest_tree(night.artifacts["model"]) for night in nights}) == 1
    assert nights[0].metrics["export"] == nights[1].metrics["export"] == nights[2].metrics["export"]
