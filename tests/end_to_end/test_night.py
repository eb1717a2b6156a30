"""A whole night through the command line, and what a person can do with it afterwards."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from datasets import load_from_disk

from tests.command_line import GOLD, ROWS, STAGES, Workspace, open_everything, unfinished
from tests.end_to_end.conftest import Night
from tilth.store import FIT_DATES, digest_tree

pytestmark = pytest.mark.slow  # a real night


def table(run: Path, name: str = "5-training") -> pd.DataFrame:
    return pd.read_parquet(run / f"{name}.parquet")


def test_a_line_a_stage_and_the_report_are_printed_and_nothing_of_the_libraries(night: Night) -> None:
    lines = night.done.stdout.splitlines()
    assert lines[0] == f"{ROWS} rows of inbox.csv + {GOLD} rows of gold.csv: {night.run}"
    assert [line.split()[0] for line in lines[1:6]] == STAGES
    assert all(re.search(r"\d+ rows in · \d+ out · .*\d\.\d s$", line) for line in lines[1:6])
    assert lines[-1] == f"report: {night.run / 'report.html'}"
    told = night.done.stderr.splitlines()
    assert [line for line in told if not line.startswith("tilth: ")] == []
    steps = ["reading the input", "starting", *STAGES, "closing"]  # of eight, so many are done when one begins
    shares = [f"{100 * done // 8:3} %  {step} (step {done + 1} of 8)" for done, step in enumerate(steps)]
    assert [line.removeprefix("tilth: ") for line in told if re.search(r"\(step \d of 8\)$", line)] == shares[1:]
    assert told[0] == "tilth:   0 %  reading the input"


def test_all_files_are_there_and_open(night: Night) -> None:
    expected = {f"{number}-{name}.parquet" for number, name in enumerate(["input", *STAGES])}
    expected |= {"votes.parquet", "queue.csv", "run.json", "report.html", "report.json", "model"}
    assert expected <= {path.name for path in night.run.iterdir()}
    assert open_everything(night.workspace.data) > len(expected)
    assert unfinished(night.workspace.data) == []
    assert (night.workspace.data / "runs/latest").resolve() == night.run.resolve()


def test_the_record_says_what_happened(night: Night) -> None:
    record = night.record
    assert record["run_id"] == night.run.name
    assert record["status"] == "completed"
    assert record["tilth"] == "0.1.0"
    passed = datetime.fromisoformat(record["finished"]) - datetime.fromisoformat(record["started"])
    assert abs(passed.total_seconds() - record["seconds"]) <= 2
    assert record["config"]["augmentation"]["sources"] == 12
    raw = night.workspace.data / "raw"
    assert [(item["path"], item["rows"], item["sha256"]) for item in record["inputs"]] == [
        (f"data/raw/{name}", rows, hashlib.sha256((raw / name).read_bytes()).hexdigest())
        for name, rows in (("inbox.csv", ROWS), ("gold.csv", GOLD))
    ]
    assert record["model"] == "model"
    assert set(record["ledger"]["gold"]) == set(STAGES)
    assert set(record["ledger"]["train"]) == set(STAGES[:3])
    assert record["ledger"]["train"]["augmentation"]["why_not"].startswith('augmentation.when = "always"')
    assert record["promoted"] is True
    assert record["promotion"] == "First night: this model is now the current one"
    f1 = np.mean([record["gold"][task]["macro_f1"] for task in ("area", "intent")])
    assert record["comparison"]["score"] == pytest.approx(f1, abs=2e-4)
    assert (record["comparison"]["kind"], record["comparison"]["rows"]) == ("gold", GOLD)


def test_the_record_counts_what_each_stage_did_as_the_tables_show_it(night: Night) -> None:
    before = table(night.run, "0-input")
    for number, entry in enumerate(night.record["stages"], 1):
        after = table(night.run, f"{number}-{entry['name']}")
        assert entry["name"] == STAGES[number - 1]
        assert (entry["rows_in"], entry["rows_out"]) == (len(before), len(after))
        assert entry["added"] == len(after) - len(before)
        known = before.set_index("id")["status"]
        fresh = after[after["status"] != after["id"].map(known).fillna("active")]
        for status in ("quarantined", "review"):
            assert entry[status] == fresh.loc[fresh["status"] == status, "reason"].value_counts().to_dict()
        assert entry["seconds"] >= 0
        assert entry["processor_seconds"] > 0
        assert (entry["cached"], entry["skipped"]) == (False, None)
        assert entry["metrics"]
        before = after
    assert night.record["stages"][2]["added"] > 0


def test_gold_figures_are_those_of_the_predictions_in_the_table(night: Night) -> None:
    gold = table(night.run)
    gold = gold[gold["split"] == "gold"]
    assert night.record["gold"]["rows"] == GOLD
    for task in ("area", "intent"):
        accuracy = float((gold[f"{task}_predicted"] == gold[f"{task}_given"]).mean())
        assert night.record["gold"][task]["accuracy"] == pytest.approx(accuracy, abs=1e-4)
        assert 0 < night.record["gold"][task]["macro_f1"] < 1


def test_the_carried_state_is_named_by_its_digest(night: Night) -> None:
    assert night.record["carried"]["in"] == {}
    left = {name for name in night.record["carried"]["out"] if not name.endswith(".fits")}
    assert left == {"weak_supervision", "augmentation"}
    for digest in night.record["carried"]["out"].values():
        assert digest_tree(night.workspace.data / "state" / digest, without=(FIT_DATES,)) == digest


def test_the_report_fetches_nothing(night: Night) -> None:
    html = (night.run / "report.html").read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href|url|action|@import)\s*[=(]?\s*["']?\s*(?:https?:)?//[^\s"')]+""", html)
    assert night.record["run_id"] in html


