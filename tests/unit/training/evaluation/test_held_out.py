"""Answers to held-out rows, by which nights without gold are compared."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tests.small_table import HashingEncoder, make_table
from tests.unit.training.tiny_encoder import FROZEN, FolderEncoder, resources
from tilth import stage, store, training
from tilth.samples import Task
from tilth.text import fold_of
from tilth.training.inputs.config import Config

INTENT = (Task(name="area", labels=("billing",)), Task(name="intent", labels=("refund", "slow", "outage")))
WORDS = {"refund": "where is the refund", "slow": "my internet is slow", "outage": "no internet and a red light"}
ROWS = [
    (f"id{row}", f"{WORDS[label]} {'again ' * (row % 7)}", "train", None, label)
    for row in range(60)
    for label in [list(WORDS)[row % 3]]
]
HELD = [row[0] for row in ROWS if fold_of(row[0], 5) == 0]


def held_out(rows: list[tuple[str | None, ...]], path: Path, encoder: object = HashingEncoder()) -> pd.DataFrame:
    samples = make_table(rows, INTENT)
    config = FROZEN if isinstance(encoder, HashingEncoder) else Config(mode="full", steps=2, agreement=0.0)
    result = training.run(samples, config, resources(samples, encoder, path, INTENT))
    return pd.read_parquet(result.artifacts["held_out.parquet"])


def test_rows_of_one_fold_are_answered_by_heads_that_did_not_learn_them(tmp_path: Path) -> None:
    assert 5 < len(HELD) < 20
    found = held_out(ROWS, tmp_path / "a")
    assert found["id"].tolist() == HELD
    texts = {row[0]: row[1] for row in ROWS}
    assert found["text_digest"].tolist() == [store.digest(texts[name]) for name in HELD]
    assert found["intent"].tolist() == [row[4] for row in ROWS if row[0] in HELD]
    assert found["intent_predicted"].tolist() == found["intent"].tolist()
    # Of wrong labels nothing was learned: the answers stay as they were.
    turned = {"refund": "slow", "slow": "outage", "outage": "refund"}
    wrong = [(*row[:4], turned[str(row[4])]) if row[0] in HELD else row for row in ROWS]
    again = held_out(wrong, tmp_path / "b")
    assert again["intent"].tolist() == [turned[label] for label in found["intent"]]
    assert again["intent_predicted"].tolist() == found["intent_predicted"].tolist()


def test_a_tuned_trunk_answers_for_itself(folder: Path, tmp_path: Path) -> None:
    found = held_out(ROWS, tmp_path, FolderEncoder(folder))
    assert found["id"].tolist() == HELD
    assert found["intent_predicted"].notna().all()


def test_with_gold_there_are_none_and_without_a_held_out_row_neither(tmp_path: Path) -> None:
    for name, rows in (
        ("gold", [*ROWS, ("g", "a refund", "gold", None, "refund")]),
        ("few", [row for row in ROWS if row[0] not in HELD]),
    ):
        samples = make_table(rows, INTENT)
        own = resources(samples, HashingEncoder(), tmp_path / name, INTENT)
        assert stage.perform("training", samples, FROZEN, own).artifacts == {}
