"""The stage as a whole: what it hands back, and what gold does not change."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.small_table import ROWS, TASKS, HashingEncoder, make_table
from tests.unit.training.tiny_encoder import FROZEN, TUNED, FolderEncoder, resources
from tilth import samples as table
from tilth import stage, training
from tilth.config import EncoderConfig
from tilth.learn.encoder import Encoder
from tilth.store import Cache
from tilth.training.export.predictor import Predictor
from tilth.training.exporting.windowed_export import windowed_trunk
from tilth.training.fitting import head_fitting


def test_stage_keeps_the_contract_and_writes_a_model_that_answers_alike(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_fold = lambda rows, task, _: rows.out_of_fold["area"].probabilities if task.parent else None  # noqa: E731
    monkeypatch.setattr(head_fitting, "_useful_parent", by_fold)  # which so few rows would not show to gain
    samples = make_table()
    given = resources(samples, FolderEncoder(folder), tmp_path)
    (left := given.evidence.cache.folder("checkpoints", "0" * 32)).mkdir(parents=True)  # by a night that was killed
    result = stage.perform("training", samples, FROZEN, given)
    assert not left.exists()
    frame = table.to_pandas(result.samples)
    assert result.metrics["gold_rows"] == 2
    assert set(result.metrics["gold"]) == {"area", "intent"}
    assert result.metrics["trunk"]["chosen"] == "frozen"
    assert result.metrics["export"]["bytes"] < result.metrics["export"]["bytes_float"]
    assert frame["out_of_scope_score"].between(0, 1).all()
    predictor = Predictor.load(result.artifacts["model"])
    said = predictor(frame["text"].tolist())
    assert predictor(frame["text"].tolist()[:1]) == said[:1]  # no text's answer depends on its neighbors
    assert [answer["intent"]["label"] for answer in said] == frame["intent_predicted"].tolist()
    assert [TASKS[1].parent_of[label] for label in frame["intent_predicted"]] == frame["area_predicted"].tolist()
    assert result.metrics["export"]["agreement"][result.metrics["export"]["weights"]] >= 0.75


@pytest.mark.parametrize("mode", ["probe", "full"])
def test_a_model_that_reads_by_windows_is_run_by_torch(
    mode: str, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    filler = " the network and a refund" * 16
    samples = make_table([(row[0], row[1] + filler, *row[2:]) for row in ROWS])
    encoder = Encoder(EncoderConfig(model=str(folder), attention="dynamic", max_tokens=64, window=192), Cache(tmp_path))
    config = TUNED.model_copy(update={"mode": mode, "max_tokens": 200, "edge": True})
    result = stage.perform("training", samples, config, resources(samples, encoder, tmp_path))
    assert (result.metrics["export"]["weights"], result.metrics["export"]["run_by"]) == ("float32", "torch")
    assert "this model is run by torch" in caplog.text
    frame, predictor = table.to_pandas(result.samples), Predictor.load(result.artifacts["model"])
    texts = frame["text"].tolist()
    answers = predictor(texts)
    assert [answer["intent"]["label"] for answer in answers] == frame["intent_predicted"].tolist()
    alone = [predictor(text)["intent"]["confidence"] for text in texts]  # no text's answer depends on its neighbors
    assert [answer["intent"]["confidence"] for answer in answers] == pytest.approx(alone, abs=1e-5)
    if mode == "probe":
        assert predictor.embed(texts) == pytest.approx(encoder.encode(texts), abs=1e-5)
    copied = pickle.loads(pickle.dumps(predictor))  # noqa: S301 - what this process wrote
    assert np.array_equal(copied.embed(texts[:2]), predictor.embed(texts[:2]))


def test_heads_that_go_by_blocks_of_long_texts_are_not_exported_and_say_why(folder: Path, tmp_path: Path) -> None:
    samples, encoder = make_table(), FolderEncoder(folder)
    encoder.config = EncoderConfig(attention="dynamic")  # type: ignore[attr-defined]
    own = resources(samples, encoder, tmp_path)
    focused = SimpleNamespace(trunk=None, focus=SimpleNamespace(weights=np.ones(1)))
    trunk, why = windowed_trunk(focused, own, folder)  # type: ignore[arg-type]
    assert trunk is None
    assert "vectors of this kind are made by torch alone" in why
    assert 'set encoder.long_texts = "chunks"' in why


def test_gold_labels_change_nothing_but_gold_figures(tmp_path: Path) -> None:
    turned_labels = {"g1": ("network", "outage"), "g2": ("billing", "refund")}
    turned = [(*row[:3], *turned_labels.get(row[0], row[3:])) for row in ROWS]
    one, two = make_table(), make_table(turned)
    a = training.run(one, FROZEN, resources(one, HashingEncoder(), tmp_path / "a"))
    b = training.run(two, FROZEN, resources(two, HashingEncoder(), tmp_path / "b"))
    assert a.samples["intent_predicted"][:] == b.samples["intent_predicted"][:]
    error = a.metrics["gold"]["intent"].pop("calibration_error")
    assert 0 <= error <= 1
    assert a.metrics["gold"]["intent"] == {"macro_f1": 1.0, "accuracy": 1.0}
    assert b.metrics["gold"]["intent"]["accuracy"] == 0.0


def test_without_gold_the_figures_are_cross_validated(tmp_path: Path) -> None:
    samples = make_table([row for row in ROWS if row[2] != "gold"])
    result = training.run(samples, FROZEN, resources(samples, HashingEncoder(), tmp_path))
    assert "gold" not in result.metrics
    assert set(result.metrics["cross_validated"]) == {"area", "intent"}


def test_rows_of_one_class_have_no_score_but_a_reason(tmp_path: Path) -> None:
    rows = [row for row in ROWS if row[2] != "gold" and row[3] in ("network", None)]
    samples = make_table(rows)
    result = training.run(samples, FROZEN, resources(samples, HashingEncoder(), tmp_path / "held"))
    why = 'every row to measure it by (5) has the label "network"; a score needs two classes'
    found = result.metrics["cross_validated"]
    assert found["area"] == {"macro_f1": None, "accuracy": None, "why": why}
    assert found["intent"]["macro_f1"] is not None
    assert not [figure for figure in result.figures if figure.title.startswith("area")]
    gold = make_table([*[row for row in ROWS if row[2] != "gold"], ROWS[-1]])
    result = training.run(gold, FROZEN, resources(gold, HashingEncoder(), tmp_path / "gold"))
    why = 'every row to measure it by (1) has the label "slow"; a score needs two classes'
    assert result.metrics["gold"]["intent"] == {"macro_f1": None, "accuracy": None, "why": why}


def test_a_class_that_no_train_row_has_is_never_answered_and_its_gold_rows_are_missed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    samples = make_table([row for row in ROWS if row[4] != "slow" or row[2] == "gold"])
    result = training.run(samples, FROZEN, resources(samples, HashingEncoder(), tmp_path))
    assert "slow" not in set(result.samples["intent_predicted"])
    assert result.metrics["gold"]["intent"]["accuracy"] == 0.5  # of a refund and a slow connection
    assert result.metrics["classes_without_rows"] == {"intent": ["slow"]}
    assert 'task "intent": no row to learn from is "slow"; this class is never answered' in caplog.text


def test_no_labels_is_a_skip_and_an_untaught_task_has_no_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bare = make_table([(*row[:2], "unlabeled", None, None) for row in ROWS])
    assert training.run(bare, FROZEN, resources(bare, HashingEncoder(), tmp_path / "a")).skipped == "no labels"
    half = make_table([(*row[:4], None) for row in ROWS])
    result = training.run(half, FROZEN, resources(half, HashingEncoder(), tmp_path / "b"))
    assert set(result.samples["intent_predicted"]) == {None}
    assert None not in result.samples["area_predicted"]
    assert 'task "intent": no row to learn from has a label, so it has no answers' in caplog.text
    assert 'task "area"' not in caplog.text