def test_every_row_of_the_input_is_in_the_last_table(night: Night) -> None:
    raw = [pd.read_csv(night.workspace.data / "raw" / name) for name in ("inbox.csv", "gold.csv")]
    ids = [row_id for frame in raw for row_id in frame["id"]]
    assert table(night.run)["id"].tolist()[: len(ids)] == ids
    assert table(night.run)["intent_predicted"].notna().all()


def test_export_reads_back_equal_in_all_four_kinds(night: Night, tmp_path: Path) -> None:
    found = {}
    for name in ("rows.csv", "rows.jsonl", "rows.parquet", "rows"):
        done = night.workspace("export", str(tmp_path / name))
        assert done.returncode == 0, done.stderr
        found[name] = done.stdout.split()[0]
    frames = [
        pd.read_csv(tmp_path / "rows.csv"),
        pd.read_json(tmp_path / "rows.jsonl", lines=True, dtype=False),
        pd.read_parquet(tmp_path / "rows.parquet"),
        load_from_disk(str(tmp_path / "rows"))["train"].to_pandas(),
    ]
    for frame in frames[2:]:  # classes are numbers there, with their names beside them
        for task in night.record["tasks"]:
            frame[task["name"]] = frame[task["name"]].map(dict(enumerate(task["labels"])))
    last = table(night.run)
    taken = last["status"].eq("active") & last["split"].ne("gold") & last["used"].ne(False)
    taken &= last["intent"].notna() | last["area"].notna()
    assert frames[0]["id"].tolist() == last.loc[taken, "id"].tolist()
    assert set(found.values()) == {str(int(taken.sum()))}
    for frame in frames:
        assert list(frame.columns) == list(frames[2].columns)
        for column in frame:
            here, there = frame[column], frames[2][column]
            if there.dtype.kind == "f":
                np.testing.assert_allclose(here.astype(float), there.astype(float), atol=1e-9)
            else:
                assert (
                    here.astype(object).where(here.notna(), None).tolist()
                    == there.astype(object).where(there.notna(), None).tolist()
                )


def test_predict_answers_as_the_table_says(night: Night) -> None:
    rows = table(night.run).head(3)
    done = night.workspace("predict", *rows["text"])
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    for task in ("area", "intent"):
        assert [answer[task]["label"] for answer in answers] == rows[f"{task}_predicted"].tolist()
        expected = rows[f"{task}_predicted_confidence"].tolist()
        assert [answer[task]["confidence"] for answer in answers] == pytest.approx(expected, abs=1e-3)
    assert night.workspace("predict", input="one\ntwo\n").stdout.count("\n") == 2


