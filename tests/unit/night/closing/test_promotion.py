"""When a night becomes the latest; every expected value is counted by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tilth import night, stage, store
from tilth.config import load
from tilth.learn.metrics.model_comparison import difference, score
from tilth.store import Run

LABELS = ("no", "yes")
ROWS = 160


def truth(rows: int = ROWS) -> list[str]:
    return [LABELS[row % 2] for row in range(rows)]


def wrong_on(places: Sequence[int], rows: int = ROWS) -> list[str]:
    """Answers that are right but for these rows."""
    return [LABELS[(row + (row in set(places))) % 2] for row in range(rows)]


@pytest.fixture
def nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    made = Nights(tmp_path)

    class Model:
        """A model folder that holds its answers, in place of one that would have to be trained to give them."""

        settings: Mapping[str, Any] = MappingProxyType({})

        def __init__(self, folder: Path) -> None:
            self.folder = folder
            self.said = json.loads((folder / "answers.json").read_text(encoding="utf-8"))

        def embed(self, texts: Sequence[str]) -> np.ndarray:
            return np.zeros((len(texts), 1), dtype=np.float32)

        def read(self, texts: Sequence[str], _vectors: np.ndarray) -> np.ndarray:
            made.asked.append(self.folder.parent.name)
            codes = [[LABELS.index(answers[text]) for answers in self.said.values()] for text in texts]
            return np.array(codes, dtype=np.float32)

        def decide(self, read: np.ndarray) -> Any:
            codes = {task: read[:, place].astype(int) for place, task in enumerate(self.said)}
            return type("Answers", (), {"codes": codes})

    monkeypatch.setattr("tilth.training.export.predictor.Predictor.load", Model)
    return made


class Nights:
    """A workspace's nights, made without any stage."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.count = 0
        self.asked: list[str] = []

    def open(self, *, asked: Sequence[str] = stage.NAMES, task: str = "task", **promotion: Any) -> Run:
        self.count += 1
        run = Run(self.root / "data/runs" / f"night-{self.count:03d}")
        run.path.mkdir(parents=True)
        record = {
            "run_id": run.path.name,
            "status": "running",
            "started": "2026-01-01T00:00:00+00:00",
            "workspace": {"root": str(self.root), "config": None, "data": str(self.root / "data")},
            "config": {"promotion": promotion, "tasks": [{"name": task}]},
            "tasks": [{"name": task, "labels": list(LABELS), "parent": None, "parent_of": {}, "fixed": False}],
            "carried": {"in": {}, "out": {}},
            "asked": list(asked),
            "stages": [],
        }
        store.write_json(run.path / "run.json", record)
        return run

    def close(self, run: Run) -> dict[str, Any]:
        night.finish(run)
        night.promote(run)
        return run.record

    def gold(
        self, answers: Sequence[str], *, learned: Sequence[int] = (), task: str = "task", **more: Any
    ) -> dict[str, Any]:
        """A night with gold rows `row 0`, `row 1`, …, whose exported model answers so, and its record."""
        run, texts = self.open(task=task, **more), [f"row {row}" for row in range(len(answers))]
        frame = pd.DataFrame({"text": texts, "split": "gold", task: truth(len(answers))})
        table(run.path / "5-training.parquet", frame)
        taught = frame.iloc[list(learned)].assign(split="train")
        table(run.path / "0-input.parquet", pd.concat([frame, taught]))
        (run.path / "model").mkdir()
        tasks = [{"name": task, "labels": list(LABELS)}]
        store.write_json(run.path / "model/tilth.json", {"tasks": tasks})
        store.write_json(run.path / "model/answers.json", {task: dict(zip(texts, answers, strict=True))})
        return self.close(run)

    def held_out(self, ids: Sequence[int], answers: Sequence[str], **more: Any) -> dict[str, Any]:
        """A night without gold, with these answers to its held-out rows."""
        run = self.open(**more)
        frame = pd.DataFrame({"id": [f"id {row}" for row in ids], "text_digest": "same"})
        frame["task"], frame["task_predicted"] = [truth(1000)[row] for row in ids], list(answers)
        table(run.path / "held_out.parquet", frame)
        table(run.path / "5-training.parquet", pd.DataFrame({"text": ["a"], "split": ["train"], "task": ["no"]}))
        return self.close(run)

    @property
    def latest(self) -> str:
        return (self.root / "data/runs/latest").resolve().name


