"""The exported model answers as the one that was trained, short texts and long."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.small_table import TASKS, make_table
from tests.unit.training.tiny_encoder import FROZEN, FolderEncoder, resources
from tilth import samples as table
from tilth import training
from tilth.errors import RequestError
from tilth.learn.encoder.trunk import Trunk, encode_with_trunk
from tilth.store import Run
from tilth.training.export import write_digests
from tilth.training.export.predictor import Predictor, embed_texts
from tilth.training.fitting.head_fitting import calibrated_heads
from tilth.training.heads import predict_probabilities
from tilth.training.inputs.config import Config
from tilth.training.inputs.training_set import training_set_of


def change_settings(model: Path, **changes: int) -> None:
    settings = json.loads((model / "tilth.json").read_text())
    (model / "tilth.json").write_text(json.dumps({**settings, **changes}))
    write_digests(model)


def test_a_run_folder_is_as_good_as_its_model_and_a_string_is_one_text(folder: Path, tmp_path: Path) -> None:
    samples = make_table()
    model = training.run(samples, FROZEN, resources(samples, FolderEncoder(folder), tmp_path)).artifacts["model"]
    run = Run.create(tmp_path / "runs", {})
    shutil.copytree(model, run.path / "model")
    run.promote()
    predictor = Predictor.load(tmp_path / "runs/latest")
    one = predictor("refund still missing")
    assert one == Predictor.load(model)(["refund still missing"])[0]
    assert set(one) == {"area", "intent"}
    assert set(one["intent"]) == {"label", "confidence", "out_of_scope"}
    assert repr(predictor) == (f"<Predictor of area (2 labels), intent (3 labels): {tmp_path / 'runs/latest/model'}>")
    for wrong, found in (
        (pd.DataFrame({"text": ["a"]}), "found DataFrame; of a table give"),
        ({"text": "a"}, "found dict"),
        (["a", None], "found None at place 1"),
    ):
        with pytest.raises(RequestError, match=found):
            predictor(wrong)
    bare = Run.create(tmp_path / "runs", {})
    with pytest.raises(RequestError, match="give the folder of a run that trained a model, such as data/runs/latest"):
        Predictor.load(bare.path)


def test_a_model_that_is_sent_is_its_files(folder: Path, tmp_path: Path) -> None:
    samples = make_table()
    model = training.run(samples, FROZEN, resources(samples, FolderEncoder(folder), tmp_path)).artifacts["model"]
    predictor = Predictor.load(model)
    sent = pickle.dumps(predictor)
    texts, expected = samples["text"][:], predictor.embed(samples["text"][:])
    shutil.rmtree(model)  # which another machine never had
    assert np.array_equal(embed_texts(texts, pickle.loads(sent)), expected)  # noqa: S301 - as Dask does


def test_float_export_equals_the_trunk_and_long_texts_are_averaged_by_tokens(folder: Path, tmp_path: Path) -> None:
    samples = make_table()
    own = resources(samples, FolderEncoder(folder), tmp_path)
    result = training.run(samples, Config(mode="probe", quantize=False, max_tokens=64), own)
    model = result.artifacts["model"]
    texts = samples["text"][:]
    np.testing.assert_allclose(Predictor.load(model).embed(texts), own.evidence.encoder.encode(texts), atol=0.02)
    frame, vectors = table.to_pandas(samples), own.evidence.embeddings()
    fitted = calibrated_heads(training_set_of(frame, TASKS, own), vectors, None)
    for task, expected in predict_probabilities(fitted, vectors).items():
        np.testing.assert_allclose(Predictor.load(model).answers(texts).probabilities[task], expected, atol=0.03)
    change_settings(model, max_tokens=5)  # 3 words a chunk
    predictor = Predictor.load(model)
    whole, first, second = predictor.embed(["refund slow internet red", "refund slow internet", "red"])
    mixed = 3 * first + 1 * second
    np.testing.assert_allclose(whole, mixed / np.linalg.norm(mixed), atol=1e-5)


def test_of_a_very_long_text_an_export_reads_the_chunks_that_the_encoder_reads(folder: Path, tmp_path: Path) -> None:
    samples = make_table()
    own = resources(samples, FolderEncoder(folder), tmp_path)
    model = training.run(samples, Config(mode="probe", quantize=False), own).artifacts["model"]
    change_settings(model, max_tokens=5, max_chunks=2)  # 3 words a chunk
    words = "refund slow internet red red red my refund late"  # the second of three chunks is left out
    whole, first, third = Predictor.load(model).embed([words, "refund slow internet", "my refund late"])
    np.testing.assert_allclose(whole, (first + third) / np.linalg.norm(first + third), atol=1e-5)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"model\.onnx"):
        Predictor.load(tmp_path)


def test_a_tuned_trunk_reads_long_texts_as_its_export_does(folder: Path, tmp_path: Path) -> None:
    samples = make_table()
    words = "refund slow internet red red red my refund late"
    own = resources(samples, FolderEncoder(folder), tmp_path)
    config = Config(mode="probe", quantize=False)
    model = training.run(samples, config, own).artifacts["model"]
    change_settings(model, max_tokens=5, max_chunks=2)
    ours = encode_with_trunk(Trunk(folder).eval(), folder, [words, "red"], 5, 2)
    np.testing.assert_allclose(Predictor.load(model).embed([words, "red"]), ours, atol=0.02)


def test_a_model_of_texts_says_that_it_knows_no_pictures(written: Path) -> None:
    with pytest.raises(RequestError, match="knows no pictures"):
        Predictor.load(written)(pictures=["a.png"])
    assert "pictures" not in json.loads((written / "tilth.json").read_text())
    assert not [path.name for path in written.iterdir() if path.name.startswith("pictures")]
