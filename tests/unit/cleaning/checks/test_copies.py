"""Copies of one text: which stays, and what becomes of labels that contradict each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.small_table import ROWS, TASKS, HashingEncoder, make_table
from tilth import cleaning, stage
from tilth import samples as table
from tilth.learn.shared_features import Evidence
from tilth.night.stages.console import line
from tilth.store import Cache

KETTLE, LAMP = "the little blue kettle will not boil water today", "a lamp of mine burns green and says nothing at all"
MAJORITY = [
    ("k3", KETTLE, "train", "network", "slow"),
    ("k1", f"{KETTLE}!", "train", "network", "outage"),
    ("k2", KETTLE.upper(), "train", "network", "outage"),
]
TIE = [("t2", LAMP, "train", "network", "slow"), ("t1", LAMP, "train", "network", "outage")]


def cleaned(extra: Sequence[tuple[Any, ...]], folder: Path) -> tuple[pd.DataFrame, stage.StageResult]:
    samples = make_table([*ROWS, *extra])
    (folder / "scratch").mkdir(parents=True)
    evidence = Evidence(samples, encoder=HashingEncoder(), cache=Cache(folder / "cache"))  # type: ignore[arg-type]
    resources = stage.Resources(tasks=TASKS, seed=0, evidence=evidence, scratch=folder / "scratch")
    result = stage.perform("cleaning", samples, cleaning.Config(), resources)
    return nulls(table.to_pandas(result.samples)), result


def nulls(frame: pd.DataFrame) -> pd.DataFrame:
    """By id, with None for every null text."""
    frame = frame.set_index("id")
    texts = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    frame[texts] = frame[texts].astype(object).where(frame[texts].notna(), None)
    return frame


def test_two_against_one_go_to_review_at_two_thirds(tmp_path: Path) -> None:
    out, _ = cleaned(MAJORITY, tmp_path)
    assert out.loc[["k1", "k2", "k3"], "status"].tolist() == ["active", "quarantined", "quarantined"]
    assert out.loc[["k2", "k3"], "duplicate_of"].tolist() == ["k1", "k1"]
    assert out.loc["k1", ["intent", "intent_suggested", "intent_reason"]].tolist() == [
        "outage", "outage", "conflicting_copies",
    ]  # fmt: skip
    assert out.loc["k1", "intent_confidence"] == pytest.approx(2 / 3)
    assert table.sample_weights(out, "intent")[out.index.get_loc("k1")] == pytest.approx(2 / 3)
    assert out.loc["k3", "intent"] is None  # what one of three says is in force nowhere
    assert table.unsure(out, "intent")[out.index.get_loc("k1")]  # so that the queue may ask about it


def test_a_tie_has_no_suggestion_and_no_label_in_force(tmp_path: Path) -> None:
    out, _ = cleaned(TIE, tmp_path)
    assert sorted(out.loc[["t1", "t2"], "status"]) == ["active", "quarantined"]
    assert out.loc[["t1", "t2"], "intent"].isna().all()
    assert out.loc[["t1", "t2"], "intent_suggested"].isna().all()
    assert out.loc[["t1", "t2"], "intent_reason"].tolist() == ["conflicting_copies"] * 2
    assert not table.learnable(out, "intent")[out.index.get_loc("t1")]


def test_a_conflict_of_one_task_leaves_the_other_as_it_is(tmp_path: Path) -> None:
    out, _ = cleaned(TIE, tmp_path)
    assert out.loc[["t1", "t2"], "area"].tolist() == ["network"] * 2
    assert out.loc[["t1", "t2"], "area_reason"].isna().all()


def test_a_parent_in_conflict_is_not_filled_in_from_its_child(tmp_path: Path) -> None:
    out, _ = cleaned([("p1", LAMP, "train", "billing", "refund"), ("p2", LAMP, "train", "network", None)], tmp_path)
    assert out.loc["p1", ["status", "intent"]].tolist() == ["active", "refund"]
    assert out.loc["p1", "area"] is None
    assert out.loc["p1", "area_reason"] == "conflicting_copies"


def test_the_order_of_the_rows_changes_nothing(tmp_path: Path) -> None:
    extra = [*MAJORITY, *TIE]
    first, _ = cleaned(extra, tmp_path / "first")
    second, _ = cleaned(extra[::-1], tmp_path / "second")
    said = ["status", "reason", "duplicate_of", "area", "intent", "intent_reason", "intent_suggested", "intent_action"]
    pd.testing.assert_frame_equal(first[said], second.loc[first.index, said])
    weights = [pd.Series(table.sample_weights(out, "intent"), index=out.index)[first.index] for out in (first, second)]
    pd.testing.assert_series_equal(*weights)


def test_without_ids_the_text_has_the_same_verdict_in_either_order(tmp_path: Path) -> None:
    """Numbers by occurrence, as ingest gives them, fall on other rows when a file is turned round."""
    labels = ["slow", "outage", "slow", "outage", "refund"]
    found = []
    for turn, given in (("first", labels), ("second", labels[::-1])):
        rows = [(f"x-{n}", LAMP, "train", None, label) for n, label in enumerate(given, 1)]
        out, _ = cleaned(rows, tmp_path / turn)
        (kept,) = out.index[out["text"].eq(LAMP) & out["status"].eq("active")]
        found.append(out.loc[kept, ["intent_given", "intent", "intent_reason", "intent_given_confidence"]].tolist())
    assert found[0] == found[1]
    assert found[0][:3] == ["outage", None, "conflicting_copies"]  # 2 to 2 to 1
    assert found[0][3] == pytest.approx(2 / 5)


def test_copies_with_the_same_label_are_only_copies(tmp_path: Path) -> None:
    out, result = cleaned([(f"s{n}", KETTLE, "train", "network", "slow") for n in (1, 2)], tmp_path)
    assert out.loc[["s1", "s2"], "reason"].tolist() == [None, "exact_duplicate"]
    assert out.loc["s1", ["intent", "intent_confidence"]].tolist() == ["slow", 1.0]
    assert result.metrics["copies"]["intent"]["conflicting"] == {"rows": 0, "first": None}


def test_conflicts_are_counted_and_shown(tmp_path: Path) -> None:
    _, result = cleaned([*MAJORITY, *TIE], tmp_path)
    assert result.metrics["copies"]["intent"] == {
        "conflicting": {"rows": 2, "first": "k1"},
        "tied": {"rows": 1, "first": "t1"},
        "lost": {"rows": 0, "first": None},
        "near": {"rows": 0, "first": None},
    }
    entry = {"name": "cleaning", "skipped": None, "rows_in": 17, "rows_out": 17, "quarantined": {}, "review": {}}
    told = line({**entry, "seconds": 1.0, "cached": False, "metrics": result.metrics})
    assert "intent: different labels for the same text: 2 (first: k1)" in told
    (figure,) = [one for one in result.figures if one.title == "Copies with different labels: intent"]
    assert figure.data["rows"] == [
        ["t1", LAMP, "outage (1), slow (1)", None],
        ["k1", f"{KETTLE}!", "outage (2), slow (1)", "outage"],
    ]


def test_labels_that_go_with_a_copy_are_told(tmp_path: Path) -> None:
    near = f"{KETTLE} {KETTLE}"
    rows = [
        ("l1", LAMP, "train", "network", None),
        ("l2", LAMP, "train", None, "outage"),
        ("n1", near, "train", "network", "slow"),
        ("n2", f"{near} today", "train", "network", "outage"),
    ]
    out, result = cleaned(rows, tmp_path)
    assert out.loc["n2", ["reason", "duplicate_of"]].tolist() == ["near_duplicate", "n1"]
    told = result.metrics["copies"]
    assert told["intent"]["near"] == {"rows": 1, "first": "n2"}
    assert (told["area"]["lost"]["rows"], told["intent"]["lost"]["rows"]) in ((1, 0), (0, 1))


def test_an_answer_settles_it(tmp_path: Path) -> None:
    samples = make_table([*ROWS, *TIE])
    frame = table.to_pandas(samples)
    frame["intent_answer"] = frame["intent_given"].where(frame["id"].eq("t2")).astype(object)
    samples = table.from_pandas(table.resolve(frame, TASKS), TASKS)
    (tmp_path / "scratch").mkdir()
    evidence = Evidence(samples, encoder=HashingEncoder(), cache=Cache(tmp_path / "cache"))  # type: ignore[arg-type]
    resources = stage.Resources(tasks=TASKS, seed=0, evidence=evidence, scratch=tmp_path / "scratch")
    result = stage.perform("cleaning", samples, cleaning.Config(), resources)
    out = nulls(table.to_pandas(result.samples))
    assert out.loc[["t1", "t2"], "reason"].tolist() == ["exact_duplicate", None]
    assert out.loc["t2", ["intent", "intent_origin"]].tolist() == ["slow", "annotator"]
    assert result.metrics["copies"]["intent"]["conflicting"]["rows"] == 0