def test_predict_answers_a_file_as_the_night_did(night: Night, tmp_path: Path) -> None:
    done = night.workspace("predict", "--input", "data/raw/inbox.csv", "--out", str(tmp_path / "out.parquet"))
    assert done.returncode == 0, done.stderr
    rows, found = table(night.run).set_index("id"), pd.read_parquet(tmp_path / "out.parquet").set_index("id")
    assert len(found) == ROWS
    assert (
        found.columns[: found.shape[1] - 4].tolist()
        == pd.read_csv(night.workspace.data / "raw/inbox.csv", nrows=1).columns.drop("id").tolist()
    )
    answered = found[found["intent_predicted"].notna()]
    assert len(answered) > ROWS - 5  # some messages of the demo are empty
    for task in ("area", "intent"):
        assert answered[f"{task}_predicted"].tolist() == rows.loc[answered.index, f"{task}_predicted"].tolist()


def test_report_is_written_again(night: Night) -> None:
    done = night.workspace("report")
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).resolve() == (night.run / "report.html").resolve()


def test_a_dry_run_tells_the_caches_and_writes_nothing(night: Night, tmp_path: Path) -> None:
    warm = night.workspace.copy(tmp_path / "warm")
    before = warm.tree()
    lines = warm("run", "--dry-run", "--skip", "training").stdout.splitlines()
    counts = [entry["rows_in"] for entry in night.record["stages"]]
    for name, count, told in zip(STAGES[:4], counts, lines[1:5], strict=False):
        assert re.fullmatch(rf"{name} +runs on {count} rows; from the cache: .*/cache/stages/\w+", told)
    assert re.fullmatch(r"training +does not run: not asked for", lines[5])
    assert lines[6] == f"embeddings: {ROWS + GOLD} of {ROWS + GOLD} texts are in {warm.data / 'cache'}"
    changed = json.loads(warm("run", "--dry-run", "--json", "--set", "augmentation.sources=11").stdout)["stages"]
    assert [row["cached"] for row in changed] == [True, True, False, None, None]
    assert [row["after"] for row in changed] == [None, None, None, "augmentation", "augmentation"]
    assert warm.tree() == before


