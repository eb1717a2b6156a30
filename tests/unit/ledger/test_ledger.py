"""What a stage bought: by hand-made tables in which one stage clearly helps or harms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tilth import ledger
from tilth import samples as table
from tilth.ledger import Measurement, Verdict
from tilth.ledger.cross_validation import _both
from tilth.samples import Task

LABELS = ("a", "b", "c")
TASK = Task(name="task", labels=LABELS)
TASKS = (TASK,)


def rows(count: int, *, gold: int = 0, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows of three classes in turn, and vectors around one corner a class, so that a probe can tell them apart."""
    draw = np.random.default_rng(seed)
    total = count + gold
    frame = pd.DataFrame({"id": [f"r{k}" for k in range(total)]})
    frame["text"], frame["split"] = frame["id"], ["train"] * count + ["gold"] * gold
    frame["source"], frame["parent_id"], frame["status"], frame["reason"] = "input", None, "active", None
    frame["task_given"] = [LABELS[k % 3] for k in range(total)]
    vectors = np.eye(8)[np.arange(total) % 3] + draw.normal(0, 0.35, (total, 8))
    return table.resolve(frame, TASKS), (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def cleaned(frame: pd.DataFrame, wrong: np.ndarray, action: str, suggested: list[str] | None = None) -> pd.DataFrame:
    """The frame after a cleaning that calls some labels wrong."""
    found = frame.copy()
    found["task_action"] = np.where(wrong, action, "keep")
    found["task_suggested"] = suggested if suggested is not None else found["task_given"]
    found["task_suggested_confidence"] = 0.9
    return table.resolve(found, TASKS)


def noisy(frame: pd.DataFrame, share: float, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray]:
    """The frame with a share of its labels turned to the next class, and which."""
    wrong = (np.random.default_rng(seed).random(len(frame)) < share) & frame["split"].eq("train").to_numpy()
    found = frame.copy()
    turned = [LABELS[(LABELS.index(one) + 1) % 3] for one in frame["task_given"]]
    found["task_given"] = np.where(wrong, turned, frame["task_given"])
    return table.resolve(found, TASKS), wrong


def paraphrased(frame: pd.DataFrame, parents: np.ndarray) -> pd.DataFrame:
    """The frame with a used paraphrase of each row, which claims to be one of another row, and takes its label."""
    more = frame.copy()
    more["id"], more["source"], more["split"] = frame["id"] + "~1", "paraphrase", "train"
    more["parent_id"], more["used"], more["task_given"] = frame["id"].to_numpy()[parents], True, None
    both = pd.concat([frame.assign(used=None), more], ignore_index=True)
    return table.resolve(both.assign(weight=0.5), TASKS)


def measure(before: pd.DataFrame, after: pd.DataFrame, vectors: np.ndarray, **more: Any) -> Measurement:
    return ledger.measure_on_train_rows(before, after, TASKS, vectors, folds=5, seed=0, **more)


def test_cleaning_that_finds_the_wrong_labels_helps() -> None:
    frame, vectors = rows(300)
    before, wrong = noisy(frame, 0.45)
    found = measure(before, cleaned(before, wrong, "set_aside"), vectors)
    assert found.verdict is Verdict.HELPS
    assert found.rows == 300 - wrong.sum()  # by the labels that both tables hold
    assert found.with_stage == pytest.approx(1.0, abs=0.05)


def test_cleaning_that_corrects_right_labels_into_wrong_ones_harms() -> None:
    before, vectors = rows(300)
    wrong = np.random.default_rng(2).random(300) < 0.55
    turned = [LABELS[(LABELS.index(one) + 1) % 3] for one in before["task_given"]]
    found = measure(before, cleaned(before, wrong, "correct", turned), vectors)
    assert found.verdict is Verdict.HARMS
    assert found.without == pytest.approx(1.0, abs=0.1)
    assert found.interval is not None
    assert found.interval[1] < 0


def test_cleaning_that_sets_a_few_rows_aside_at_random_makes_no_difference() -> None:
    before, vectors = rows(300)
    found = measure(before, cleaned(before, np.arange(300) % 20 == 0, "set_aside"), vectors)
    assert found.verdict is Verdict.NO_DIFFERENCE


def test_a_stage_that_teaches_nothing_else_is_not_measured_at_all() -> None:
    before, vectors = rows(300)
    after = before.assign(task_quality=0.5)
    assert measure(before, after, vectors) == Measurement(verdict=Verdict.UNCHANGED)
    few, vectors = rows(45)
    found = measure(few, cleaned(few, np.arange(45) < 5, "set_aside"), vectors)
    assert found.verdict is Verdict.NOT_MEASURED
    assert found.why_not is not None
    assert found.why_not.startswith("40 rows")


def test_paraphrases_of_shuffled_labels_harm_and_those_of_right_ones_do_not() -> None:
    before, vectors = rows(240)
    both = np.concatenate([vectors, vectors])
    right = paraphrased(before, np.arange(240))
    assert measure(before, right, both).verdict is not Verdict.HARMS
    shuffled = paraphrased(before, np.random.default_rng(3).permutation(240))
    assert measure(before, shuffled, both).verdict is Verdict.HARMS


def test_a_paraphrase_never_teaches_the_fold_that_holds_its_source_out() -> None:
    # Vectors say nothing: only a paraphrase of the very row could know its label.
    before, _ = rows(150)
    vectors = np.eye(150, dtype=np.float32)
    after = paraphrased(before, np.arange(150))
    found = measure(before, after, np.concatenate([vectors, vectors]))
    assert found.with_stage is not None
    assert found.with_stage < 0.6


def test_gold_rows_and_their_labels_decide_nothing() -> None:
    frame, vectors = rows(300, gold=90)
    before, wrong = noisy(frame, 0.3)
    after = cleaned(before, wrong, "set_aside")
    dealt = [LABELS[k % 2] for k in range(90)]
    others = [one.copy() for one in (before, after)]
    for one in others:
        one.loc[300:, ["task_given", "task"]] = np.array([dealt, dealt]).T
    assert measure(*others, vectors) == measure(before, after, vectors)


def test_a_long_table_is_measured_on_the_same_few_rows_every_night() -> None:
    frame, vectors = rows(300)
    before, wrong = noisy(frame, 0.45)
    after = cleaned(before, wrong, "set_aside")
    found = measure(before, after, vectors, most=200)
    assert 0 < found.rows <= 200
    order = np.random.default_rng(5).permutation(300)
    turned = [one.iloc[order].reset_index(drop=True) for one in (before, after)]
    assert measure(*turned, vectors[order], most=200).rows == found.rows


def test_gold_says_what_each_stage_bought() -> None:
    frame, vectors = rows(300, gold=600)
    given, wrong = noisy(frame, 0.45)
    clean = cleaned(given, wrong, "set_aside")
    shuffled = paraphrased(clean, np.random.default_rng(4).permutation(len(clean)))
    frames = {"input": given, "cleaning": clean, "weak_supervision": clean, "augmentation": shuffled}
    both = np.concatenate([vectors, vectors])
    found = ledger.measure_on_gold(frames, TASKS, both, seed=0)
    assert found["cleaning"].verdict is Verdict.HELPS
    assert found["cleaning"].rows == 600
    assert found["weak_supervision"].verdict is Verdict.UNCHANGED
    assert found["augmentation"].verdict is Verdict.HARMS
    without_gold = {name: one[one["split"] != "gold"].reset_index(drop=True) for name, one in frames.items()}
    nothing = ledger.measure_on_gold(without_gold, TASKS, both, seed=0)
    assert nothing["cleaning"].why_not == "there are no gold rows"


def test_nothing_is_measured_where_pictures_alone_are_labeled() -> None:
    frame, vectors = rows(120, gold=60)
    given, wrong = noisy(frame.assign(text="", picture_digest="d"), 0.3)
    clean = cleaned(given, wrong, "set_aside")
    frames = {"input": given, "cleaning": clean}
    found = ledger.measure_on_gold(frames, TASKS, vectors, seed=0)["cleaning"]
    model = ledger.measure_model_on_gold(clean.assign(task_predicted=clean["task_given"]), TASKS, vectors, seed=0)
    for one in (found, model, measure(given, clean, vectors)):
        assert one.verdict is Verdict.NOT_MEASURED
        assert "no row with a text has a label" in str(one.why_not)


def test_leaving_a_stage_out_leaves_what_the_others_set() -> None:
    frame, _ = rows(6)
    first = cleaned(frame, np.array([True, False, False, False, False, False]), "set_aside")
    table.escalate_status(first, np.array([0, 0, 1, 0, 0, 0], dtype=bool), table.Status.QUARANTINED, table.Reason.JUNK)
    second = first.assign(task_weak=["b", None, None, None, None, None], task_weak_confidence=0.9)
    table.escalate_status(second, np.arange(6) == 3, table.Status.REVIEW, table.Reason.OUTLIER)
    second = table.resolve(second, TASKS)
    frames = {"input": frame, "cleaning": first, "weak_supervision": second}
    assert second["task"].tolist() == ["b", "b", "c", "a", "b", "c"]
    without = ledger.without_stage(frames, "cleaning", TASKS)
    assert without["task"].tolist() == ["a", "b", "c", "a", "b", "c"]
    assert without["status"].tolist() == ["active", "active", "active", "review", "active", "active"]
    without = ledger.without_stage(frames, "weak_supervision", TASKS)
    assert without["task"].isna().tolist() == [True] + [False] * 5
    assert without["task"].tolist()[1:] == ["b", "c", "a", "b", "c"]
    assert without["status"].tolist() == ["active", "active", "quarantined", "active", "active", "active"]


def test_an_entry_as_it_is_written() -> None:
    found = Measurement(verdict=Verdict.HELPS, rows=10, with_stage=0.75, without=0.5, interval=(0.125, 0.375))
    assert found.to_json() == {
        "verdict": "helps", "rows": 10, "with": 0.75, "without": 0.5, "difference": 0.25, "interval": [0.125, 0.375],
        "why_not": None,
    }  # fmt: skip
    assert ledger.not_measured("too few").to_json()["difference"] is None


def test_of_two_estimates_that_lean_either_way_both_are_heard() -> None:
    def entry(verdict: Verdict, rows: int) -> Measurement:
        return Measurement(verdict=verdict, rows=rows, with_stage=0.5, without=0.5, interval=(0, 0))

    def both(by_agreed: Verdict, by_given: Verdict) -> Verdict:
        return _both(entry(by_agreed, 5), entry(by_given, 9)).verdict

    helps, harms, neither = Verdict.HELPS, Verdict.HARMS, Verdict.NO_DIFFERENCE
    assert both(helps, helps) is both(helps, neither) is helps
    assert both(neither, harms) is both(harms, harms) is both(harms, neither) is harms
    assert both(helps, harms) is both(harms, helps) is both(neither, helps) is both(neither, neither) is neither
    found = _both(entry(helps, 5), entry(neither, 9))
    assert (found.rows, found.by_given and found.by_given.rows) == (5, 9)
