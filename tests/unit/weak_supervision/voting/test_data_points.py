"""What a function sees of a row, and that what fails is named by its own name."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from snorkel.labeling import LabelingFunction, PandasLFApplier, labeling_function
from snorkel.preprocess import Preprocessor, preprocessor

from tests.small_table import TASKS, HashingEncoder
from tests.unit.weak_supervision.isolation.test_supervisor import QUICK, TEXTS, cast, function
from tilth.weak_supervision.functions.loader import LoadedFunction
from tilth.weak_supervision.voting import cached_applier, isolated_applier
from tilth.weak_supervision.voting.applier import ABSTAIN
from tilth.weak_supervision.voting.cached_applier import cast_votes
from tilth.weak_supervision.voting.data_points import Row, RowSimilarities, build_rows

FRAME = pd.DataFrame({"text": ["a b", "c"], "channel": ["chat", "mail"], "order id": [7, 8], "_id": ["x", "y"]})
LABELS = TASKS[1].labels


def rows(frame: pd.DataFrame) -> list[Row]:
    named = frame.rename(columns={name: f"meta.{name}" for name in frame.columns if name != "text"})
    return build_rows(named, RowSimilarities(lambda: np.zeros(0), lambda _: np.zeros(0)))


def loaded(body: LabelingFunction) -> LoadedFunction:
    return LoadedFunction(task="intent", name=body.name, function=body, fingerprint=body.name)


def test_a_row_is_read_as_the_one_that_snorkel_hands_over() -> None:
    for (_, theirs), ours in zip(FRAME.iterrows(), rows(FRAME), strict=True):
        assert [ours[name] for name in FRAME.columns] == [theirs[name] for name in FRAME.columns]
        assert set(ours.keys()) == set(theirs.keys())
        for name in ("text", "order id", "absent"):
            assert (name in ours) == (name in theirs)
            assert ours.get(name) == theirs.get(name)
            assert ours.get(name, "none") == theirs.get(name, "none")
        assert dict(ours) == theirs.to_dict()
        for read in (lambda x: x["absent"], lambda x: x.absent):
            raised = []
            for row in (ours, theirs):
                with pytest.raises((KeyError, AttributeError), match="absent") as info:
                    read(row)
                raised.append(info.type)
            assert raised[0] is raised[1]
        with pytest.raises(AttributeError, match="there are _id, channel, order id, text"):
            _ = ours.absent
        with pytest.raises(AttributeError, match="a row may not be changed"):
            ours["text"] = "changed"
        assert not hasattr(ours, "absent")


def test_columns_of_any_name_are_seen() -> None:
    frame = pd.DataFrame({"text": ["a"], "keys": ["k"], "get": ["g"], "_vectors": ["v"], "_position": [9]})
    (row,) = rows(frame)
    assert (row["keys"], row["get"], "text" in row) == ("k", "g", True)
    assert row._position == 0  # tilth's own: such a column is not seen
    assert "_vectors" not in row


class Upper(Preprocessor):
    def __init__(self) -> None:
        super().__init__("upper", {"text": "text"}, {"loud": "loud"})

    def run(self, text: str) -> dict[str, str]:
        return {"loud": text.upper()}


@preprocessor(memoize=True)
def first_word(x: Any) -> Any:
    x["start"] = x["text"].split()[0]
    x["rest"] = x.text.split()[1:]
    return x


@preprocessor(pre=[first_word])
def initial(x: Any) -> Any:
    x["letter"] = x.start[0] + x["channel"][0]
    return x


# Snorkel's own applier hands a preprocessor a row of pandas, which takes a list under another warning.
@pytest.mark.filterwarnings("ignore:Setting an item of incompatible dtype")
def test_preprocessors_and_resources_vote_as_under_snorkels_own_applier() -> None:
    code = {label: place for place, label in enumerate(LABELS)}

    def bodies(answers: dict[str, Any]) -> list[LabelingFunction]:
        @labeling_function(pre=[first_word, Upper()], resources={"words": ("slow", "bad")})
        def both(x: Any, words: Sequence[str]) -> Any:
            return answers["slow"] if x.start in words and "LINE" not in x.loud and x.rest else -1

        @labeling_function(pre=[initial])
        def nested(x: Any) -> Any:
            return answers["outage"] if x.letter == "rc" and x.start == "red" else -1

        return [both, nested]

    frame = pd.DataFrame({"text": list(TEXTS), "channel": ["chat"] * 4})
    theirs = PandasLFApplier(bodies(code)).apply(frame, progress_bar=False)
    found = cast(*map(loaded, bodies({label: label for label in LABELS})), channel=["chat"] * 4)
    assert [ballot.error for ballot in found] == ["", ""]
    assert np.column_stack([ballot.column for ballot in found]).tolist() == theirs.tolist()
    assert theirs.tolist() == [[1, -1], [-1, -1], [-1, -1], [-1, 2]]


def test_a_preprocessor_that_fails_is_named() -> None:
    @preprocessor()
    def lower(x: Any) -> Any:
        x.text = x.txt.lower()
        return x

    failing = loaded(LabelingFunction("one", lambda x: "slow", pre=[lower]))
    fine = loaded(LabelingFunction("two", lambda x: "slow" if x.none else None))
    first, second = cast(failing, fine)
    assert first.error.startswith('raised on 4 of 4 rows, last in preprocessor lower: AttributeError: no column "txt"')
    assert second.error.startswith('raised on 4 of 4 rows, last AttributeError: no column "none"; there is text')


@pytest.mark.parametrize("isolate", [True, False])
def test_an_encoder_that_fails_is_named_and_asked_once(isolate: bool) -> None:
    class Broken(HashingEncoder):
        asked = 0

        def encode(self, texts: Any, progress: Any = None) -> np.ndarray:
            type(self).asked += 1
            raise OSError("no weights")

    encoder, frame = Broken(), pd.DataFrame({"text": list(TEXTS)})
    near = function("near", lambda x: "slow" if x.similar_to("slow") > 0.9 else None)
    plain = function("plain", lambda x: "slow")
    config = QUICK.model_copy(update={"isolate": isolate})
    found = cast_votes([near, plain], TASKS, frame, lambda: encoder.encode([]), encoder.encode, config)
    assert "RuntimeError: the encoder failed, not the function: OSError: no weights" in found[0].error
    assert found[1].column.tolist() == [1] * 4
    assert Broken.asked == 1


@pytest.mark.parametrize("isolate", [True, False])
def test_rows_that_cannot_be_built_are_no_functions_fault(isolate: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> list[Row]:
        raise MemoryError("no room")

    monkeypatch.setattr(isolated_applier, "build_rows", broken)
    config = QUICK.model_copy(update={"isolate": isolate})
    found = cast(function("one", lambda x: "slow"), function("two", lambda x: None), config=config)
    assert [one.error for one in found] == ["the rows that it sees could not be built: MemoryError: no room"] * 2


def test_a_process_that_dies_while_rows_are_built_is_no_functions_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated_applier, "build_rows", lambda *_: time.sleep(60))
    found = cast(function("one", lambda x: "slow"), function("two", lambda x: None))
    why = "the rows that it sees could not be built: still ran after 1 seconds, its limit of time"
    assert [one.error for one in found] == [why] * 2


def test_later_rows_that_one_function_leaves_no_room_for_are_asked_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held: list[int] = []

    def build(frame: pd.DataFrame, vectors: RowSimilarities, chosen: list[int]) -> list[Row]:
        if held:
            raise MemoryError
        return build_rows(frame, vectors, chosen)

    def takes(x: SimpleNamespace) -> None:
        held.append(1)

    monkeypatch.setattr(isolated_applier, "build_rows", build)
    monkeypatch.setattr(isolated_applier, "_BLOCK", 2)
    found = cast(function("before", lambda x: "slow"), function("takes", takes), function("after", lambda x: "slow"))
    assert [one.error for one in found] == ["", "the rows that it sees could not be built: MemoryError: ", ""]
    assert [found[place].column.tolist() for place in (0, 2)] == [[1] * 4] * 2


def test_a_function_that_answers_otherwise_the_next_time_is_told() -> None:
    answers = itertools.cycle(["slow", None, None])
    turns = function("turns", lambda x: next(answers))
    steady = function("steady", lambda x: "slow" if x.text in TEXTS[:2] else None)
    found = cast(turns, steady)
    # First slow, none, none, slow; then, of the rows it voted on first, none, none, and of the others slow, none.
    assert found[0].remark == "answers otherwise when asked again: on 3 of 4 rows"
    assert found[0].column.tolist() == [1, -1, -1, 1]
    assert found[1].remark == ""


def test_a_slow_function_is_told_before_a_larger_table_leaves_it_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached_applier, "_SLOW", 0.1)
    config = QUICK.model_copy(update={"seconds_per_thousand": 10.0, "min_seconds": 6.0})
    (ballot,) = cast(function("slow", lambda x: time.sleep(0.1)), config=config)
    said = re.match(
        r"slow: 0.1\d? s a row; seconds_per_thousand = 10 leaves it out from about (\d+) rows", ballot.remark
    )
    assert said is not None
    assert 30 <= int(said[1]) <= 60  # 6 seconds over 0.1, and less where the machine is busy
    assert ballot.remark.endswith("votes on no row")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("Slow", 'returned \'Slow\', which is no class; did you mean "slow"? (on 2 of 4 rows, first "slow internet")'),
        ("", "returned '', which is no class;"),
        (float("nan"), "returned nan, which is no class; return the label's name"),
        (False, "returned False, which is no class; return the label's name"),
        (np.int64(1), "returned np.int64(1), which is no class; return the label's name"),
        (["slow"], "returned ['slow'], which is no class; return the label's name"),
    ],
)
def test_what_is_no_label_is_told_with_its_count(answer: Any, said: str) -> None:
    (ballot,) = cast(function("odd", lambda x: answer if x.text in TEXTS[:2] else None))
    assert ballot.error.startswith(said)
    assert ballot.error.endswith('(on 2 of 4 rows, first "slow internet")')


def test_a_string_of_numpys_is_a_label() -> None:
    (ballot,) = cast(function("numpy", lambda x: np.str_("slow")))
    assert ballot.column.tolist() == [1] * 4
    assert ABSTAIN == -1
