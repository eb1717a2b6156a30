"""A corrected gold row moves the last model's score, and both stand side by side."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tests.small_table import TASKS, make_table
from tilth import samples as table
from tilth import store
from tilth.night.opening.gold_rescoring import rescored
from tilth.store import Run


def test_the_last_models_score_is_computed_anew(tmp_path: Path) -> None:
    rows = [
        ("g1", "refund please", "gold", "billing", "refund"),
        ("g2", "so slow", "gold", "network", "slow"),
        ("g3", "why so slow", "gold", "network", "refund"),  # labeled wrongly
        ("t1", "slow", "train", "network", "slow"),
    ]
    then = table.to_pandas(make_table(rows))
    then["intent_predicted"] = ["refund", "slow", "slow", "slow"]
    run = Run.create(tmp_path, {})
    store.write_table(run.path / "5-training.parquet", table.from_pandas(then, TASKS))
    now = table.to_pandas(make_table([(*row[:4], "slow" if row[0] == "g3" else row[4]) for row in rows]))
    found = rescored(run, now, ["area", "intent"])
    # refund: precision 1, recall 1/2; slow: precision 1/2, recall 1: both F1 2/3. Then all three are right.
    assert found == {"run": run.path.name, "rows": 3, "tasks": {"intent": {"before": 0.6667, "now": 1.0}}}
    assert rescored(None, now, ["intent"]) is None
    assert rescored(run, pd.DataFrame(now.assign(text="x")), ["intent"]) is None
