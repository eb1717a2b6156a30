"""Which column is the text and which the label; and every reason to refuse one."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from tilth.errors import InputError
from tilth.io import guess_columns

WORDS = ["where is my refund now", "the line is very slow", "please send a new card", "I want to cancel it"]


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"text": [f"{WORDS[row % 4]} {row}" for row in range(8)], **columns})


def test_by_name_whatever_stands_beside() -> None:
    rows = frame(id=list("abcdefgh"), channel=["mail", "app"] * 4, intent=["a", "b", "c", "d"] * 2)
    found = guess_columns(rows.rename(columns={"text": "customer_message"}), "f.csv", None, None, [])
    assert (found.text, found.label, found.split) == ("customer_message", "intent", None)
    assert found.remarks[0] == 'text: column "customer_message", by its name'
    assert found.remarks[1] == 'labels: column "intent", by its name, 4 classes'


def test_without_a_known_name_the_longest_text_and_the_only_column_that_repeats() -> None:
    rows = frame(kind=["x", "y"] * 4, when=[f"2026-01-0{day + 1}" for day in range(8)]).rename(
        columns={"text": "stuff"}
    )
    found = guess_columns(rows, "f.csv", None, None, [])
    assert (found.text, found.label) == ("stuff", "kind")
    assert "the only one whose values repeat" in found.remarks[1]


def test_the_finest_of_nested_columns_with_its_parent_named() -> None:
    rows = frame(area=["n", "n", "m", "m"] * 2, intent=["a", "b", "c", "d"] * 2)
    found = guess_columns(rows, "f.csv", None, None, [])
    assert found.label == "intent"
    assert '"area" seems to be its parent (--label area,area/intent looks at both)' in found.remarks[1]


def test_names_of_pictures_are_no_texts() -> None:
    rows = frame(photo=[f"photos/of_product_{row}.JPG" for row in range(8)], label=["a", "b"] * 4)
    found = guess_columns(rows.rename(columns={"text": "stuff"}), "f.csv", None, None, [])
    assert (found.text, found.label) == ("stuff", "label")
    alone = rows.drop(columns="text").assign(label=["a cup of tea", "a hat of straw"] * 4)
    with pytest.raises(InputError, match=r'"photo" \(names of pictures\).*tilth run --input f.csv --image photo'):
        guess_columns(alone, "f.csv", None, None, [])


def test_names_rather_than_the_numbers_that_stand_for_them() -> None:
    rows = frame(label=[0, 1] * 4, label_text=["no", "yes"] * 4)
    assert guess_columns(rows, "f.csv", None, None, []).label == "label"  # its name alone says so
    both = frame(class_number=[0, 1] * 4, class_name=["no", "yes"] * 4)
    assert guess_columns(both, "f.csv", None, None, []).label == "class_name"


def test_a_split_column_is_no_label() -> None:
    rows = frame(split=["train", "test"] * 4, label=["a", "a", "b", "b"] * 2)
    found = guess_columns(rows, "f.csv", None, None, [])
    assert (found.label, found.split) == ("label", "split")


def test_two_that_could_be_meant_are_named_and_not_chosen_from() -> None:
    rows = frame(topic=["a", "b"] * 4, sentiment=["x", "x", "y", "y"] * 2)
    with pytest.raises(InputError, match=r"several columns could be the labels: .*--label .*for both"):
        guess_columns(rows, "f.csv", None, None, [])


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (["a"] * 8, 'holds one class alone, "a"'),
        ([None] * 8, "is empty in all rows"),
        ([f"u{row}" for row in range(8)], "8 different values in 8 rows, 8 of them once alone, as ids"),
        ([0.25, 0.5, 0.75, 0.125, 0.3, 0.4, 0.6, 0.7], "numbers that were measured, such as 0.25"),
        ([["a"], ["b"]] * 4, "holds lists"),
    ],
)
def test_a_column_that_holds_no_classes_is_refused_with_the_fix(values: list[Any], says: str) -> None:
    rows = frame(target=values)
    with pytest.raises(InputError, match=says) as told:
        guess_columns(rows, "f.csv", None, "target", ["target"])
    assert str(told.value).startswith('f.csv: column "target" ')
    with pytest.raises(InputError, match="no column of labels found"):
        guess_columns(rows, "f.csv", None, None, [])


def test_numbers_as_classes_are_classes() -> None:
    assert guess_columns(frame(label=[1.0, 2.0] * 4), "f.csv", None, None, []).label == "label"


@pytest.mark.parametrize(
    ("text", "label", "labeled", "says"),
    [
        ("boby", None, [], r'no column "boby"; valid: .*--text'),
        (None, "itent", ["itent"], r'no column "itent"; did you mean "intent"\? \(--label'),
        ("intent", "intent", ["intent"], 'both name "intent"'),
    ],
)
def test_names_that_are_wrong(text: str | None, label: str | None, labeled: list[str], says: str) -> None:
    with pytest.raises(InputError, match=says):
        guess_columns(frame(intent=["a", "b"] * 4), "f.csv", text, label, labeled)


def test_rows_without_a_label_are_no_class() -> None:
    found = guess_columns(frame(intent=["a", "b", "", " "] * 2), "f.csv", None, None, [])
    assert found.remarks[1] == 'labels: column "intent", by its name, 2 classes'


def test_short_values_are_the_text_where_the_name_says_so() -> None:
    rows = pd.DataFrame({"code": ["x1", "x2"] * 4, "text": ["hello", "bye", "stop", "ok"] * 2, "label": ["a", "b"] * 4})
    assert guess_columns(rows, "f.csv", None, None, []).text == "text"
    with pytest.raises(InputError, match=r'no column reads like text; found "code" \(short values\)'):
        guess_columns(rows.drop(columns="text"), "f.csv", None, "label", ["label"])


def test_no_text_and_no_rows() -> None:
    with pytest.raises(InputError, match=r'no column reads like text; found "n" \(numbers\)'):
        guess_columns(pd.DataFrame({"n": [1, 2], "label": ["a", "b"]}), "f.csv", None, "label", ["label"])
    with pytest.raises(InputError, match="no rows"):
        guess_columns(pd.DataFrame({"text": []}), "f.csv", None, None, [])
    with pytest.raises(InputError, match="labels stand in a column of their own"):
        guess_columns(frame(), "f.csv", None, None, [])
