"""The queue: what an answer is worth, who asks, in which order, and what is left out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset
from scipy import sparse

from tests.small_table import ROWS, TASKS, HashingEncoder, make_table
from tilth import samples as table
from tilth import stage as stages
from tilth.active_learning import Config
from tilth.active_learning.queue import QueueInputs, gains, selection
from tilth.active_learning.queue.sources import sources
from tilth.errors import ConfigError, ContractError
from tilth.learn import Evidence, Neighbors
from tilth.stage import Question
from tilth.store import Cache


def perform(samples: Dataset, folder: Path, questions: Sequence[Question] = (), **config: Any) -> stages.StageResult:
    (folder / "scratch").mkdir(parents=True)
    evidence = Evidence(samples, encoder=HashingEncoder(), cache=Cache(folder / "cache"))  # type: ignore[arg-type]
    resources = stages.Resources(
        tasks=TASKS, seed=0, evidence=evidence, scratch=folder / "scratch", questions=tuple(questions)
    )
    return stages.perform("active_learning", samples, Config(**config), resources)


def sheet(result: stages.StageResult) -> pd.DataFrame:
    return pd.read_csv(result.artifacts["queue.csv"]).set_index("id")


def changed(values: dict[str, dict[str, Any]], rows: Sequence[tuple[Any, ...]] = tuple(ROWS)) -> Dataset:
    """The table with other values in a stage's columns: row id → column → value."""
    frame = table.to_pandas(make_table(rows))
    for row_id, columns in values.items():
        for name, value in columns.items():
            if name not in frame:
                frame[name] = None
            frame.loc[frame["id"] == row_id, name] = value
    return table.from_pandas(table.resolve(frame, TASKS), TASKS)


SUSPECT = {"intent_action": "set_aside", "intent_suggested": "slow", "intent_given_confidence": 0.05}
REVIEW = {"intent_action": "review", "intent_suggested": "slow", "intent_given_confidence": 0.4}


def test_what_a_label_tells_of_and_what_hangs_on_it_by_hand() -> None:
    """Rows 0 and 1 are at cosine 0.5^(1/4), row 2 is alone. Row 1 is labeled, the others are not sure at all."""
    near = Neighbors(rows=np.array([[1], [0], [0]], np.int32), similarities=np.array([[0.5**0.25], [0.5**0.25], [0.0]]))
    edges = gains.weights(near)
    assert edges.toarray() == pytest.approx(np.array([[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 0.5]]))
    labeled, unsure = np.array([False, True, False]), np.array([1.0, 0.0, 1.0])
    assert gains.newly_settled(edges, labeled, unsure) == pytest.approx(
        [0, 0, 0.5]
    )  # row 1 tells of row 0 as much already
    assert gains.newly_settled(edges, np.zeros(3, bool), unsure) == pytest.approx([0.5, 0.5, 0.5])
    # All that rows 0 and 1 are told hangs on row 1; were row 0 labeled, half of it would hang on that.
    assert gains.dependent_rows(edges, np.array([0.0, 1.0, 0.0])) == pytest.approx([0.25 + 0.25, 0.5 + 0.5, 0.5])


def test_reading_takes_its_time() -> None:
    assert gains.reading_seconds(["word " * 238, ""]).tolist() == [60, 0]