def test_the_same_night_in_a_fresh_copy_with_an_empty_cache_gives_the_same_tables(night: Night, tmp_path: Path) -> None:
    again = night.workspace.copy(tmp_path / "again", warm=False)
    done = again("run", "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record == again.record()
    assert not any(entry["cached"] for entry in record["stages"])
    assert record["carried"] == night.record["carried"]
    for name in ["0-input", *(f"{number}-{stage}" for number, stage in enumerate(STAGES, 1)), "votes"]:
        first, second = table(night.run, name), table(again.runs[-1], name)
        pd.testing.assert_frame_equal(first, second, check_exact=False, rtol=0, atol=1e-4)


def test_a_second_identical_night_is_the_first_from_the_cache(warm: Workspace, night: Night) -> None:
    for _ in range(2):  # the second of them finds a run before it, with what that carries over
        done = warm("run", "--json")
        assert done.returncode == 0, done.stderr
        assert [entry["cached"] for entry in json.loads(done.stdout)["stages"]] == [True] * 5
        pd.testing.assert_frame_equal(table(warm.runs[-1]), table(night.run))
    assert warm.record()["carried"] == night.record["carried"]
    assert warm.record()["promoted"] is True
    assert warm.record()["comparison"]["against"] == warm.runs[-2].name
    assert warm.record()["comparison"]["interval"] == [0, 0]


def test_a_part_of_a_night_runs_what_was_asked_for_and_is_never_promoted(warm: Workspace, night: Night) -> None:
    assert warm("run", "--to", "weak_supervision", "--skip", "cleaning").returncode == 0
    skipped = [entry["skipped"] for entry in warm.record()["stages"]]
    assert skipped == ["not asked for", None, "not asked for", "not asked for", "not asked for"]
    assert not list(warm.runs[-1].glob("1-*"))
    assert warm.record()["promoted"] is False
    assert not (warm.data / "runs/latest").exists()
    refused = warm("run", "--from", "active_learning")
    assert refused.returncode == 2
    assert "tilth run --to augmentation" in refused.stderr


def test_a_night_from_a_stage_takes_what_an_earlier_run_left(warm: Workspace, night: Night) -> None:
    assert warm("run").returncode == 0
    done = warm("run", "--from", "training", "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert [entry["skipped"] for entry in record["stages"]] == [f"taken from run {warm.runs[0].name}"] * 4 + [None]
    assert record["stages"][4]["cached"] is True
    assert {"votes.parquet", "queue.csv"} <= {path.name for path in warm.runs[-1].iterdir()}
    pd.testing.assert_frame_equal(table(warm.runs[-1]), table(night.run))
    assert (warm.data / "runs/latest").resolve() == warm.runs[0].resolve()


def test_votes_of_several_annotators_become_labels_and_a_table_of_their_skill(warm: Workspace) -> None:
    inbox = pd.read_csv(warm.data / "raw/inbox.csv", dtype=str)
    labeled = inbox[inbox["intent"].notna()].head(80)
    intents = sorted(labeled["intent"].unique())
    said = {
        "ann": labeled["intent"],
        "bob": labeled["intent"].where(labeled.index % 4 != 0, intents[0]),
        "cy": labeled["intent"].where(labeled.index % 2 != 0, intents[1]),
    }
    parts = [pd.DataFrame({"id": labeled["id"], "annotator": name, "intent": votes}) for name, votes in said.items()]
    pd.concat(parts).to_csv(warm.root / "votes.csv", index=False)
    done = warm("run", "--annotations", "votes.csv", "--to", "cleaning")
    assert done.returncode == 0, done.stderr
    consensus = warm.record()["stages"][0]["metrics"]["tasks"]["intent"]["consensus"]
    # The inbox's own labels are one more voice.
    assert {one["annotator"] for one in consensus["annotators"]} == {"ann", "bob", "cy", "given"}
    skill = {one["annotator"]: one["skill"] for one in consensus["annotators"]}
    assert skill["ann"] > skill["bob"] > skill["cy"]
    assert [item["split"] for item in warm.record()["inputs"]] == ["train", "annotations", "gold"]
    assert "Annotators: intent" in (warm.runs[-1] / "report.html").read_text(encoding="utf-8")
    rows = table(warm.runs[-1], "1-cleaning").set_index("id")
    assert json.loads(rows.loc[labeled["id"].iloc[0], "intent_annotations"])["ann"] == labeled["intent"].iloc[0]


def test_the_queue_is_worth_a_persons_time_by_the_truth(night: Night) -> None:
    """Of fifty two at most ask for nothing, most suspects are wrong, every label in review is counted."""
    queue = pd.read_csv(night.run / "queue.csv").set_index("id")
    truth = pd.read_csv(Path(__file__).parents[2] / "data/raw/truth.csv").set_index("id")
    frame = table(night.run, "4-active_learning").set_index("id")
    assert len(queue) == 50
    kinds = truth["kind"].reindex(queue.index)  # paraphrases are none of the truth's rows
    assert kinds.isin(["junk", "no_request"]).sum() <= 2
    suspects = queue.index[queue["detector"].isin(["suspect", "label_review"])]
    wrong = np.zeros(len(suspects), dtype=bool)
    for task in ("area", "intent"):
        given = frame.loc[suspects, f"{task}_given"]
        wrong |= (given.notna() & given.ne(truth.loc[suspects, task])).to_numpy()
    assert wrong.sum() >= len(suspects) / 2  # so few labels may leave no suspect
    counts = next(one for one in night.record["stages"] if one["name"] == "active_learning")["metrics"]["detectors"]
    active = frame["status"].eq("active") & frame["source"].eq("input") & frame["split"].ne("gold")
    review = frame["area_action"].eq("review") | frame["intent_action"].eq("review")
    assert counts["label_review"]["found"] == (active & review).sum()
    assert counts["label_review"]["asked"] == review[queue.index].sum()
    assert counts["label_review"]["beyond"] == counts["label_review"]["found"] - counts["label_review"]["asked"]
    assert counts["random"]["asked"] == 5
