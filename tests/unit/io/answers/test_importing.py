"""A filled queue is taken as a whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.small_table import TASKS, make_table
from tilth import store
from tilth.errors import InputError, RequestError
from tilth.io.answers import KnownRows, import_answers, known_rows, run_with_queue, shown_of_rows
from tilth.io.exports.csv_writer import write_csv
from tilth.io.exports.queue_files import write_queue
from tilth.io.tables.readers import read_rows
from tilth.samples import from_pandas, to_pandas
from tilth.store import Run
from tilth.store.answers import Answers

KNOWN = KnownRows(
    texts={"a": "refund please", "b": "so slow", "c": "red light", "d": "=SUM(A1)"},
    gone={"old": "was here once", "a~p1": "repay please"},
    shown={"a": {"intent": {"given": "slow", "suspect": True}}, "a~p1": {"intent": {"parent_id": "a"}}},
)


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[Answers]:
    with Answers.open(tmp_path / "labels.sqlite") as file:
        yield file


def take(answers: Answers, rows: list[dict[str, object]], **options: bool) -> dict[str, object]:
    frame = pd.DataFrame(rows, dtype=object)
    return import_answers(frame, "q.csv", KNOWN, TASKS, answers, "ann", **options).to_json()


def said(answers: Answers) -> list[tuple[str, str, str, object, str]]:
    found = answers.current()[["row_id", "task", "verdict", "label", "who"]]
    return list(found.itertuples(index=False, name=None))


def test_classes_and_words_are_taken_with_what_was_shown(answers: Answers) -> None:
    rows: list[dict[str, object]] = [
        {
            "id": "a",
            "text": "refund please",
            "detector": "suspect",
            "intent_answer": " refund ",
            "area_answer": "billing",
        },
        {"id": "b", "text": "so slow now", "intent_answer": "None_of_these", "note": "hm"},
        {"id": "c", "text": "red light", "intent_answer": "UNCLEAR", "annotator": "bob"},
        {"id": "d", "text": "=SUM(A1)", "intent_answer": "", "area_answer": "junk"},
        {"id": "old", "text": "was here once", "intent_answer": "slow"},
        {"id": "a~p1", "intent_answer": "wrong paraphrase"},
        {"id": "zzz", "text": "nobody answered this", "intent_answer": ""},
    ]
    report = take(answers, rows)
    assert report == {
        "answers": 7,
        "rows": 6,
        "unanswered": 1,
        "for_copies": 0,
        "repeated": 0,
        "gone": 1,
        "text_changed": 1,
        "left_out": [],
    }
    assert said(answers) == [
        ("a", "area", "label", "billing", "ann"),
        ("a", "intent", "label", "refund", "ann"),
        ("b", "intent", "none_of_these", None, "ann"),
        ("d", "", "junk", None, "ann"),
        ("old", "intent", "label", "slow", "ann"),
        ("a~p1", "", "wrong_paraphrase", None, "ann"),
        ("c", "intent", "unclear", None, "bob"),
    ]
    assert answers.history("a")[0]["shown"] == {"detector": "suspect", "given": "slow", "suspect": True}
    assert answers.history("a~p1")[0]["shown"] == {"parent_id": "a"}
    assert answers.history("b")[0]["note"] == "hm"


def test_an_answer_stands_for_near_copies_too(answers: Answers) -> None:
    report = take(answers, [{"id": "a", "group": '["b", "c"]', "intent_answer": "refund"}])
    assert (report["answers"], report["for_copies"]) == (3, 2)
    assert [(one[0], one[3]) for one in said(answers)] == [("a", "refund"), ("b", "refund"), ("c", "refund")]
    assert answers.history("b")[0]["shown"]["answered_for"] == "a"


def test_the_same_file_twice_is_stored_once(answers: Answers) -> None:
    rows: list[dict[str, object]] = [{"id": "a", "intent_answer": "refund"}, {"id": "a", "intent_answer": "refund"}]
    assert take(answers, rows)["repeated"] == 1
    assert take(answers, rows) | {"answers": 0, "rows": 0} == {
        "answers": 0,
        "rows": 0,
        "unanswered": 0,
        "for_copies": 0,
        "repeated": 2,
        "gone": 0,
        "text_changed": 0,
        "left_out": [],
    }
    assert len(answers) == 1


BAD = [
    ({"id": "x9", "intent_answer": "refund"}, 'row 2: no row "x9"'),
    ({"id": "b", "intent_answer": "refnud"}, '"refnud" is no class of task "intent"; did you mean "refund"?'),
    ({"id": None, "intent_answer": "refund"}, "row 2: an answer without an id"),
    ({"id": "b", "intent_answer": "refund", "group": "[b"}, "expected a JSON list of ids"),
    ({"id": "a", "intent_answer": "outage"}, 'row 1 and q.csv, row 2: ann answers "slow" and "outage" to row "a"'),
    (
        {"id": "b", "intent_answer": "refund", "area_answer": "network"},
        'intent "refund" is of area "billing", and area_answer says "network"',
    ),
    ({"id": "a", "intent_answer": "junk"}, 'row "a" is answered "junk" and "slow" at once'),
    ({"id": "b", "intent_answer": "wrong paraphrase"}, 'row 2: row "b" is of the input, and no paraphrase'),
]


@pytest.mark.parametrize(("bad", "words"), BAD)
def test_one_wrong_answer_stops_all_of_them(answers: Answers, bad: dict[str, object], words: str) -> None:
    good: dict[str, object] = {"id": "a", "intent_answer": "slow"}
    with pytest.raises(InputError, match="1 answer cannot be taken, so that none of the file is") as error:
        take(answers, [good, bad])
    assert words in str(error.value)
    assert len(answers) == 0
    report = take(answers, [good, bad], skip_bad=True)
    assert (report["answers"], report["unanswered"]) == (1, 0)
    assert len(report["left_out"]) == 1  # type: ignore[arg-type]
    assert len(answers) == 1


def test_of_many_ids_a_few_are_named(answers: Answers) -> None:
    known = KnownRows(texts={f"m{n:04}": "text" for n in range(2000)})
    with pytest.raises(InputError, match=r"valid: m0000, .*, m0029 and 1,970 more$"):
        import_answers(pd.DataFrame([{"id": "zzz", "intent_answer": "slow"}]), "q.csv", known, TASKS, answers, "ann")


def test_the_nearest_id_is_searched_for_the_problems_that_are_named(answers: Answers) -> None:
    known = KnownRows(texts={f"m{n:04}": "text" for n in range(2000)})
    frame = pd.DataFrame({"id": [f"z{n:04}" for n in range(500)], "intent_answer": "slow"})
    report = import_answers(frame, "q.csv", known, TASKS, answers, "ann", skip_bad=True)
    assert sum("see the ids of the input" in problem for problem in report.left_out) == 490


@pytest.mark.parametrize(
    ("columns", "words"), [(["ID", "intent_answer"], 'no column "id"'), (["id", "answer"], "no column of answers")]
)
def test_a_column_that_is_missing_is_named(answers: Answers, columns: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        take(answers, [dict.fromkeys(columns, "a")])


def test_a_dry_run_stores_nothing(answers: Answers) -> None:
    assert take(answers, [{"id": "a", "intent_answer": "slow"}], dry_run=True)["answers"] == 1
    assert len(answers) == 0


def test_a_disk_that_fills_up_amid_an_import_leaves_nothing_of_it(answers: Answers) -> None:
    pages = answers._connection.execute("PRAGMA page_count").fetchone()[0]
    answers._connection.execute(f"PRAGMA max_page_count = {pages}")
    rows: list[dict[str, object]] = [{"id": "a", "intent_answer": "slow", "annotator": f"p{n}"} for n in range(300)]
    with pytest.raises(RequestError, match="no room"):
        take(answers, rows)
    assert len(answers) == 0


def night(runs: Path) -> Run:
    """A night with a queue of two rows, one of which a function voted on, and one a paraphrase."""
    frame = to_pandas(make_table())
    frame["is_intent_issue"] = frame["id"].eq("b1")
    frame["intent_suggested"] = frame["intent_given"].where(frame["id"].ne("b1"), "outage")
    for name, before in (("doubt", -12.34567), ("weak_confidence_before_answers", 0.75)):
        frame[f"intent_{name}"] = np.where(frame["id"].eq("b1"), before, np.nan)
    run = Run.create(runs, {"tasks": [task.to_json() for task in TASKS]})
    store.write_table(run.path / "4-active_learning.parquet", from_pandas(frame, TASKS))
    votes = pd.DataFrame({"id": frame["id"], "intent.says_slow": -1, "intent.says_red": -1}).astype({"id": object})
    votes.loc[votes["id"].eq("b1"), ["intent.says_slow", "intent.says_red"]] = [1, 2]
    votes.to_parquet(run.path / "votes.parquet", index=False)
    queue = pd.DataFrame(
        {
            "rank": [1, 2],
            "id": ["b1", "d"],
            "text": ["the internet is very slow in the evening", "=SUM(A1)"],
            "detector": ["suspect", "uncertain"],
            "group": ['["b2"]', ""],
            "intent_suggested": ["outage", "refund"],
            "score": [0.5, 0.25],
            "intent_answer": ["", ""],
        }
    )
    write_csv(queue, run.path / "queue.csv")
    return run


def test_what_a_night_believed_stands_beside_its_rows(tmp_path: Path) -> None:
    run = night(tmp_path)
    found = shown_of_rows(run, ["b1", "a1", "unknown"])
    assert set(found) == {"b1", "a1"}
    assert found["b1"]["intent"] == {
        "run": run.path.name,
        "given": "slow",
        "label": "slow",
        "origin": "given",
        "confidence": 1.0,
        "suspect": True,
        "doubt": -12.3457,
        "suggested": "outage",
        "weak_confidence_before_answers": 0.75,
        "functions": {"says_slow": "slow", "says_red": "outage"},
    }
    assert "suspect" not in found["a1"]["intent"]


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_queue_goes_out_and_comes_back(tmp_path: Path, answers: Answers, ending: str) -> None:
    run = night(tmp_path / "runs")
    target = tmp_path / f"ask.{ending}"
    assert write_queue(run_with_queue(tmp_path / "runs"), target) == 2
    with pytest.raises(RequestError, match="--force to write over it"):
        write_queue(run, target)
    assert b"'=SUM" in target.read_bytes() if ending == "csv" else b'"=SUM' in target.read_bytes()
    filled, _ = read_rows(target.name, tmp_path)
    filled["intent_answer"] = ["outage", "refund"]
    if ending == "csv":
        write_csv(filled, target)
        filled, _ = read_rows(target.name, tmp_path)
    texts = {"b1": "the internet is very slow in the evening", "d": "=SUM(A1)"}
    known = known_rows(filled, texts, tmp_path / "runs", run)
    assert known.gone == {"b2": "slow internet and buffering again tonight"}
    report = import_answers(filled, "ask", known, TASKS, answers, "ann")
    assert (report.answers, report.for_copies, report.gone, report.text_changed) == (3, 1, 1, 0)
    assert answers.history("b1")[0]["shown"]["functions"]["says_red"] == "outage"
    assert answers.history("b1")[0]["shown"]["detector"] == "suspect"


def test_without_a_queue_it_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="tilth run --to active_learning"):
        run_with_queue(tmp_path)
    with pytest.raises(RequestError, match=r'"\.xlsx" is no kind of file'):
        write_queue(night(tmp_path), tmp_path / "a.xlsx")
