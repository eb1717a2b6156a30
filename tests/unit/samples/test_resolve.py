import json

import numpy as np
import pandas as pd
import pytest

from tests.small_table import TASKS, make_table
from tilth import samples as table
from tilth.samples import Action, Reason, Status, Task


def frame_with(**columns: list[object]) -> pd.DataFrame:
    frame = table.to_pandas(make_table())
    for name, values in columns.items():
        frame[name] = [*values, *[None] * (len(frame) - len(values))]
    return frame


def test_a_given_label_stands_where_nobody_objects() -> None:
    out = table.resolve(frame_with(), TASKS).set_index("id")
    assert out.loc["a1", ["intent", "intent_origin", "intent_confidence"]].tolist() == ["refund", "given", 1.0]
    assert pd.isna(out.loc["u1", "intent"])


def test_precedence_is_answer_then_correction_then_given_then_weak() -> None:
    everything = frame_with(
        intent_weak=["slow"] * 9,
        intent_weak_confidence=[0.7] * 9,
        intent_suggested=["outage", "outage"],
        intent_suggested_confidence=[0.95, 0.95],
        intent_action=[Action.CORRECT.value, Action.CORRECT.value, Action.SET_ASIDE.value, Action.KEEP.value],
        intent_answer=["slow"],
    )
    everything["area_given"] = None  # a label from another area would lose against the given area
    out = table.resolve(everything, TASKS)
    assert out["intent"].tolist()[:4] == ["slow", "outage", "slow", "slow"]
    assert out["intent_origin"].tolist()[:4] == ["annotator", "corrected", "weak", "given"]
    assert pd.isna(out["intent_reason"][0])
    assert out["intent_reason"].tolist()[1:3] == [Reason.LABEL_ISSUE, Reason.LABEL_ISSUE]
    assert out["intent"][8] == "slow"


def test_gold_keeps_its_label_whatever_a_stage_says() -> None:
    out = table.resolve(frame_with(intent_action=[Action.SET_ASIDE.value] * 12, intent_weak=["slow"] * 12), TASKS)
    assert out.set_index("id").loc["g1", "intent"] == "refund"


def test_a_label_that_no_class_has_is_nulled_with_its_reason() -> None:
    rows = [("x", "text", "train", "billing", "nonsense")]
    out = table.to_pandas(make_table(rows)).iloc[0]
    assert pd.isna(out["intent"])
    assert out["intent_reason"] == Reason.UNKNOWN_LABEL


def test_a_missing_parent_is_filled_in_from_the_child() -> None:
    out = table.to_pandas(make_table([("x", "text", "train", None, "slow")])).iloc[0]
    assert (out["area"], out["area_reason"]) == ("network", Reason.FROM_CHILD)


@pytest.mark.parametrize(("area", "filled"), [("network", False), ("billing", True)])
def test_a_parent_label_that_was_set_aside_comes_back_by_no_child_that_says_the_same(area: str, filled: bool) -> None:
    frame = table.to_pandas(make_table([("x", "text", "train", area, "slow")]))
    frame["area_action"] = Action.SET_ASIDE.value
    out = table.resolve(frame, TASKS).iloc[0]
    assert (out["intent"], pd.notna(out["area"])) == ("slow", filled)


def test_where_parent_and_child_clash_the_better_founded_one_stays() -> None:
    rows = [("x", "one", "train", "billing", "refund"), ("y", "two", "train", "billing", "refund")]
    frame = table.to_pandas(make_table(rows))
    frame["intent_action"], frame["intent_suggested"] = Action.CORRECT.value, "slow"
    frame["intent_suggested_confidence"], frame["area_given_confidence"] = [0.9, 0.2], [0.3, 0.8]
    out = table.resolve(frame, TASKS)
    assert out["area_origin"].tolist() == ["corrected", "given"]
    assert out["area"].tolist() == ["network", "billing"]
    assert out["intent"][0] == "slow"
    assert pd.isna(out["intent"][1])
    assert out["intent_reason"].tolist()[1] == Reason.HIERARCHY


def test_a_paraphrase_inherits_its_parents_label_times_the_gates_confidence() -> None:
    frame = table.to_pandas(make_table())
    child = {**frame.iloc[0].to_dict(), "id": "p", "source": "paraphrase", "parent_id": "a1", "intent_given": None}
    frame = pd.concat([frame, pd.DataFrame([child])], ignore_index=True)
    frame["label_agreement"] = [np.nan] * 12 + [0.5]
    out = table.resolve(frame, TASKS).iloc[-1]
    assert (out["intent"], out["intent_origin"], out["intent_confidence"]) == ("refund", "inherited", 0.5)


