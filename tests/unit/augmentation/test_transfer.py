"""`candidates.parquet`: what reads well, accepted or not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.small_table import ROWS, make_table
from tests.unit.augmentation.test_stage import LOOSE, added, night, quick, resources
from tests.unit.augmentation.test_worth import PLAIN
from tilth.augmentation.transfer import SCHEMA
from tilth.stage.contract import StageResult
from tilth.stage.registry import perform
from tilth.text import normal_form

GATE = {**LOOSE, "changed": 0.0, "novelty": 0.01, "readable": 0.0, "per_source": 1}  # of two, one is beyond the budget


def published(result: StageResult) -> pd.DataFrame:
    return pd.read_parquet(result.artifacts["candidates.parquet"])


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> StageResult:
    return night(make_table(), tmp_path_factory.mktemp("drawn"), transfer="always", gate=GATE)


def test_what_reads_well_is_published_whether_it_is_accepted_or_not(drawn: StageResult) -> None:
    table, rows = published(drawn), added(drawn)
    assert pq.read_schema(drawn.artifacts["candidates.parquet"]).remove_metadata() == SCHEMA
    assert drawn.metrics["transfer"]["candidates"] == len(table) > table["accepted"].sum() > 0
    assert drawn.metrics["transfer"]["accepted"] == table["accepted"].sum()
    assert set(table.loc[table["accepted"], "text"]) == set(rows.loc[rows["accepted"], "text"])
    assert set(zip(table["parent_id"], table["text"], strict=True)) <= set(
        zip(rows["parent_id"], rows["text"], strict=True)
    )
    assert table["readable"].between(0, 1).all()
    assert table[["noise_level", "similarity", "changed", "novelty"]].notna().all(axis=None)
    assert drawn.metrics["transfer"]["seconds"] >= 0


def test_no_copy_of_a_row_and_no_text_twice(drawn: StageResult) -> None:
    forms = published(drawn)["text"].map(normal_form)
    assert forms.is_unique
    assert not set(forms) & {normal_form(row[1]) for row in ROWS}  # gold's rows are among them


def test_what_reads_badly_is_not_published_and_the_table_is_the_same(drawn: StageResult, tmp_path: Path) -> None:
    least = float(published(drawn)["readable"].max())
    strict = night(make_table(), tmp_path / "strict", transfer="always", gate={**GATE, "readable": least + 1e-6})
    assert strict.metrics["transfer"]["candidates"] == 0
    assert "candidates.parquet" not in strict.artifacts
    never = night(make_table(), tmp_path / "never", transfer="never", gate=GATE)
    pd.testing.assert_frame_equal(never.samples.to_pandas(), drawn.samples.to_pandas())
    assert "transfer" not in never.metrics


@pytest.mark.parametrize(("transfer", "wanted", "drawn"), [("auto", True, 1), ("auto", False, 0), ("never", True, 0)])
def test_a_night_that_needs_no_paraphrase_draws_where_training_asks(
    transfer: str, wanted: bool, drawn: int, tmp_path: Path
) -> None:
    given, samples = resources(make_table(PLAIN), tmp_path), make_table(PLAIN)
    config = quick(transfer=transfer, gate=GATE)
    result = perform("augmentation", samples, config, replace(given, candidates_wanted=wanted))
    assert result.samples.num_rows == len(PLAIN)
    assert result.skipped is not None
    assert ("candidates.parquet" in result.artifacts) == drawn
    assert (result.carried is not None) == drawn  # the denoiser that was adapted for it
    assert ("transfer what it knows" in result.skipped) == drawn
