from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from datasets import Dataset
from snorkel.labeling import LabelingFunction

import tilth
from tests.labeling import apply_function, failed_examples
from tests.small_table import TASKS, HashingEncoder
from tilth import samples as table
from tilth import stage as stages
from tilth.learn.shared_features import Evidence
from tilth.store import Cache, digest_table
from tilth.weak_supervision import Config
from tilth.weak_supervision.functions.history import FunctionRecord, read_history, write_history
from tilth.weak_supervision.functions.loader import LoadedFunction, LoadedFunctions, Problem, load_functions
from tilth.weak_supervision.models.label_model import (
    function_trust,
    majority_vote,
    measure_accuracies,
    smooth_accuracies,
    snorkel_probabilities,
)
from tilth.weak_supervision.voting.applier import UnknownLabelError, vote
from tilth.weak_supervision.voting.data_points import Row, RowSimilarities, build_rows

INTENT = TASKS[1]
HEAD = "from snorkel.labeling import labeling_function\nimport tilth\nTASK = 'intent'\n"


def function(name: str, body: Any) -> LoadedFunction:
    return LoadedFunction(task="intent", name=name, function=LabelingFunction(name, body), fingerprint=name)


def word(name: str, term: str, label: Any) -> LoadedFunction:
    return function(name, lambda x: label if term in x.text else None)


GOOD = (word("refund", "refund", "refund"), word("slow", "slow", "slow"), word("red", "red light", "outage"))


def perform(
    samples: Dataset, folder: Path, *loaded: Any, carried: Path | None = None, **config: Any
) -> stages.StageResult:
    (folder / "scratch").mkdir(parents=True)
    evidence = Evidence(samples, encoder=HashingEncoder(), cache=Cache(folder / "cache"))  # type: ignore[arg-type]
    resources = stages.Resources(
        tasks=TASKS, seed=0, evidence=evidence, scratch=folder / "scratch", carried=carried, labeling_functions=loaded
    )
    return stages.perform("weak_supervision", samples, Config(**config), resources)


def rows(*texts: str) -> list[Row]:
    encoder = HashingEncoder()
    vectors = RowSimilarities(lambda: encoder.encode(texts), encoder.encode)
    return build_rows(pd.DataFrame({"text": list(texts), "meta.channel": ["chat"] * len(texts)}), vectors)


def test_an_integer_is_a_place_only_where_the_labels_are_fixed() -> None:
    by_place, by_numpy = function("place", lambda x: 1), function("numpy", lambda x: np.int64(2))
    beyond = function("beyond", lambda x: 3)
    fixed = replace(INTENT, fixed=True)
    asked = rows("where is it", "so slow")
    assert vote(by_place, fixed, asked).votes.tolist() == [1, 1]
    assert vote(by_numpy, fixed, asked).votes.tolist() == [2, 2]
    for one, task in ((by_place, INTENT), (beyond, fixed)):
        with pytest.raises(UnknownLabelError, match="from 0 to 2 serves only where the config fixes"):
            vote(one, task, asked)


def test_loading_names_what_is_left_out(tmp_path: Path) -> None:
    body = "@labeling_function()\ndef one(x):\n    return 'slow'\n"
    (tmp_path / "a_good.py").write_text(HEAD + body)
    (tmp_path / "b_again.py").write_text(HEAD + body)
    (tmp_path / "c_broken.py").write_text("import no_such_module_at_all\n")
    (tmp_path / "d_other.py").write_text(HEAD.replace("'intent'", "'intnet'") + body)
    (tmp_path / "e_none.py").write_text(body.replace("@labeling_function()\n", ""))
    (tmp_path / "_helper.py").write_text("raise ValueError\n")
    loaded = load_functions(tmp_path, TASKS)
    assert [(one.task, one.name) for one in loaded.functions] == [("intent", "one")]
    found = {problem.where: problem.why for problem in loaded.problems}
    assert set(found) == {"b_again.py:one", "c_broken.py", "d_other.py", "e_none.py"}
    assert 'did you mean "intent"' in found["d_other.py"]
    assert "ModuleNotFoundError" in found["c_broken.py"]
    assert 'TASK = "intent"' in found["e_none.py"]