def test_what_is_in_doubt_is_asked_with_its_reason_and_counted(tmp_path: Path) -> None:
    samples = changed({"a3": SUSPECT, "b2": REVIEW, "c1": {"intent_disputed": True, "intent_weak_confidence": 0.9}})
    result = perform(samples, tmp_path)
    queue = sheet(result)
    assert set(queue.index) == {"a3", "b2", "c1", "u1", "u2"}
    assert queue.loc["a3", ["detector", "reason"]].tolist() == [
        "suspect", 'The given intent "refund" looks wrong: 5% likely to be right',
    ]  # fmt: skip
    assert queue.loc["b2", ["detector", "reason"]].tolist() == [
        "label_review", 'The given intent "slow" may be wrong: 40% likely to be right',
    ]  # fmt: skip
    assert queue.loc["c1", "reason"] == 'Labeling functions say otherwise (90% sure); the given intent is "outage"'
    assert queue.loc["u1", "reason"].startswith('It has no sure intent: the model wavers between "refund" (')
    assert queue["belief"].str.match(r"\w+ 0\.\d\d · ").all()
    assert queue["belief"].str.split(" ").str[0].eq(queue["intent_suggested"]).all()  # with the area counted in
    assert (np.diff(queue["score"]) <= 0).all()
    counts = result.metrics["detectors"]
    assert counts["label_review"] == {"found": 1, "asked": 1, "beyond": 0}
    assert result.metrics["beyond_the_budget"] == 0
    cut = perform(samples, tmp_path / "cut", batch=1).metrics
    assert sum(one["asked"] for one in cut["detectors"].values()) == 1
    assert cut["beyond_the_budget"] == 4


def test_labels_that_may_be_wrong_are_asked_where_the_estimate_says_too_little(tmp_path: Path) -> None:
    """Of a1 the odds are 1/9, and 1.5 at most: 13 times as large; of a2 3.5 times; b1 is likelier right in any case."""
    kept = {"intent_action": "keep", "intent_suggested": "slow", "intent_given_confidence": 0.9}
    samples = changed(
        {
            "a1": {**kept, "intent_wrong_at_most": 0.6},
            "a2": {**kept, "intent_wrong_at_most": 0.6, "intent_given_confidence": 0.7},
            "b1": {**kept, "intent_wrong_at_most": 0.45},
            "c1": {**kept, "intent_wrong_at_most": 0.9, "is_intent_issue": True},
        }
    )
    queue = sheet(perform(samples, tmp_path))
    assert queue.index[queue["detector"].eq("possible_error")].tolist() == ["a1"]
    assert queue.loc["a1", "reason"] == (
        'tilth cannot tell whether labels such as the given intent "refund" are wrong (10% to 60% likely): some twenty '
        "answers like yours settle it for all of them"
    )


def test_what_people_answered_and_what_is_no_text_of_the_input_is_not_asked(tmp_path: Path) -> None:
    samples = changed(
        {
            "a3": {**SUSPECT, "intent_answer": "refund", "area_answer": "billing"},
            "b2": {**REVIEW, "status": "quarantined", "reason": "junk"},
            "g1": SUSPECT,
            "u1": {"intent_answer": "slow", "area_answer": "network"},
        }
    )
    assert sheet(perform(samples, tmp_path)).index.tolist() == ["u2"]


def test_copies_are_asked_once_and_the_answer_stands_for_the_group(tmp_path: Path) -> None:
    copies = [("u3", "Red light again!", "unlabeled", None, None), ("u4", "red light, again", "unlabeled", None, None)]
    samples = changed(
        {"u3": {"status": "quarantined", "reason": "exact_duplicate", "duplicate_of": "u2"}}, [*ROWS, *copies]
    )
    result = perform(samples, tmp_path)
    queue = sheet(result)
    assert set(queue.index) == {"u1", "u2"}
    assert json.loads(str(queue.loc["u2", "group"])) == ["u3", "u4"]
    assert pd.isna(queue.loc["u1", "group"])
    assert result.metrics["answers_for"] == 2
    assert result.metrics["detectors"]["uncertain"] == {"found": 3, "asked": 3, "beyond": 0}


def test_a_tenth_is_drawn_by_lot_among_all_that_nobody_answered(tmp_path: Path) -> None:
    many = [(f"v{i}", f"word{i} other{i} thing{i}", "unlabeled", None, None) for i in range(30)]
    samples = make_table([*ROWS, *many])
    queue = sheet(perform(samples, tmp_path, batch=20))
    drawn = queue.index[queue["detector"].eq("random")]
    assert len(queue) == 20
    assert len(drawn) == 2
    assert queue.loc[drawn, "reason"].str.startswith("By lot").all()
    assert set(drawn) == set(sheet(perform(samples, tmp_path / "again", batch=20)).query("detector == 'random'").index)
    assert "random" not in set(sheet(perform(samples, tmp_path / "none", batch=20, random=0))["detector"])


