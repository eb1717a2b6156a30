"""What drifted: planted changes are named, with their shares counted by hand, and where nothing changed nothing is."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.small_table import make_table
from tilth import cli, store
from tilth import samples as table
from tilth.reports import LiveTexts, Reference, drift_lines, drift_sheet, measure_drift, reference_of
from tilth.reports.drift.measures import Unseen
from tilth.store import Run
from tilth.training.export.answers import Answers
from tilth.training.export.predictor import Predictor

WORDS = ["refund", "card", "slow", "bill", "phone"]


def texts(count: int, *more: str) -> list[str]:
    return [f"my {WORDS[row % 5]} again {row}{''.join(more)}" for row in range(count)]


def reference(classes: Sequence[str] = ("a", "b"), count: int = 1000) -> Reference:
    labels = np.array([classes[row % len(classes)] for row in range(count)], dtype=object)
    scope = np.linspace(0, 1, count)
    return Reference(
        run_id="night",
        texts=texts(count),
        predicted={"intent": labels},
        confidence={"intent": np.full(count, 0.9)},
        scope=scope,
        limit=float(np.quantile(scope, 0.01)),
    )


def live(labels: Sequence[str], scope: float = 0.5, words: Sequence[str] | None = None) -> LiveTexts:
    count = len(labels)
    return LiveTexts(
        ids=[f"x{row}" for row in range(count)],
        texts=list(words) if words is not None else texts(count),
        predicted={"intent": np.array(labels, dtype=object)},
        confidence={"intent": np.linspace(0.5, 0.9, count)},
        scope=np.full(count, scope),
    )


def test_where_nothing_changed_nothing_is_named() -> None:
    found = measure_drift(live(["a", "b"] * 100), reference())
    assert found["drifted"] is False
    assert (found["out_of_scope"]["rows"], found["new_words"]) == (0, [])
    assert found["tasks"]["intent"]["total_variation"] == 0.0
    assert found["seen_before"] == 200  # they are the night's own first rows
    assert drift_lines(found)[0].startswith("no drift beyond chance: 200 texts beside 1,000 rows of night night")


def test_the_share_out_of_scope_with_its_interval() -> None:
    """20 of 200 below the limit, where the night has 10 of 1,000; Wilson's interval by its formula."""
    mixed = live(["a", "b"] * 100)
    mixed.scope[:20] = 0.001
    found = measure_drift(mixed, reference())["out_of_scope"]
    assert (found["rows"], found["share"], found["reference_share"]) == (20, 0.1, 0.01)
    z, n, p = 1.959964, 200, 0.1
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert found["interval"] == pytest.approx([middle - half, middle + half], abs=1e-4)
    assert found["drifted"]


def test_the_share_is_held_against_rows_that_the_model_did_not_learn_from() -> None:
    """12 of 200 are below the limit: of the learned rows 1%, of 400 gold rows 5%."""
    mixed = live(["a", "b"] * 100)
    mixed.scope[:12] = 0.001
    assert measure_drift(mixed, reference())["out_of_scope"]["drifted"]
    usual = Unseen(kind="gold rows", rows=400, below=20, confidence={"intent": 0.75})
    found = measure_drift(mixed, replace(reference(), unseen=usual))
    assert not found["out_of_scope"]["drifted"]
    assert (found["out_of_scope"]["reference_share"], found["out_of_scope"]["reference_rows"]) == (0.05, 400)
    said = drift_lines(found)
    assert "of 400 gold rows 5.0%, which chance explains" in said[1]
    assert "the model is 70% sure on average (75% of gold rows)" in said[-2]
    mixed.scope[:60] = 0.001
    assert measure_drift(mixed, replace(reference(), unseen=usual))["out_of_scope"]["drifted"]


def test_what_is_usual_is_taken_from_gold_rows_else_from_those_that_set_the_limit() -> None:
    frame = table.to_pandas(make_table())
    frame["out_of_scope_score"] = 0.5
    for task in ("area", "intent"):
        frame[f"{task}_predicted"], frame[f"{task}_predicted_confidence"] = frame[task], 0.9
    assert reference_of("r", frame, ["intent"], 0.3, (0.02, 49)).unseen is None  # of so few nothing is known
    assert reference_of("r", frame, ["intent"], 0.3, (0.02, 50)).unseen == Unseen(
        kind="held-out rows", rows=50, below=1, confidence={}
    )
    gold = frame[frame["split"] == "gold"].iloc[[0] * 60].assign(out_of_scope_score=[0.2] * 6 + [0.5] * 54)
    unseen = reference_of("r", pd.concat([frame, gold]), ["intent"], 0.3, (0.02, 50)).unseen
    assert unseen is not None
    assert (unseen.kind, unseen.rows, unseen.below) == ("gold rows", 62, 6)
    assert unseen.confidence == {"intent": pytest.approx(0.9)}


def test_of_few_texts_it_is_said_how_little_they_tell() -> None:
    assert any("of fewer than 100 texts" in line for line in drift_lines(measure_drift(live(["a", "b"]), reference())))


def test_fewer_out_of_scope_than_usual_is_no_drift() -> None:
    assert not measure_drift(live(["a", "b"] * 1000), reference())["out_of_scope"]["drifted"]


def test_a_class_that_grew_and_one_that_shrank() -> None:
    found = measure_drift(live(["a"] * 150 + ["b"] * 50), reference())["tasks"]["intent"]
    assert [(one["label"], one["share"], one["reference_share"]) for one in found["grew"]] == [("a", 0.75, 0.5)]
    assert [one["label"] for one in found["shrank"]] == ["b"]
    assert found["total_variation"] == 0.25


