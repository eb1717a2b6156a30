"""What is said of rows and columns that are others than the night before under the same name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from datasets import Dataset

from tests.small_table import ROWS, TASKS, make_table
from tilth import samples as table
from tilth import store
from tilth.io import Ingested
from tilth.night.opening.input_changes import input_changes
from tilth.store import Run


def night(folder: Path, samples: Dataset) -> Run:
    store.write_table(folder / "0-input.parquet", samples)
    return Run(folder)


def said(folder: Path, before: Dataset, now: Dataset) -> list[str]:
    return input_changes(night(folder, before), Ingested(samples=now, tasks=TASKS, inputs=[]))


def with_column(values: Any) -> Dataset:
    return table.from_pandas(table.to_pandas(make_table()).assign(**{"meta.amount": values}), TASKS)


def retexted(count: int) -> Dataset:
    rows = [(one[0], f"{one[1]} please", *one[2:]) if place < count else one for place, one in enumerate(ROWS)]
    return make_table(rows)


def test_the_same_rows_in_another_order_are_no_change(tmp_path: Path) -> None:
    assert said(tmp_path, make_table(), make_table(ROWS[::-1])) == []


def test_rows_with_another_text_under_their_id_are_counted(tmp_path: Path) -> None:
    assert said(tmp_path, make_table(), retexted(2)) == [
        '2 rows have another text than the night before under the same id (first: "a1"); answers of people about the '
        "old text are not used for the new one"
    ]


def test_where_most_texts_changed_the_ids_are_in_doubt(tmp_path: Path) -> None:
    (sentence,) = said(tmp_path, make_table(), retexted(7))
    assert sentence.startswith("7 rows have another text")
    assert sentence.endswith("ids that are given anew each night name no row: name a lasting one by [data] id")


@pytest.mark.parametrize(
    ("before", "now", "sentence"),
    [
        (1, "much", "holds texts, and held numbers the night before"),
        ("1", True, "holds true and false, and held texts the night before"),
        (1, 1.5, None),  # as one gap among whole numbers makes them
        (1, None, None),
    ],
)
def test_a_column_of_another_kind_is_named(tmp_path: Path, before: Any, now: Any, sentence: str | None) -> None:
    found = said(tmp_path, with_column(before), with_column(pd.Series([now] * len(ROWS))))
    assert found == [
        f'the column "amount" {sentence}: functions that cannot read it are left out' for _ in range(bool(sentence))
    ]


def test_a_column_that_is_gone_is_named(tmp_path: Path) -> None:
    assert said(tmp_path, with_column(1), make_table()) == [
        'the column "amount" is gone, which the night before had: functions that cannot read it are left out'
    ]


def test_a_damaged_table_of_the_night_before_is_said(tmp_path: Path) -> None:
    run = night(tmp_path, make_table())
    (run.path / "0-input.parquet").write_bytes(b"PAR1")
    (sentence,) = input_changes(run, Ingested(samples=make_table(), tasks=TASKS, inputs=[]))
    assert "0-input.parquet is damaged: expected a Parquet table, found 4 bytes" in sentence
    assert sentence.endswith("the rows of that night cannot be compared with these, and nothing else is lost")
    (run.path / "0-input.parquet").unlink()
    assert input_changes(run, Ingested(samples=make_table(), tasks=TASKS, inputs=[])) == []