def test_the_fingerprint_follows_the_source(tmp_path: Path) -> None:
    assert load_functions(tmp_path / "absent", TASKS) == LoadedFunctions()
    (tmp_path / "a.py").write_text(HEAD)
    before = load_functions(tmp_path, TASKS).fingerprint
    (tmp_path / "a.py").write_text(HEAD + "# other\n")
    assert load_functions(tmp_path, TASKS).fingerprint not in ("", before)


def test_votes_are_label_places_and_a_raising_row_abstains() -> None:
    def moody(x: SimpleNamespace) -> Any:
        if "bad" in x.text:
            raise RuntimeError("no")
        return {"slow": "slow", "minus": -1}.get(x.text)

    found, failures = apply_function(function("moody", moody), INTENT, rows("slow", "bad", "minus", "else"), 0.25)
    assert found.tolist() == [1, -1, -1, -1]
    assert failures == 1
    with pytest.raises(ValueError, match="raised on 1 of 4 rows, last RuntimeError: no"):
        apply_function(function("moody", moody), INTENT, rows("slow", "bad", "minus", "else"), 0.2)


@pytest.mark.parametrize(("label", "hint"), [("slwo", 'did you mean "slow"'), (1, "return the label's name")])
def test_an_unknown_label_is_named(label: Any, hint: str) -> None:
    with pytest.raises(UnknownLabelError, match=hint):
        apply_function(word("odd", "a", label), INTENT, rows("a"), 1.0)


def test_a_row_has_its_columns_and_its_similarity() -> None:
    row = rows("slow internet", "refund")[0]
    assert row.channel == "chat"
    assert row.similar_to("slow internet", "refund") == pytest.approx(1.0)
    assert row.similar_to("slow car") == pytest.approx(0.5, abs=0.01)  # one of two words shared


@pytest.mark.parametrize(
    ("hits", "misses", "why"),
    [(["slow"], ["fast"], None), (["fast"], [], 'abstains on its example "fast"'), ([], ["slow"], "votes on its")],
)
def test_examples_are_run(hits: list[str], misses: list[str], why: str | None) -> None:
    made = word("slow", "slow", "slow")
    tilth.examples(hits=hits, misses=misses)(made.function)
    found = failed_examples(made, INTENT, HashingEncoder().encode)
    assert found is None if why is None else why in str(found)


def test_accuracies_and_smoothing_by_hand() -> None:
    matrix = np.array([[0, -1], [0, 1], [1, -1], [-1, -1]])
    accuracy, count = measure_accuracies(matrix, np.array([0, 1, 1, 0]))
    assert accuracy == pytest.approx([2 / 3, 1.0])
    assert count.tolist() == [3, 1]
    assert smooth_accuracies(accuracy, count) == pytest.approx([(2 + 4) / 8, (1 + 4) / 6])


def test_two_functions_give_vote_share_times_trust() -> None:
    matrix = np.array([[0, -1], [0, 1]])
    found = majority_vote(matrix, function_trust(matrix, np.array([-1, -1])), 3)
    first = [0.8 + 0.2 / 3, 0.2 / 3, 0.2 / 3]
    tie = [0.4 + 0.2 / 3, 0.4 + 0.2 / 3, 0.2 / 3]
    assert found == pytest.approx(np.array([first, tie]), abs=1e-6)


def _numpy_state() -> str:
    return repr(np.random.get_state())  # noqa: NPY002 - to see that it is left alone


def test_the_label_model_trusts_the_functions_that_agree_and_leaves_random_state_alone() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 400)
    matrix = np.column_stack([np.where(rng.random(400) < p, truth, 1 - truth) for p in (0.9, 0.9, 0.9, 0.55)])
    states = random.getstate(), _numpy_state(), torch.get_rng_state(), torch.get_num_threads()
    found = snorkel_probabilities(matrix, np.full(4, 0.8), np.full(400, -1), 2, epochs=200, seed=0)
    assert (found.argmax(axis=1) == truth).mean() > 0.95
    assert random.getstate() == states[0]
    assert _numpy_state() == states[1]
    assert torch.equal(states[2], torch.get_rng_state())
    assert torch.get_num_threads() == states[3]


