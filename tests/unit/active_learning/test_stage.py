from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from datasets import Dataset

from tests.small_table import ROWS, TASKS, HashingEncoder, make_table
from tests.unit.training.tiny_pictures import COLOR, picture_resources, picture_table, see_colors
from tilth import samples as table
from tilth import stage as stages
from tilth.active_learning import Config
from tilth.active_learning.stage import finest
from tilth.learn import Evidence
from tilth.store import Cache


def perform(samples: Dataset, folder: Path, **config: Any) -> stages.StageResult:
    (folder / "scratch").mkdir(parents=True)
    evidence = Evidence(samples, encoder=HashingEncoder(), cache=Cache(folder / "cache"))  # type: ignore[arg-type]
    resources = stages.Resources(tasks=TASKS, seed=0, evidence=evidence, scratch=folder / "scratch")
    return stages.perform("active_learning", samples, Config(**config), resources)


def test_the_queue_asks_about_unlabeled_rows_alone(samples: Dataset, tmp_path: Path) -> None:
    result = perform(samples, tmp_path)
    frame = table.to_pandas(result.samples).set_index("id")
    assert sorted(frame["acquisition_rank"].dropna()) == [1, 2]
    assert set(frame.index[frame["acquisition_score"].notna()]) == {"u1", "u2"}
    queue = pd.read_csv(result.artifacts["queue.csv"])
    assert list(queue.columns) == [
        *("rank", "id", "text", "detector", "reason", "belief", "group"),
        *("area_suggested", "area_confidence", "intent_suggested", "intent_confidence"),
        *("score", "area_answer", "intent_answer"),
    ]
    assert queue["rank"].tolist() == [1, 2]
    assert queue[["area_answer", "intent_answer"]].isna().all(axis=None)
    assert queue.set_index("id").loc["u1", "intent_suggested"] == "refund"
    assert frame.loc[queue["id"], "acquisition_rank"].tolist() == [1, 2]


def test_of_many_labels_a_part_predicts_the_asked_rows(
    samples: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tilth.active_learning.queue.sheet._A_CLASS", 0)
    suggested = []
    for most in (1000, 4):
        monkeypatch.setattr("tilth.active_learning.queue.sheet._MOST", most)
        result = perform(samples, tmp_path / f"{most}")
        suggested.append(pd.read_csv(result.artifacts["queue.csv"]).set_index("id").loc["u1"])
    assert [one["intent_suggested"] for one in suggested] == ["refund", "refund"]
    assert suggested[0]["belief"] != suggested[1]["belief"]


def test_a_formula_in_a_text_is_harmless_in_the_queue(tmp_path: Path) -> None:
    rows = [(i, '=HYPERLINK("http://bad")' if i == "u1" else text, *rest) for i, text, *rest in ROWS]
    queue = pd.read_csv(perform(make_table(rows), tmp_path).artifacts["queue.csv"]).set_index("id")
    assert queue.loc["u1", "text"] == '\'=HYPERLINK("http://bad")'


def test_the_batch_bounds_the_queue_and_not_the_scores(samples: Dataset, tmp_path: Path) -> None:
    result = perform(samples, tmp_path, batch=1, strategy="margin")
    frame = table.to_pandas(result.samples)
    assert frame["acquisition_rank"].notna().sum() == 1
    assert frame["acquisition_score"].notna().sum() == 2
    assert frame.loc[frame["acquisition_rank"].eq(1), "acquisition_score"].item() == frame["acquisition_score"].max()


def test_it_says_why_it_did_nothing(samples: Dataset, tmp_path: Path) -> None:
    frame = table.to_pandas(samples)
    columns = ["id", "text", "split", "area_given", "intent_given"]
    full = make_table(frame.loc[frame["split"] != "unlabeled", columns].to_numpy().tolist())
    gold = make_table(frame.loc[frame["split"] == "gold", columns].to_numpy().tolist())
    for name, rows in (("full", full), ("gold", gold)):
        assert perform(rows, tmp_path / name).skipped == "nothing to ask"


@pytest.mark.parametrize("rows", [["u1", "u2", "u3"], ["a1", "u1", "u2", "u3"]])
def test_without_labels_of_two_classes_it_asks_in_the_midst_of_each_cluster(rows: list[str], tmp_path: Path) -> None:
    """Two texts of one kind and one of another: with two rows to ask, one of each, whatever the one label says."""
    more = ("u3", "red light again now", "unlabeled", None, None)
    result = perform(make_table([row for row in [*ROWS, more] if row[0] in rows]), tmp_path, batch=2)
    queue = pd.read_csv(result.artifacts["queue.csv"])
    assert len(queue) == 2
    assert "u1" in set(queue["id"])
    assert queue["reason"].str.startswith("Nothing has a label yet").all()
    assert queue[["belief", "area_suggested", "intent_suggested", "intent_confidence"]].isna().all(axis=None)
    assert result.metrics["strategy"].startswith("cold start")


def test_the_finest_task_is_the_child() -> None:
    assert finest(TASKS).name == "intent"


def test_rows_of_a_picture_alone_are_asked_by_what_they_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    see_colors(monkeypatch)
    frame = table.to_pandas(picture_table(tmp_path, kinds="tp", rows=40, gold=""))
    unknown = frame["text"].eq("") & frame["id"].astype(int).gt(8)
    frame["split"] = frame["split"].where(~unknown, "unlabeled")
    for name in ("color", "color_given", "color_origin", "color_confidence"):
        frame[name] = frame[name].where(~unknown, None)
    tasks = (COLOR,)
    samples = table.from_pandas(frame[[name for name in frame if "shade" not in str(name)]], tasks)
    resources = picture_resources(samples, HashingEncoder(), tmp_path, tasks)
    result = stages.perform("active_learning", samples, Config(random=1.0, batch=12), resources)
    queue = pd.read_csv(result.artifacts["queue.csv"]).set_index("id")
    alone = queue[queue["text"].isna()]
    assert len(alone) >= 4
    assert alone["color_suggested"].tolist() == ["red" if row % 2 == 0 else "blue" for row in alone.index]
    paths = frame.astype({"id": int}).set_index("id")["picture_path"]
    assert queue["picture"].equals(paths[queue.index].rename("picture"))  # for who answers elsewhere
    assert queue["group"].isna().all()  # rows that lack a text are no copies of each other
    scores = table.to_pandas(result.samples).set_index("id")["acquisition_score"]
    assert scores[frame["id"][unknown]].notna().all()
    assert result.metrics["taught_on"] == 40 - unknown.sum()