def table(path: Path, frame: pd.DataFrame) -> None:
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path)


def test_macro_f1_is_over_the_classes_of_the_truth_and_the_mean_over_tasks() -> None:
    one = {"a": np.array(["x", "x", "y", None], dtype=object), "b": np.array([None, "p", "q", None], dtype=object)}
    said = {"a": np.array(["x", "z", "y", "y"], dtype=object), "b": np.array(["p", "p", "p", "p"], dtype=object)}
    # a: x is 2·1/(2+1) = 2/3, y is 1 (the last row has no label); b: p is 2·1/(1+2) = 2/3, q is 0
    assert score(one, said) == pytest.approx((5 / 6 + 1 / 3) / 2)


def test_rows_of_one_class_measure_nothing() -> None:
    one = {"a": np.array(["x", "x", None], dtype=object)}
    assert np.isnan(score(one, one))
    both = {**one, "b": np.array(["p", "q", "q"], dtype=object)}
    said = {**one, "b": np.array(["p", "q", "p"], dtype=object)}
    assert score(both, said) == pytest.approx(2 / 3)  # of b alone: p is 2·1/(1+2), q is 2·1/(2+1)


def test_the_interval_is_of_the_paired_difference() -> None:
    labels = {"t": np.array(truth(), dtype=object)}
    theirs = {"t": np.array(wrong_on(range(80)), dtype=object)}
    ours = {"t": np.array(wrong_on(range(92)), dtype=object)}
    found = difference(labels, ours, theirs, seed=0)
    # Half are wrong of both, so that unpaired intervals, ± 8 points each, overlap; but 12 rows speak against ours and
    # none for it: 7.5 points, with a standard error of √(0.075 · 0.925 / 160) = 2.1.
    assert found.other == pytest.approx(0.5)
    assert found.ours == pytest.approx(0.425)
    assert found.low == pytest.approx(-0.075 - 1.96 * 0.0208, abs=0.01)
    assert found.high == pytest.approx(-0.075 + 1.96 * 0.0208, abs=0.01)
    assert difference(labels, ours, theirs, seed=0) == found


def test_the_first_night_is_the_current_one(nights: Nights) -> None:
    record = nights.gold(wrong_on(range(8)))
    assert record["promotion"] == "First night: this model is now the current one"
    assert record["comparison"] == {
        "kind": "gold", "rows": 160, "against": None, "score": 0.95, "asked": [], "left_out": []
    }  # fmt: skip
    assert nights.latest == "night-001"


def test_a_tie_is_promoted(nights: Nights) -> None:
    nights.gold(wrong_on([1, 2]))
    record = nights.gold(wrong_on([3, 4]))
    assert record["promoted"] is True
    assert record["comparison"]["difference"] == 0
    assert record["comparison"]["interval"][0] < 0 < record["comparison"]["interval"][1]


def test_losses_do_not_add_up(nights: Nights) -> None:
    # Each night has three rows of 160 wrong more, 1.9 points: none of the three is drawn with a chance of
    # (157/160)^160 = 4.9%, so that one such loss may be none. Two are six rows, none of them drawn in 0.2%.
    records = [nights.gold(wrong_on(range(3 * count))) for count in range(6)]
    assert [record["promoted"] for record in records] == [True, True, False, False, False, False]
    assert records[5]["comparison"] == {
        "kind": "gold",
        "rows": 160,
        "against": "night-001",
        "score": pytest.approx(145 / 160, abs=1e-3),
        "other": 1.0,
        "difference": pytest.approx(-15 / 160, abs=1e-3),
        "interval": [pytest.approx(-0.14, abs=0.01), pytest.approx(-0.05, abs=0.01)],
        "asked": [
            {"run": "night-002", "rows": 160, "score": pytest.approx(157 / 160, abs=1e-3)},
            {"run": "night-001", "rows": 160, "score": 1.0},
        ],
        "left_out": [],
    }
    assert "160 gold rows; the best earlier model, of run night-001, has 1.000" in records[5]["promotion"]
    assert records[5]["promotion"].endswith("clearly worse")
    assert nights.latest == "night-002"


