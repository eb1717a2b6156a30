"""What a stage doubts that the night goes on without."""

from __future__ import annotations

import pandas as pd

from tests.small_table import TASKS, make_table
from tilth import samples as table
from tilth.active_learning.queue import as_if_kept
from tilth.samples import Action, Reason, Status, escalate_status


def test_the_table_is_as_if_the_night_had_kept_what_the_stages_set() -> None:
    night = table.to_pandas(make_table())
    cleaned = night.copy()
    cleaned["intent_action"] = Action.KEEP.value
    cleaned.loc[cleaned["id"].eq("a3"), "intent_action"] = Action.REVIEW.value
    cleaned["intent_given_confidence"] = 0.5
    escalate_status(cleaned, cleaned["id"].isin(["b3", "g1"]).to_numpy(), Status.QUARANTINED, Reason.JUNK)
    voted = night.copy()
    voted["intent_weak"] = pd.Series(None, index=voted.index, dtype=object).mask(voted["id"].eq("u1"), "refund")
    voted["intent_weak_confidence"] = 0.75
    written = night.iloc[:1].assign(id="a1-p", source="paraphrase", parent_id="a1")
    later = pd.concat([night, written], ignore_index=True)
    left_out = [table.from_pandas(table.resolve(frame, TASKS), TASKS) for frame in (cleaned, voted)]
    before = later.copy()
    found = as_if_kept(later, left_out, TASKS).set_index("id")
    pd.testing.assert_frame_equal(later, before)
    assert found.index.tolist() == later["id"].tolist()
    assert found.index[found["status"].eq(Status.QUARANTINED)].tolist() == ["b3"]
    assert found.loc["a3", ["intent", "intent_confidence", "intent_reason"]].tolist() == ["refund", 0.5, "label_review"]
    assert found.loc["u1", ["intent", "intent_origin", "intent_confidence"]].tolist() == ["refund", "weak", 0.75]
    assert found.loc["u1", "area"] == "billing"
    assert found.loc["a1-p", ["status", "intent"]].tolist() == ["active", "refund"]
