"""What the demo workspace promises of its messages and its labeling functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.labeling import apply_function, failed_examples
from tests.small_table import HashingEncoder
from tilth.config import EncoderConfig
from tilth.learn.encoder.text_encoder import Encoder
from tilth.samples import Task
from tilth.store import Cache, digest
from tilth.text import normal_form
from tilth.weak_supervision.functions.loader import load_functions
from tilth.weak_supervision.functions.unit_examples import examples_of
from tilth.weak_supervision.voting.applier import ABSTAIN
from tilth.weak_supervision.voting.data_points import RowSimilarities, build_rows

ROOT = Path(__file__).resolve().parents[2]
RAW = ROOT / "data" / "raw"


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(RAW / name, dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def inbox() -> pd.DataFrame:
    return read("inbox.csv")


@pytest.fixture(scope="module")
def truth() -> pd.DataFrame:
    return read("truth.csv")


@pytest.fixture(scope="module")
def gold() -> pd.DataFrame:
    return read("gold.csv")


def repeated(texts: Iterable[str], n: int = 5) -> float:
    """Share of all word n-grams that occur more than once."""
    words = [normal_form(text).split() for text in texts]
    counts = Counter(tuple(one[i : i + n]) for one in words for i in range(len(one) - n + 1))
    return sum(count for count in counts.values() if count > 1) / sum(counts.values())


def test_repeated_by_hand() -> None:
    assert repeated(["a b c d e", "A, b c d e f!"]) == 2 / 3  # "a b c d e" twice, "b c d e f" once
    assert repeated([f"dear team my {word} is very late today" for word in ("bill", "hub")], n=3) == 6 / 12


def test_the_inbox_is_large_and_whole(inbox: pd.DataFrame, truth: pd.DataFrame) -> None:
    assert len(inbox) >= 2300
    assert inbox["id"].is_unique
    assert inbox["id"].tolist() == truth["id"].tolist()
    assert inbox["text"].str.strip().ne("").all()


def test_the_messages_are_written_out_and_not_expanded(
    inbox: pd.DataFrame, truth: pd.DataFrame, gold: pd.DataFrame
) -> None:
    own = inbox["text"][truth["kind"].ne("near_duplicate") & inbox["channel"].ne("widget")]
    assert len(own) >= 1400
    assert repeated([*own, *gold["text"][gold["channel"].ne("widget")]]) < 0.01  # 0.0047 as it stands
    starts = [" ".join(normal_form(text).split()[:3]) for text in own]
    assert Counter(starts).most_common(1)[0][1] <= len(own) * 0.01


def test_in_the_chat_widget_many_people_ask_the_same_few_things(
    inbox: pd.DataFrame, truth: pd.DataFrame, gold: pd.DataFrame
) -> None:
    """Short, in nearly the same words, and yet no text twice."""
    widget = inbox["channel"].eq("widget")
    own = widget & truth["kind"].eq("message")
    assert own.sum() >= 800
    assert inbox["text"][own].map(normal_form).is_unique
    assert inbox["text"][own].str.split().str.len().median() <= 8
    assert repeated(inbox["text"][own]) > 0.3  # 0.42 as it stands
    counts = truth["intent"][own].value_counts()
    assert counts.min() >= 80
    assert truth["area"][own].nunique() == gold["area"].nunique()  # of every area something
    assert set(gold["intent"][gold["channel"].eq("widget")]) == set(counts.index)


def test_the_widget_has_gaps_and_errors_as_the_rest(inbox: pd.DataFrame, truth: pd.DataFrame) -> None:
    widget = inbox["channel"].eq("widget")
    labeled = widget & inbox["intent"].ne("")
    judged = labeled & truth["intent"].ne("")
    wrong = judged & inbox["intent"].ne(truth["intent"])
    assert 0.45 <= labeled.sum() / widget.sum() <= 0.55
    assert 0.07 <= wrong.sum() / judged.sum() <= 0.09
    assert truth["intent"][wrong].nunique() == truth["intent"][judged].nunique()
    assert set(truth["kind"][widget]) == {"message", "near_duplicate", "junk", "no_request", "other_language"}


def test_there_are_enough_intents_each_in_one_area(truth: pd.DataFrame, gold: pd.DataFrame) -> None:
    known = pd.concat([truth, gold])
    known = known[known["intent"].ne("")]
    assert known["intent"].nunique() >= 12
    assert known["area"].nunique() >= 4
    assert known.groupby("intent")["area"].nunique().max() == 1
    assert truth["intent"].value_counts()[lambda counts: counts.index != ""].min() >= 30


def test_the_given_labels_are_of_the_tree(inbox: pd.DataFrame, gold: pd.DataFrame) -> None:
    area_of = gold.drop_duplicates("intent").set_index("intent")["area"]
    labeled = inbox[inbox["intent"].ne("")]
    assert labeled["area"].tolist() == labeled["intent"].map(area_of).tolist()


def test_half_has_no_label_and_8_percent_of_the_others_a_wrong_one(inbox: pd.DataFrame, truth: pd.DataFrame) -> None:
    labeled = inbox["intent"].ne("")
    assert 0.45 <= 1 - labeled.mean() <= 0.55
    judged = labeled & truth["intent"].ne("")  # junk, and a greeting alone, have no right label
    wrong = judged & inbox["intent"].ne(truth["intent"])
    assert 0.07 <= wrong.sum() / judged.sum() <= 0.09
    assert truth["intent"][wrong].nunique() >= 12  # spread over the intents, not all in one
    neighbors = inbox["area"][wrong].eq(truth["area"][wrong])
    assert neighbors.mean() > 0.4  # believable: about half stay in the same area


def test_the_mess_of_a_real_inbox_is_there(inbox: pd.DataFrame, truth: pd.DataFrame) -> None:
    kinds = truth["kind"].value_counts()
    assert set(kinds.index) == {"message", "near_duplicate", "junk", "no_request", "other_language"}
    assert kinds.drop(["message", "no_request"]).min() >= 30
    text = inbox.set_index("id")["text"]
    again = truth[truth["kind"].eq("near_duplicate")]
    assert set(again["duplicate_of"]) <= set(truth["id"][truth["kind"].ne("near_duplicate")])
    assert truth["duplicate_of"][truth["kind"].ne("near_duplicate")].eq("").all()
    for copy, original in zip(again["id"], again["duplicate_of"], strict=True):
        words, others = (set(normal_form(text[row_id]).split()) for row_id in (copy, original))
        assert len(words & others) >= 0.5 * len(words | others), (copy, original)


def test_gold_is_large_covers_every_intent_and_is_not_in_the_inbox(
    inbox: pd.DataFrame, truth: pd.DataFrame, gold: pd.DataFrame
) -> None:
    assert len(gold) >= 240
    assert set(gold["intent"]) == set(truth["intent"]) - {""}
    assert gold["intent"].value_counts().min() >= 10
    assert not set(gold["text"].map(normal_form)) & set(inbox["text"].map(normal_form))
    assert not set(gold["id"]) & set(inbox["id"])


def test_nobody_reads_the_truth() -> None:
    files = [path for folder in ("src", "flows", "labeling_functions") for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 50
    readers = [path for path in (*files, ROOT / "tilth.toml") if "truth.csv" in path.read_text(encoding="utf-8")]
    globbing = [path for path in files if "*.csv" in path.read_text(encoding="utf-8")]
    assert readers == []
    assert globbing == []


@pytest.fixture(scope="module")
def tasks(gold: pd.DataFrame) -> list[Task]:
    return [Task(name=name, labels=tuple(sorted(set(gold[name])))) for name in ("area", "intent")]


def test_there_are_ten_labeling_functions_of_several_kinds(tasks: list[Task]) -> None:
    folder = ROOT / "labeling_functions"
    loaded = load_functions(folder, tasks)
    assert loaded.problems == ()
    assert len(loaded.functions) >= 10
    file_of = {digest(path.read_bytes()): path.stem for path in folder.glob("*.py")}
    kinds = Counter(file_of[function.fingerprint] for function in loaded.functions)
    assert {"keywords", "patterns", "lengths", "meaning"} <= set(kinds)


def test_their_own_examples_hold_with_the_night_s_own_encoder(tasks: list[Task], tmp_path: Path) -> None:
    encoder = Encoder(EncoderConfig(), Cache(tmp_path))
    for function in load_functions(ROOT / "labeling_functions", tasks).functions:
        own = examples_of(function.function)
        assert own.hits, function.name
        assert own.misses, function.name
        task = next(task for task in tasks if task.name == function.task)
        assert failed_examples(function, task, encoder.encode) is None, function.name


def test_each_of_words_alone_votes_and_is_mostly_right(
    tasks: list[Task], inbox: pd.DataFrame, truth: pd.DataFrame
) -> None:
    """Words, patterns and lengths need no encoder, so that one which costs nothing stands in."""
    encoder, meaning = HashingEncoder(), digest((ROOT / "labeling_functions/meaning.py").read_bytes())
    texts = inbox["text"].tolist()
    rows = build_rows(inbox[["text"]], RowSimilarities(lambda: encoder.encode(texts), encoder.encode))
    for function in load_functions(ROOT / "labeling_functions", tasks).functions:
        if function.fingerprint == meaning:
            continue
        task = next(task for task in tasks if task.name == function.task)
        found, raised = apply_function(function, task, rows, max_failures=0)
        voted = found != ABSTAIN
        right = np.array(task.labels, dtype=object)[found[voted]] == truth[function.task].to_numpy()[voted]
        assert raised == 0, function.name
        assert voted.sum() >= 5, function.name
        assert right.mean() >= 0.6, function.name
