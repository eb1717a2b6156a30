"""A row that is forgotten stands nowhere any more, and does not come back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.small_table import TASKS, make_table
from tilth import night, reports, store
from tilth.errors import RequestError, WorkspaceBusyError
from tilth.io import read_rows
from tilth.io.exports.csv_writer import write_csv
from tilth.samples import from_pandas, to_pandas
from tilth.store import Run, Vectors, Workspace
from tilth.store.answers import Answer, Answers, back_up

SECRET = "where is the refund that you promised me"
"""The text of row a1."""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """One night with a paraphrase of a1, a queue, votes, a record with a figure, a page, caches, state and answers."""
    (tmp_path / "tilth.toml").write_text("")
    found = Workspace(
        root=tmp_path, config=tmp_path / "tilth.toml", data=tmp_path / "data", runs=tmp_path / "data/runs"
    )
    frame = to_pandas(make_table())
    drawn = frame.iloc[[0]].assign(id="a1~p1", text="repay me please now", source="paraphrase", parent_id="a1")
    frame = pd.concat([frame, drawn], ignore_index=True)
    frame["duplicate_of"] = [None, "a1", *[None] * (len(frame) - 2)]
    figure = {
        "kind": "table",
        "title": "Disputed",
        "data": {"columns": ["id", "text"], "rows": [["a1", SECRET], ["b1", "the internet is very slow"]]},
        "note": "",
    }
    stage = {"name": "weak_supervision", "metrics": {"left_out": {"f": f'raises on "{SECRET}"'}}, "figures": [figure]}
    record = {"tasks": [task.to_json() for task in TASKS], "stages": [stage], "inputs": []}
    run = Run.create(found.runs, record)
    store.write_table(run.path / "3-augmentation.parquet", from_pandas(frame, TASKS))
    pd.DataFrame({"id": frame["id"], "intent.f": -1}).to_parquet(run.path / "votes.parquet", index=False)
    queue = pd.DataFrame({"id": ["a1", "u2"], "text": [SECRET, "red light again"], "group": ["", '["a1", "u1"]']})
    write_csv(queue, run.path / "queue.csv")
    run.finish("completed")
    reports.write(run.path)
    vectors = Vectors(found.cache / "embeddings" / "0")
    vectors.of([SECRET, "red light again"], lambda texts: np.ones((len(texts), 2), dtype=np.float32))
    (found.cache / "stages" / "x").mkdir(parents=True)
    (found.cache / "stages" / "x" / "result.json").write_text(SECRET)
    for name, text in (("s1", SECRET), ("s2", "nothing of it")):
        (found.state / name).mkdir(parents=True)
        (found.state / name / "questions.json").write_text(json.dumps([text]))
    fits = store.Fits()
    fits.arrays("probes", np.arange(3, dtype=np.uint64), lambda: {"weight": np.zeros(2)})
    fits.write(found.state / "s3")
    with Answers.open(found.data / "labels.sqlite") as answers:
        answers.add([Answer(row_id="a1", text=SECRET, task="intent", label="slow")], "ann")
        answers.add([Answer(row_id="b1", text="x", task="intent", label="slow")], "ann")
    back_up(found.data / "labels.sqlite", keep=3, day="2026-01-01")
    return found


def everything(workspace: Workspace) -> str:
    """All that stands in the data folder, tables decompressed."""
    parts = []
    for path in sorted(workspace.data.rglob("*")):
        if path.is_file() and path.stat().st_size and not path.name.endswith("-shm"):  # SQLite's own, of no content
            readable = str(pq.read_table(path).to_pylist()) if path.suffix == ".parquet" else ""
            parts.append(readable or path.read_bytes().decode("utf-8", "replace"))
    return "\n".join(parts)


def test_a_row_and_all_that_came_of_it_are_gone(workspace: Workspace) -> None:
    assert SECRET in everything(workspace)
    found = night.forget(workspace, ["a1"])
    left = everything(workspace)
    assert SECRET not in left
    assert "repay me please" not in left
    assert '"a1"' not in left
    assert "'a1'" not in left
    assert found.counts == {
        "rows in tables of nights": 4,  # a1 and its paraphrase, in the table and among the votes
        "lines of queues": 1,
        "places in records": 2,
        "answers": 1,
        "answers in backups": 1,
        "vectors": 1,
        "cached results, which the next night computes again": 1,
        "carried states that name them, which start afresh": 1,
        "carried models of all rows, which are fitted anew": 1,
        "report pages, written again without them": 1,
    }
    (run,) = store.all_runs(workspace.runs)
    table = to_pandas(store.read_table(run.path / "3-augmentation.parquet"))
    assert len(table) == 12 - 1
    assert table["duplicate_of"].isna().all()
    assert (run.path / "report.html").exists()
    assert run.record["stages"][0]["figures"][0]["data"]["rows"] == [["b1", "the internet is very slow"]]
    assert pd.read_csv(run.path / "queue.csv")["group"].tolist() == ['["u1"]']
    assert len(Vectors(workspace.cache / "embeddings" / "0")) == 1
    assert [path.name for path in workspace.state.iterdir()] == ["s2"]
    with Answers.open(workspace.data / "labels.sqlite") as answers:
        assert answers.current()["row_id"].tolist() == ["b1"]
    assert store.tombstones(workspace.data) == {store.digest("a1")}


def test_a_dry_run_removes_nothing_and_counts_the_same(workspace: Workspace) -> None:
    before = everything(workspace)
    told = night.forget(workspace, ["a1"], dry_run=True)
    assert everything(workspace) == before
    assert told.counts == night.forget(workspace, ["a1"]).counts


def test_a_row_that_stands_nowhere_is_told_and_nothing_goes(workspace: Workspace) -> None:
    before = everything(workspace)
    with pytest.raises(RequestError, match=r'no row "a99".*valid: a1, b1'):
        night.forget(workspace, ["b1", "a99"], known=["a1", "b1"])
    assert everything(workspace) == before


@pytest.mark.parametrize("text", ["", "it is"])
def test_a_short_text_or_none_takes_no_page_of_another_night(workspace: Workspace, text: str) -> None:
    """A night whose tables `tilth clean` removed cannot write its page anew: it stays, unless it shows the row."""
    cleaned = workspace.runs / "20260101-020000"
    cleaned.mkdir()
    (cleaned / "run.json").write_text('{"status": "completed"}')
    (cleaned / "report.html").write_text("<td>what it is about</td>")
    with Answers.open(workspace.data / "labels.sqlite") as answers:
        answers.add([Answer(row_id="a1", text=text, task="intent", label="slow")], "ann")
    night.forget(workspace, ["a1"])
    assert (cleaned / "report.html").read_text() == "<td>what it is about</td>"


def test_a_text_is_found_as_a_page_spells_it(workspace: Workspace) -> None:
    cleaned = workspace.runs / "20260101-020000"
    cleaned.mkdir()
    (cleaned / "run.json").write_text('{"status": "completed"}')
    (cleaned / "report.html").write_text("<td>he said &#34;no refund&#34; &amp; left</td>")
    with Answers.open(workspace.data / "labels.sqlite") as answers:
        answers.add([Answer(row_id="a1", text='he said "no refund" & left', task="intent", label="slow")], "ann")
    night.forget(workspace, ["a1"])
    assert "no refund" not in (cleaned / "report.html").read_text()


def test_who_asks_twice_is_told_that_nothing_is_left(workspace: Workspace) -> None:
    night.forget(workspace, ["a1"])
    assert night.forget(workspace, ["a1"]).counts == {}
    with pytest.raises(RequestError, match='no row "a9"'):
        night.forget(workspace, ["a1", "a9"])


def test_while_a_night_is_at_work_nothing_is_forgotten(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from tilth.cli import main

    (workspace.root / "tilth.toml").write_text('[data]\ninput = ["in.csv"]\n[[tasks]]\nname = "intent"\n')
    (workspace.root / "in.csv").write_text(f"id,text,intent\na1,{SECRET},refund\nb1,so slow,slow\n")
    monkeypatch.chdir(workspace.root)
    with workspace.lock():
        assert main(["forget", "a1"]) == WorkspaceBusyError.exit_status
    assert SECRET in everything(workspace)
    assert main(["forget", "a1"]) == 0


def test_a_short_text_takes_no_word_of_the_record_with_it(workspace: Workspace) -> None:
    (run,) = store.all_runs(workspace.runs)
    table = to_pandas(store.read_table(run.path / "3-augmentation.parquet"))
    table["text"] = table["text"].mask(table["id"].eq("u1"), "slow")  # a label, and part of "the internet is very slow"
    store.write_table(run.path / "3-augmentation.parquet", from_pandas(table, TASKS))
    [stage], before = run.record["stages"], run.record
    rows = [*stage["figures"][0]["data"]["rows"], ["x", "slow"], {"text": "slow"}, {"text": 'say "slow"'}]
    run.update(stages=[{**stage, "figures": [{"data": {"columns": ["id", "text"], "rows": rows}}]}])
    night.forget(workspace, ["u1"])
    assert run.record["tasks"] == before["tasks"]
    assert run.record["status"] == "completed"
    assert run.record["stages"][0]["figures"][0]["data"]["rows"] == stage["figures"][0]["data"]["rows"]


def test_answers_in_backups_go_where_the_file_itself_is_lost(workspace: Workspace) -> None:
    (workspace.data / "labels.sqlite").unlink()
    assert night.forget(workspace, ["a1"]).counts["answers in backups"] == 1
    assert SECRET not in everything(workspace)


def test_long_texts_and_lone_carriage_returns_of_a_queue_stay_as_they_are(workspace: Workspace) -> None:
    (run,) = store.all_runs(workspace.runs)
    texts = ["long " * 50_000, "one\rtwo", SECRET]
    write_csv(pd.DataFrame({"id": ["u1", "b1", "a1"], "text": texts}), run.path / "queue.csv")
    night.forget(workspace, ["a1"])
    assert read_rows("queue.csv", run.path)[0]["text"].tolist() == texts[:2]


def test_what_the_input_still_holds_is_left_out_and_told(workspace: Workspace) -> None:
    from tilth.config import load
    from tilth.io import ingest

    (workspace.root / "in.csv").write_text(f"id,text,intent\na1,{SECRET},refund\nb1,so slow,slow\n")
    night.forget(workspace, ["a1"])
    settings = load(None, {"data.input": ["in.csv"], "tasks": [{"name": "intent"}]}, {})
    found = ingest(settings, workspace.root, workspace=workspace)
    assert found.samples["id"][:] == ["b1"]
    assert [(note.kind, note.count) for note in found.notes if note.kind == "forgotten_rows"] == [("forgotten_rows", 1)]