def test_texts_out_of_scope_belong_to_no_class() -> None:
    mixed = live(["a", "b"] * 100 + ["a"] * 100)
    mixed.scope[200:] = 0.0
    found = measure_drift(mixed, reference())["tasks"]["intent"]
    assert found["grew"] == found["shrank"] == []


def test_new_words_beyond_chance_alone() -> None:
    """30 of 200 with a word that 1,000 rows lack is no chance; two are: (200/1200)^2 = 0.03."""
    words = texts(200)
    words[:30] = [f"{text} eSIM" for text in words[:30]]
    words[30:32] = [f"{text} parrot" for text in words[30:32]]
    found = measure_drift(live(["a", "b"] * 100, words=words), reference())["new_words"]
    assert [(one["word"], one["rows"], one["share"]) for one in found] == [("esim", 30, 0.15)]


def test_the_worst_rows_first_without_copies_and_without_known_texts() -> None:
    words = [
        "never seen",
        "never seen!",
        "unlike it",
        "my refund again 0",
        *(f"an eSIM please {row}" for row in range(30)),
    ]
    mixed = live(["a"] * 34, words=words)
    mixed.scope[:4] = [0.005, 0.005, 0.001, 0.0]
    sheet = drift_sheet(mixed, reference(), most=5)
    assert sheet["text"].tolist()[:2] == ["unlike it", "never seen"]
    assert sheet["reason"][0] == "unlike the rows of night night: scope 0.00, below the limit 0.01"
    assert sheet["reason"][2].startswith("words that night night never saw: ")
    assert sheet["rank"].tolist() == [1, 2, 3, 4, 5]
    assert sheet["intent_suggested"].tolist() == ["a"] * 5
    assert sheet["intent_answer"].tolist() == [""] * 5


def test_the_reference_is_the_active_input_without_gold() -> None:
    frame = table.to_pandas(make_table())  # 12 rows, two of them gold
    frame.loc[0, "status"] = "quarantined"
    frame["out_of_scope_score"] = 0.5
    for task in ("area", "intent"):
        frame[f"{task}_predicted"], frame[f"{task}_predicted_confidence"] = frame[task], 0.9
    found = reference_of("r", frame, ["intent"])
    assert len(found.texts) == 9
    assert found.limit == 0.5  # of rows that are all alike
    assert reference_of("r", frame, ["intent"], limit=0.3).limit == 0.3  # the model's own
    assert "where is the refund that you promised me" not in found.texts


class Model:
    """Answers "refund" to all; a text with "odd" in it is out of scope."""

    tasks = (
        {"name": "area", "labels": ["billing", "network"]},
        {"name": "intent", "labels": ["refund", "slow", "outage"]},
    )

    def answers(self, asked: Sequence[str]) -> Answers:
        zeros = {name: np.zeros(len(asked), dtype=int) for name in ("area", "intent")}
        sure = {name: np.full(len(asked), 0.8, dtype=np.float32) for name in zeros}
        scope = np.array([0.0 if "odd" in text else 0.9 for text in asked])
        return Answers(probabilities={}, codes=zeros, confidence=sure, scope=scope, out_of_scope=scope < 0.1)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tasks = [{"name": "area"}, {"name": "intent"}]
    run = Run.create(tmp_path / "tilth-runs", {"tasks": tasks, "config": {"data": {"text": "body"}}})
    frame = table.to_pandas(make_table())
    frame["out_of_scope_score"] = 0.5
    for task in ("area", "intent"):
        frame[f"{task}_predicted"], frame[f"{task}_predicted_confidence"] = frame[task], 0.9
    store.write_table(run.path / "5-training.parquet", table.from_pandas(frame, _tasks()))
    (run.path / "model").mkdir()
    run.promote()
    monkeypatch.setattr(Predictor, "load", lambda _: Model())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _tasks() -> Any:
    from tests.small_table import TASKS

    return TASKS


def test_on_the_terminal_and_as_rows_for_the_queue(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = pd.DataFrame({"id": [1, 2, 3, 4], "body": ["an odd one", "", "=1+1 odd", "a usual one"]})
    rows.to_csv("live.csv", index=False)
    assert cli.main(["drift", "live.csv", "--out", "worst.csv", "--json"]) == 0
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert (found["rows"], found["out_of_scope"]["rows"], found["out"]) == (3, 2, "worst.csv")
    assert "rows without a text, which are left out: 1 (first: live.csv, row 2)" in told.err
    with Path("worst.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(line["id"], line["text"]) for line in lines] == [
        ("1", "an odd one"),
        ("3", "'=1+1 odd"),
        ("4", "a usual one"),
    ]
    assert lines[2]["reason"] == "the model is unsure: 0.80"
    assert cli.main(["drift", "live.csv", "--out", "worst.csv"]) == 2
    assert "--force" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["live.csv", "--text", "bodi"], 'no column "bodi"; did you mean "body"?'),
        (["live.csv", "--out", "worst.parquet"], "expected a CSV file"),
        (["empty.csv"], "no row has a text"),
        (["gone.csv"], "no file"),
        (["bare.csv"], "no rows; expected a header and at least one row below it"),
    ],
)
def test_a_wrong_request(here: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str) -> None:
    Path("live.csv").write_text("body\nhello there\n")
    Path("empty.csv").write_text("body,x\n,1\n")
    Path("bare.csv").write_text("body,x\n")
    assert cli.main(["drift", *words]) == 2
    assert says in capsys.readouterr().err