def test_a_night_below_the_floor_is_refused(nights: Nights) -> None:
    record = nights.gold(wrong_on(range(16)), floor=0.91)
    assert record["promoted"] is False
    assert record["promotion"] == "macro-F1 0.900 on gold rows is below [promotion] floor = 0.91"
    assert nights.gold(wrong_on(range(16)), floor=0.9)["promoted"] is True


def test_a_model_that_cannot_answer_is_left_out_with_a_word(nights: Nights) -> None:
    nights.gold(truth(), task="other")
    record = nights.gold(wrong_on(range(80)))
    assert record["promoted"] is True
    why = "its model does not answer task"
    assert record["promotion"] == f"no earlier model could be compared (run night-001: {why})"
    assert record["comparison"]["left_out"] == [{"run": "night-001", "why": why}]
    (nights.root / "data/runs/night-002/model/tilth.json").write_text("{", encoding="utf-8")
    record = nights.gold(wrong_on(range(80)))
    assert record["promoted"] is True
    assert "tilth.json is damaged" in record["comparison"]["left_out"][0]["why"]


def test_rows_that_only_one_model_learned_from_are_left_out(nights: Nights) -> None:
    # The first night knew rows 0 to 99 as train rows; of the others it has 6 wrong and tonight's none.
    nights.gold(wrong_on(range(100, 106)), learned=range(100))
    record = nights.gold(wrong_on(range(50)))
    assert (record["comparison"]["rows"], record["comparison"]["score"]) == (60, 1.0)
    assert record["comparison"]["other"] == 0.9
    assert record["promoted"] is True


def test_few_models_are_asked_and_each_once(nights: Nights) -> None:
    for count in (9, 8, 7, 6, 5, 4, 4, 3):
        assert nights.gold(wrong_on([50 + place for place in range(count)]))["promoted"] is True
    record = nights.gold(wrong_on([50, 51]))
    # The latest, then by score; the sixth and the seventh are one model, for which the newer night speaks.
    asked = [item["run"] for item in record["comparison"]["asked"]]
    assert asked == ["night-008", "night-007", "night-005", "night-004", "night-003"]
    assert len(nights.asked) == len(set(nights.asked)) == 8  # of nine nights: answers are kept by the model


def test_the_latest_is_asked_however_old_it_is(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tilth.night.closing.promotion.NIGHTS", 3)
    nights.gold(truth())
    for _ in range(4):
        assert nights.gold(wrong_on(range(40)))["promoted"] is False
    assert nights.latest == "night-001"


def test_a_partial_night_and_one_without_a_model_are_not_promoted(nights: Nights) -> None:
    nights.gold(truth())
    assert (
        nights.gold(truth(), asked=("cleaning",))["promotion"]
        == "only some stages ran (cleaning); such a night is never promoted"
    )
    record = nights.close(nights.open())
    assert record["promotion"] == "it trained no model, and the current run night-001 has one"
    assert nights.latest == "night-001"


def test_without_gold_the_held_out_rows_that_both_know_are_compared(nights: Nights) -> None:
    nights.held_out(range(200), wrong_on(range(100, 104), 200))
    # Tonight holds rows 100 to 299: it has 20 wrong of the hundred that both know, where the first had 4.
    ids = range(100, 300)
    record = nights.held_out(ids, [wrong_on(range(100, 120), 300)[row] for row in ids])
    assert record["promoted"] is False
    found = record["comparison"]
    assert (found["kind"], found["rows"], found["against"]) == ("held_out", 100, "night-001")
    assert (found["score"], found["other"]) == (0.8, 0.96)
    assert "100 held-out train rows" in record["promotion"]
    other = nights.held_out(range(500, 600), truth(100))
    assert (
        other["promotion"] == "no earlier model could be compared (run night-001: it held out none of tonight's rows)"
    )


def test_an_old_tolerance_is_told_and_has_no_effect(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "tilth.toml").write_text("[promotion]\ntolerance = 0.5\n", encoding="utf-8")
    load(tmp_path / "tilth.toml", {}, {})
    assert "promotion.tolerance has no effect any more" in caplog.text
    caplog.clear()
    load(None, {"promotion": {"tolerance": 0.5}}, {})  # as a record of an older night has it
    assert caplog.text == ""