def test_the_stage_labels_what_it_is_sure_of_and_never_gold(samples: Dataset, tmp_path: Path) -> None:
    result = perform(samples, tmp_path, LoadedFunctions(functions=GOOD), min_confidence=0.5)
    frame = table.to_pandas(result.samples).set_index("id")
    assert frame.loc[["u1", "u2"], "intent_weak"].tolist() == ["refund", "outage"]
    assert frame.loc["u1", "intent_origin"] == "weak"
    assert frame.loc["u1", "area"] == "billing"
    assert frame.loc["a1", "intent_origin"] == "given"
    assert frame.loc[["g1", "g2"], ["intent_weak", "intent_weak_confidence"]].isna().all(axis=None)
    cast = pd.read_parquet(result.artifacts["votes.parquet"]).set_index("id")
    assert cast.dtypes.eq("int16").all()
    assert cast.loc["a1"].tolist() == [0, -1, -1]
    assert (cast.loc["g1"] == -1).all()
    assert result.metrics["tasks"]["intent"]["voted_on"] == int((cast >= 0).any(axis=1).sum())


def test_below_the_threshold_there_is_a_confidence_but_no_label(samples: Dataset, tmp_path: Path) -> None:
    frame = table.to_pandas(perform(samples, tmp_path, *GOOD[:2], min_confidence=1.0).samples).set_index("id")
    assert frame["intent_weak"].isna().all()
    assert 0.5 < frame.loc["u1", "intent_weak_confidence"] < 1


def test_bad_functions_are_left_out_and_named(samples: Dataset, tmp_path: Path) -> None:
    wrong, raising = word("wrong", "e", "outage"), function("raising", lambda x: x.nothing)
    typo = word("typo", "slow", "slwo")
    problem = Problem(where="x.py", why="does not import")
    loaded = LoadedFunctions(functions=(*GOOD, wrong, raising, typo), problems=(problem,))
    result = perform(samples, tmp_path, loaded)
    left_out = result.metrics["left_out"]
    assert set(left_out) == {"x.py", "intent.wrong", "intent.raising", "intent.typo"}
    assert "right on 2 of 8" in left_out["intent.wrong"]  # every train text holds an "e"; 2 of 8 are outages
    assert result.metrics["tasks"]["intent"]["used"] == 3
    used = {row[0]: row[-1] for row in result.figures[0].data["rows"]}
    assert used == {"refund": "yes", "slow": "yes", "red": "yes", "wrong": "no"}


def test_without_functions_it_says_so(samples: Dataset, tmp_path: Path) -> None:
    assert perform(samples, tmp_path, LoadedFunctions()).skipped == "no labeling functions"


def test_a_function_that_drifts_is_left_out_and_named(samples: Dataset, tmp_path: Path) -> None:
    first = perform(samples, tmp_path / "first", *GOOD)
    assert first.carried is not None
    usual = read_history(first.carried)["intent.refund"][0]
    assert (usual.rows, usual.voted, usual.labeled, usual.right) == (10, 4, 3, 3)
    before = {"intent.refund": [FunctionRecord(key="refund", rows=10_000, voted=100, labeled=0, right=0)]}
    carried = write_history(tmp_path / "carried", {}, {"intent.refund": before["intent.refund"][0]}, set())
    second = perform(samples, tmp_path / "second", *GOOD, carried=carried)
    assert "votes on 40.0% of the rows, on the last nights 1.0%" in second.metrics["left_out"]["intent.refund"]
    assert second.metrics["tasks"]["intent"]["used"] == 2
    assert second.carried is not None
    assert read_history(second.carried)["intent.refund"] == before["intent.refund"]
    (table_of_drift,) = [figure for figure in second.figures if figure.title.endswith("against the last nights")]
    assert table_of_drift.data["rows"][0][:4] == ["intent.refund", 1, 0.4, 0.01]


def test_a_function_that_fails_for_a_night_keeps_its_history(samples: Dataset, tmp_path: Path) -> None:
    before = {"intent.refund": [FunctionRecord(key="refund", rows=10, voted=4, labeled=3, right=3)]}
    carried = write_history(tmp_path / "carried", before, {}, (), not_measured=before)
    raising = function("refund", lambda x: x.nothing)
    failed = perform(samples, tmp_path / "failed", raising, *GOOD[1:], carried=carried)
    assert "raised on 10 of 10 rows" in failed.metrics["left_out"]["intent.refund"]
    assert failed.carried is not None
    kept = read_history(failed.carried)
    assert set(kept) == {"intent.refund", "intent.slow", "intent.red"}
    assert kept["intent.refund"] == before["intent.refund"]