class _Counted(int):
    """A row's place that counts how often it is compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        _Counted.compared += 1
        return int(self) == other

    __hash__ = int.__hash__


def test_a_long_lot_is_not_gone_through_for_every_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 200 rows half are drawn by lot; a list of them would be compared some ten thousand times."""
    rows = [*ROWS, *((f"v{i}", f"word{i} other{i} thing{i}", "unlabeled", None, None) for i in range(200))]
    plain, draw = sheet(perform(make_table(rows), tmp_path / "plain", batch=200, random=0.5)), selection._lot
    monkeypatch.setattr(selection, "_lot", lambda *given: [_Counted(row) for row in draw(*given)])
    counted = sheet(perform(make_table(rows), tmp_path / "counted", batch=200, random=0.5))
    assert counted["detector"].eq("random").sum() > 50
    assert counted.index.tolist() == plain.index.tolist()
    assert _Counted.compared < 2000


def test_nothing_is_asked_where_nothing_is_worth_asking(tmp_path: Path) -> None:
    """A label in force that is almost surely right, among many that say the same."""
    rows = [(f"r{i}", f"my refund is late number{i}", "train", "billing", "refund") for i in range(20)]
    rows += [(f"s{i}", f"internet so slow number{i}", "train", "network", "slow") for i in range(20)]
    sure = {"intent_action": "review", "intent_given_confidence": 0.999}
    done = perform(changed({"r3": sure}, rows), tmp_path)
    assert done.skipped is not None
    assert done.skipped.startswith("nothing is worth asking: an answer to any of 1 rows in doubt")


def test_thin_classes_get_a_row_each_before_the_others(tmp_path: Path) -> None:
    """Twelve sure labels of `slow`, and three of `refund`; many rows are likelier `slow`, one is `refund`."""
    slow = [(f"s{i}", f"the internet is slow tonight word{i}", "train", "network", "slow") for i in range(12)]
    refund = [row for row in ROWS if row[4] == "refund" and row[2] == "train"]
    unsure = [(f"u{i}", f"internet odd{i} strange{i}", "unlabeled", None, None) for i in range(12)]
    one = (
        "late",
        "refund bank promised odd99 and some more words that take a long while to be read by anybody",
        "unlabeled",
        None,
        None,
    )
    samples = make_table([*slow, *refund, *unsure, one])
    result = perform(samples, tmp_path, batch=4, random=0)
    assert "late" in set(sheet(result).index)
    assert result.metrics["for_thin_classes"] >= 1


def test_what_the_last_night_left_is_asked_if_the_row_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(stages.questions._SOURCES, "out_of_scope", 4.0)
    texts = {row[0]: row[1] for row in ROWS}

    def left(row_id: str, text: str) -> Question:
        return Question.about(
            row_id, text, detector="out_of_scope", reason="Unlike any row", doubt=0.9, task=None, belief="slow"
        )

    questions = [left("a1", texts["a1"]), left("a2", "another text by now"), left("gone", "x"), left("g1", texts["g1"])]
    result = perform(make_table(), tmp_path, questions)
    queue = sheet(result)
    assert queue.loc["a1", ["detector", "reason"]].tolist() == ["out_of_scope", "Unlike any row"]
    assert {"a2", "gone", "g1"}.isdisjoint(queue.index)
    assert result.metrics["detectors"]["out_of_scope"] == {"found": 1, "asked": 1, "beyond": 0}