def test_a_status_only_tightens_and_the_first_reason_stays() -> None:
    frame = table.to_pandas(make_table())
    first = (frame["id"] == "a1").to_numpy()
    table.escalate_status(frame, first, Status.QUARANTINED, Reason.JUNK)
    table.escalate_status(frame, first, Status.REVIEW, Reason.OUTLIER)
    assert frame.loc[0, ["status", "reason"]].tolist() == ["quarantined", "junk"]


def test_tighten_never_touches_gold() -> None:
    frame = table.to_pandas(make_table())
    table.escalate_status(frame, np.ones(len(frame), dtype=bool), Status.QUARANTINED, Reason.JUNK)
    assert set(frame.loc[frame["split"] == "gold", "status"]) == {"active"}


def test_repeated_ids_are_named() -> None:
    with pytest.raises(Exception, match="a1"):
        table.validate(make_table([("a1", "x", "train", None, None), ("a1", "y", "train", None, None)]), TASKS)


def test_a_disputed_label_waits_for_a_person_and_is_not_overwritten() -> None:
    frame = frame_with(intent_disputed=[True, True, False], intent_weak=["slow"] * 3, intent_answer=[None, "refund"])
    frame["intent_weak_confidence"] = 0.99
    frame["area_given"] = None
    frame.loc[frame["id"] == "g1", "intent_disputed"] = True
    out = table.resolve(frame, TASKS).set_index("id")
    assert pd.isna(out.loc["a1", "intent"])
    assert out.loc["a1", "intent_reason"] == Reason.LABEL_REVIEW
    assert out.loc[["a2", "a3", "g1"], "intent"].tolist() == ["refund", "refund", "refund"]
    assert out.loc["a2", "intent_origin"] == "annotator"


def test_a_label_in_review_stays_at_the_chance_that_it_is_right_where_nothing_better_speaks() -> None:
    frame = frame_with(
        intent_action=[Action.REVIEW.value, Action.REVIEW.value],
        intent_given_confidence=[0.4, 0.4],
        intent_weak=[None, "refund"],
        intent_weak_confidence=[None, 0.9],
    )
    out = table.resolve(frame, TASKS)
    assert out.loc[:1, "intent_origin"].tolist() == ["given", "weak"]
    assert out.loc[:1, "intent_confidence"].tolist() == pytest.approx([0.4, 0.9])
    assert set(out.loc[:1, "intent_reason"]) == {Reason.LABEL_REVIEW}
    assert table.learnable(out, "intent")[0]
    assert not table.settled(out, "intent")[0]  # it has a weight, and who knows none does not learn from it
    assert table.settled(out, "intent")[2]


def test_three_levels_agree() -> None:
    levels = (
        Task(name="top", labels=("t1", "t2")),
        Task(name="area", labels=("a1", "a2"), parent="top", parent_of={"a1": "t1", "a2": "t2"}),
        Task(name="intent", labels=("i1", "i2"), parent="area", parent_of={"i1": "a1", "i2": "a2"}),
    )
    frame = pd.DataFrame(
        {
            "top_given": [None, "t1"],
            "area_given": [None, "a1"],
            "area_given_confidence": [None, 0.6],
            "intent_given": ["i1", "i1"],
            "intent_action": [None, Action.CORRECT.value],
            "intent_suggested": [None, "i2"],
            "intent_suggested_confidence": [None, 0.9],
            "split": "train",
            "source": "input",
        }
    )
    out = table.resolve(frame, levels)
    assert out.loc[0, ["top", "area", "intent"]].tolist() == ["t1", "a1", "i1"]
    assert out.loc[1, "top"] == "t1"
    assert out.loc[1, ["area", "intent"]].isna().all()


SHARED = (
    Task(name="area", labels=("broadband", "mobile", "bills")),
    Task(
        name="intent",
        labels=("other", "roaming", "slow"),
        parent="area",
        parent_of={"other": "mobile", "roaming": "mobile", "slow": "broadband"},
        parents_of={"other": ("mobile", "broadband")},
    ),
)


def shared(*rows: tuple[str | None, str | None], **columns: list[object]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["area_given", "intent_given"], dtype=object)
    frame = frame.assign(id=[f"r{n}" for n in range(len(rows))], split="train", source="input", **columns)
    return table.resolve(frame, SHARED)