def test_a_file_that_does_not_import_for_a_night_loses_no_history(samples: Dataset, tmp_path: Path) -> None:
    before = {"intent.refund": [FunctionRecord(key="refund", rows=10, voted=4, labeled=3, right=3)]}
    carried = write_history(tmp_path / "carried", before, {}, (), not_measured=before)
    problem = Problem(where="refunds.py", why="does not import")
    broken = LoadedFunctions(functions=GOOD[1:], problems=(problem,))
    without = perform(samples, tmp_path / "broken", broken, carried=carried).carried
    assert without is not None
    assert read_history(without)["intent.refund"] == before["intent.refund"]
    gone = perform(samples, tmp_path / "gone", LoadedFunctions(functions=GOOD[1:]), carried=carried).carried
    assert gone is not None
    assert set(read_history(gone)) == {"intent.slow", "intent.red"}


def test_a_task_without_any_label_is_labeled_by_votes_and_text(samples: Dataset, tmp_path: Path) -> None:
    frame = table.to_pandas(samples)
    frame[["area_given", "intent_given"]] = None
    frame["split"] = "unlabeled"
    bare = table.from_pandas(table.resolve(frame, TASKS), TASKS)
    found = perform(bare, tmp_path, *GOOD, min_confidence=0.5)
    assert found.metrics["tasks"]["intent"]["agreement_with_labels"] is None
    weak = table.to_pandas(found.samples).set_index("id")["intent_weak"]
    assert weak[["a1", "b1", "u2"]].tolist() == ["refund", "slow", "outage"]


def test_with_functions_too_the_stage_keeps_its_contract(samples: Dataset, tmp_path: Path) -> None:
    """The contract tests have no labeling functions at hand; these are the same three promises with some."""
    before = digest_table(samples)
    frame = table.to_pandas(samples)
    gold = frame["split"] == "gold"
    swapped = frame.copy()
    swapped.loc[gold, ["area_given", "intent_given"]] = frame.loc[gold, ["area_given", "intent_given"]].to_numpy()[::-1]
    other = table.from_pandas(table.resolve(swapped, TASKS), TASKS)
    options = {"label_model": "joint", "min_confidence": 0.4}
    first, again, third = (
        perform(rows, tmp_path / turn, *GOOD, **options)
        for turn, rows in (("first", samples), ("again", samples), ("swapped", other))
    )
    assert digest_table(samples) == before
    assert digest_table(first.samples) == digest_table(again.samples)
    assert first.metrics == third.metrics
    kept, changed = (table.to_pandas(result.samples)[~gold].reset_index(drop=True) for result in (first, third))
    assert kept["intent_weak"].notna().any()
    pd.testing.assert_frame_equal(kept, changed)


def test_a_row_without_a_vote_is_labeled_through_its_neighbors(samples: Dataset, tmp_path: Path) -> None:
    result = perform(samples, tmp_path, *GOOD[:2], label_model="joint", min_confidence=0.4)
    cast = pd.read_parquet(result.artifacts["votes.parquet"]).set_index("id")
    assert (cast.loc["u2"] == -1).all()
    assert table.to_pandas(result.samples).set_index("id").loc["u2", "intent_weak"] == "outage"


def test_a_given_label_that_all_contradict_waits_for_a_person(samples: Dataset, tmp_path: Path) -> None:
    frame = table.to_pandas(samples)
    frame["area_given"] = None
    frame.loc[frame["id"] == "a3", "intent_given"] = "outage"
    wrong = table.from_pandas(table.resolve(frame, TASKS), TASKS)
    found = {
        policy: perform(wrong, tmp_path / policy, *GOOD, disputes=policy, dispute_above=0.5)
        for policy in ("review", "keep")
    }
    rows = {policy: table.to_pandas(result.samples).set_index("id") for policy, result in found.items()}
    assert rows["review"]["intent_disputed"][lambda column: column].index.tolist() == ["a3"]
    assert pd.isna(rows["review"].loc["a3", "intent"])
    assert rows["review"].loc["a3", "intent_reason"] == "label_review"
    assert rows["keep"].loc["a3", "intent"] == "outage"
    assert not rows["keep"]["intent_disputed"].any()
    assert found["keep"].metrics["tasks"]["intent"]["disputed"] == 1