def test_a_doubtful_paraphrase_is_shown_beside_its_source(tmp_path: Path) -> None:
    frame = table.to_pandas(make_table())
    made = frame.iloc[[0, 0]].assign(
        id=["p1", "p2"], text=["where is the return you swore", "where is the refund you promised"], source="paraphrase"
    )
    made = made.assign(parent_id="a1", label_agreement=[0.2, 0.9], used=True, intent_given=None, area_given=None)
    frame = pd.concat([frame, made.assign(weight=0.5)], ignore_index=True)
    queue = sheet(perform(table.from_pandas(table.resolve(frame, TASKS), TASKS), tmp_path))
    assert queue.loc["p1", "detector"] == "paraphrase"
    assert 'a paraphrase of "where is the refund that you promised me"' in queue.loc["p1", "reason"]


def test_what_is_like_junk_is_worth_less(tmp_path: Path) -> None:
    junk = [(f"j{i}", f"win money now prize{i}", "unlabeled", None, None) for i in range(12)]
    like = [
        ("x1", "win money now friend", "unlabeled", None, None),
        ("x2", "router blinks odd", "unlabeled", None, None),
    ]
    aside = {f"j{i}": {"status": "quarantined", "reason": "junk"} for i in range(12)}
    with_junk = sheet(perform(changed(aside, [*ROWS, *junk, *like]), tmp_path))
    without = sheet(perform(make_table([*ROWS, *like]), tmp_path / "without"))
    assert with_junk.loc["x1", "score"] < 0.5 * without.loc["x1", "score"]


def test_who_may_ask_can_be_named(tmp_path: Path) -> None:
    samples = changed({"a3": SUSPECT, "b2": REVIEW})
    assert sheet(perform(samples, tmp_path, sources=("suspect",))).index.tolist() == ["a3"]
    nobody = perform(samples, tmp_path / "none", sources=("dispute",))
    assert nobody.skipped == "nothing to ask"
    with pytest.raises(ConfigError, match='names "suspekt", which is unknown; did you mean "suspect"'):
        stages.check("active_learning", Config(sources=("suspekt",)))


def test_a_source_is_registered_once_and_by_name() -> None:
    assert {
        "suspect",
        "label_review",
        "possible_error",
        "dispute",
        "conflicting_copies",
        "uncertain",
        "paraphrase",
    } <= set(sources())
    with pytest.raises(ValueError, match='"suspect" is registered already'):
        stages.register_source("suspect", seconds=1)
    with pytest.raises(ValueError, match="expected more than 0"):
        stages.register_source("free", seconds=0)
    with pytest.raises(ContractError, match="no source"):
        stages.answer_seconds("nobody")


def test_weights_of_no_rows() -> None:
    assert gains.newly_settled(sparse.csr_array((0, 0)), np.zeros(0, bool), np.zeros(0)).shape == (0,)


def test_an_answer_that_does_not_stand_is_asked_again_and_what_nobody_can_answer_never() -> None:
    frame = table.to_pandas(make_table()).assign(ask_again=None, nobody_to_ask=False, intent_none=False)
    frame.loc[frame["id"] == "b1", "ask_again"] = "people_differ"
    frame.loc[frame["id"] == "u1", "nobody_to_ask"] = True
    frame.loc[frame["id"] == "u2", "intent_none"] = True
    inputs = QueueInputs(
        frame=frame, tasks=TASKS, task=TASKS[1], pool=np.zeros(0, np.int64), probabilities=np.zeros((0, 3)),
        picks=np.zeros(0, np.int64), questions=(), learned=True,
    )  # fmt: skip
    (doubts,) = sources()["ask_again"](inputs)
    assert doubts.first
    assert [(frame["id"][row], doubts.reason(row)) for row in doubts.rows] == [("b1", "People answered differently")]
    assert not inputs.eligible[frame.index[frame["id"] == "u1"]].any()
    assert not inputs.open(TASKS[1])[frame["id"].isin(["u1", "u2"])].any()


def test_the_committee_has_a_member_for_the_words(tmp_path: Path) -> None:
    result = perform(make_table(), tmp_path, strategy="committee")
    assert set(sheet(result).index) == {"u1", "u2"}