def test_a_label_under_several_parents_stands_with_each_of_them_and_names_none() -> None:
    out = shared(("broadband", "other"), ("mobile", "other"), (None, "other"), (None, "slow"))
    assert out["intent"].tolist() == ["other", "other", "other", "slow"]
    assert out["area"].tolist()[:2] == ["broadband", "mobile"]
    assert pd.isna(out["area"][2]), "which of the two, the label does not say"
    assert out.loc[3, ["area", "area_reason"]].tolist() == ["broadband", Reason.FROM_CHILD]
    assert out["area_origin"].tolist()[:2] == ["given", "given"]


def test_labels_that_people_gave_never_change_each_other() -> None:
    out = shared(("bills", "other"), ("bills", "slow"), intent_given_confidence=[1.0, 0.9], area_given_confidence=0.1)
    assert out["area"].tolist() == ["bills", "bills"]
    assert out["intent"].tolist() == ["other", "slow"]
    assert set(out["area_origin"]) == set(out["intent_origin"]) == {"given"}
    assert out[["area_reason", "intent_reason"]].isna().all(axis=None)


def test_what_a_model_says_of_an_unlabeled_row_changes_no_given_parent() -> None:
    weak = {"intent_weak": ["slow"], "intent_weak_confidence": [0.99], "area_given_confidence": [0.6]}
    out = shared(("bills", None), **weak).iloc[0]
    assert (out["area"], out["area_origin"], out["intent_reason"]) == ("bills", "given", Reason.HIERARCHY)
    assert pd.isna(out["intent"])
    doubted = shared(("bills", None), **weak, area_action=[Action.REVIEW.value]).iloc[0]
    assert (doubted["area"], doubted["area_origin"]) == ("broadband", "weak")


def test_where_a_label_under_several_parents_is_better_founded_the_other_parent_is_taken_away() -> None:
    answered = shared(("bills", None), intent_answer=["other"]).iloc[0]
    assert (answered["intent"], answered["intent_origin"]) == ("other", "annotator")
    assert pd.isna(answered["area"])
    assert answered["area_reason"] == Reason.HIERARCHY


def test_a_task_comes_back_from_the_record_and_an_older_record_still_does() -> None:
    assert Task.from_json(json.loads(json.dumps(SHARED[1].to_json()))) == SHARED[1]
    assert "parents_of" not in TASKS[1].to_json(), "so that the record of a plain hierarchy is as it was"
    old = {"name": "a", "labels": ["x"], "parent": "t", "parent_of": {"x": "y"}, "fixed": False}
    assert Task.from_json(old).parents("x") == ("y",)
    assert SHARED[1].parents("other") == ("mobile", "broadband")
    assert SHARED[1].parents("nothing") == ()
    assert repr(SHARED[1]) == "<Task intent under area: 3 labels: other, roaming, slow>"


def test_a_suggested_label_counts_at_its_probability_where_nothing_else_does_until_a_person_answers() -> None:
    rows = [(name, "text", "train", "network", "slow") for name in "abcd"] + [("e", "text", "train", "billing", None)]
    frame = table.to_pandas(make_table(rows))
    frame["intent_given"] = "slow"
    frame["intent_action"] = [Action.SUGGEST.value] * 3 + [Action.SET_ASIDE.value, Action.SUGGEST.value]
    frame["intent_suggested"], frame["intent_suggested_confidence"] = "outage", 0.6
    frame["intent_weak"], frame["intent_weak_confidence"] = [None, "slow", None, None, None], 0.7
    frame["intent_answer"] = [None, None, "slow", None, None]
    out = table.resolve(frame, TASKS)
    assert out["intent"][:3].tolist() == ["outage", "slow", "slow"]
    assert out["intent_origin"][:3].tolist() == ["suggested", "weak", "annotator"]
    assert out["intent"][3:].isna().all(), "set aside for good, and a label that is not under its parent's"
    assert out["intent_reason"][[0, 1, 3, 4]].tolist() == [Reason.LABEL_ISSUE] * 4
    assert table.learnable(out, "intent").tolist() == [True, True, True, False, False]
    assert table.settled(out, "intent").tolist() == [False, True, True, False, False]
    assert table.sample_weights(out, "intent")[0] == pytest.approx(0.6)


def test_no_suggested_parent_stands_above_another_class_of_its_child() -> None:
    rows = [("x", "text", "train", "billing", "refund"), ("y", "text", "train", "billing", None)]
    frame = table.to_pandas(make_table(rows))
    frame["area_action"], frame["area_suggested"] = Action.SUGGEST.value, "network"
    frame["area_suggested_confidence"] = 0.8
    out = table.resolve(frame, TASKS)
    assert pd.isna(out["area"][0])
    assert (out["area"][1], out["area_origin"][1]) == ("network", "suggested")
