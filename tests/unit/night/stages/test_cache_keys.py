"""A cached value is keyed on all the code that makes it: the lists of file names are held to what is imported."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.imported import module_of, modules_in, run_by
from tilth.augmentation import candidate_cache
from tilth.augmentation.quality import fluency
from tilth.learn import row_features, shared_features
from tilth.night.stages import result_cache
from tilth.stage import NAMES
from tilth.store import Cache
from tilth.training import predictor_code_digest
from tilth.training.export import predictor_code
from tilth.training.export.graphs import onnx_graphs

AROUND = (
    "tilth.engine.blocks",
    "tilth.errors",
    "tilth.lazy",
    "tilth.notes",
    "tilth.progress",
    "tilth.samples.",
    "tilth.store.",
)
"""Of no effect on a value: who computes it, messages, loading, the table's types, and where values stand."""
SETTINGS = (".config", ".config.settings", ".config.base", ".config.engine", ".config.nights", ".encoder.checkpoint")
"""Their values, and the digest of the weights that they find, are in every key by themselves."""


@pytest.mark.parametrize("name", NAMES)
def test_a_stage_is_keyed_on_all_the_code_that_it_runs(name: str) -> None:
    run = run_by(modules_in(f"tilth.{name}"))
    assert len(run) > len(modules_in(f"tilth.{name}"))
    assert sorted(run - {module_of(path) for path in result_cache.code_files(name) if path.suffix == ".py"}) == []


def _not_keyed(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, taker: str, call: Callable[[], object], run: set[str]
) -> list[str]:
    """Modules whose code a value rests on, and that are not among the files whose digest is taken for its key."""
    taken: list[Path] = []

    def digest(*files: Path | Iterable[Path] | str) -> str:
        for file in files[:1] if taker == "digest_made_by" else files:
            taken.extend([file] if isinstance(file, Path) else map(Path, file))
        return "0" * 32

    monkeypatch.setattr(module, taker, digest)
    call()
    assert taken
    assert [file for file in taken if not file.is_file()] == []
    rests_on = {one for one in run if not one.startswith(AROUND) and not one.endswith(SETTINGS)}
    return sorted(rests_on - {module_of(file) for file in taken})


def test_shared_features_are_keyed_on_the_code_that_computes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = shared_features.Evidence.__new__(shared_features.Evidence)
    evidence.encoder = type("Named", (), {"fingerprint": ""})()
    evidence._ids, evidence._texts, evidence._gold = [], [], np.zeros(0, dtype=bool)
    run = {one for one in run_by(["tilth.learn.shared_features"]) if ".encoder." not in one}  # its fingerprint is in it
    run -= {"tilth.devices"}  # the encoder's
    run = {one for one in run if "pictures" not in one}  # what is cached of pictures is keyed on their fingerprint
    assert _not_keyed(monkeypatch, row_features, "digest_code", lambda: evidence._content, run) == []


def test_candidates_are_keyed_on_the_code_that_generates_them(monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_by(["tilth.augmentation.candidate_cache", "tilth.augmentation.diffusion.pipeline"])
    run |= run_by(["tilth.augmentation.llm.paraphraser"])
    assert _not_keyed(monkeypatch, candidate_cache, "digest_made_by", candidate_cache._made_by, run) == []


def test_fluency_is_keyed_on_the_code_that_measures_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = run_by(["tilth.augmentation.quality.fluency"])
    cached = lambda: fluency.nats_cache(Cache(tmp_path), "fingerprint")  # noqa: E731 - called once the digest is replaced
    assert _not_keyed(monkeypatch, fluency, "digest_made_by", cached, run) == []


def test_a_traced_trunk_is_keyed_on_the_code_that_traces_it(monkeypatch: pytest.MonkeyPatch) -> None:
    run = {"tilth.training.export.graphs.onnx_graphs"} | run_by(["tilth.learn.encoder.trunk"])
    run -= {"tilth.learn.encoder.tokenizer", "tilth.learn.encoder.chunking"}  # of `encode`, which is not traced
    assert _not_keyed(monkeypatch, onnx_graphs, "digest_made_by", lambda: onnx_graphs.cache_key(""), run) == []


def test_answers_of_a_model_are_keyed_on_the_code_that_predicts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_by(["tilth.training.export.predictor"])
    assert _not_keyed(monkeypatch, predictor_code, "digest_made_by", predictor_code_digest, run) == []
