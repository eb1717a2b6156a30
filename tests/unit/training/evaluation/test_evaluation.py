from __future__ import annotations

import pandas as pd

from tests.small_table import TASKS, make_table
from tilth import samples as table
from tilth.training import evaluation


def test_the_calibration_error_is_that_of_gold_rows() -> None:
    frame = table.to_pandas(make_table())
    task = TASKS[0]
    truth = table.gold_labels(frame, task.name)
    assert truth.notna().any()
    frame[f"{task.name}_predicted"] = truth.fillna("nothing")  # right on gold, wrong elsewhere
    frame[f"{task.name}_predicted_confidence"] = 0.75
    assert evaluation.calibration(frame, [task]) == {task.name: 0.25}
    assert evaluation.calibration(frame.assign(**{f"{task.name}_predicted_confidence": pd.NA}), [task]) == {}


def test_the_views_are_shown_by_held_out_rows() -> None:
    scores = {view: {"macro_f1": value} for view, value in (("meaning", 0.7), ("wording", 0.8), ("pooled", 0.85))}
    kept = {"held_out_rows": 90, "held_out": scores, "share": 0.6, "kept": True}
    unmeasured = {"share": 0.35, "why": "3 held-out rows", "kept": False}
    figures = evaluation.views({"tasks": {"intent": kept, "area": {**kept, "kept": False}, "tone": unmeasured}})
    assert figures[0].data["rows"] == [["intent", 90, 0.7, 0.8, 0.85, 0.6], ["area", 90, 0.7, 0.8, 0.85, 0]]
    assert evaluation.views({"tasks": {"tone": unmeasured}}) == []
    assert evaluation.views({}) == []
