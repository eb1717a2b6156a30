"""Between two trainings the last model answers: every row, the new ones too, with gold measured anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

from tests.small_table import ROWS, HashingEncoder, make_table
from tests.unit.training.tiny_encoder import FROZEN, FolderEncoder, resources
from tests.unit.training.tiny_pictures import picture_resources, picture_table
from tilth import samples as table
from tilth import stage
from tilth.store import HELD_OUT, Fits, digest_tree, read_table
from tilth.training import carried_model

NEW = ("n1", "my money is still not back from the refund", "train", "billing", "refund")


def perform(samples: Dataset, folder: Path, encoder: Path, fits: Fits) -> stage.StageResult:
    handed = resources(samples, FolderEncoder(encoder), folder)
    handed.evidence.fits = fits
    return stage.perform("training", samples, FROZEN, handed)


@pytest.mark.parametrize("gold", [True, False])
def test_a_new_row_is_answered_by_the_model_of_the_night_before(
    gold: bool, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row for row in ROWS if gold or row[2] != "gold"]
    fits = Fits(date="2026-11-28T02:00:00+00:00")
    first = perform(make_table(rows), tmp_path / "first", folder, fits)
    assert fits.write(tmp_path / "carried")

    def fail(*_: Any) -> None:
        pytest.fail("trained again")

    monkeypatch.setattr(carried_model, "train", fail)
    # A gold row that somebody corrected is measured as it is now.
    samples = make_table([(*row[:3], "network", "outage") if row[0] == "g1" else row for row in rows] + [NEW])
    fits = Fits(carried=tmp_path / "carried", share=0.5)
    second = perform(samples, tmp_path / "second", folder, fits)
    assert [(made.name, made.reused, made.changed) for made in fits.made] == [("the exported model", True, 1)]
    assert digest_tree(second.artifacts["model"]) == digest_tree(first.artifacts["model"])
    before, after = table.to_pandas(first.samples), table.to_pandas(second.samples)
    for name in ("intent_predicted", "intent_predicted_confidence", "out_of_scope_score"):
        assert after[name].tolist()[: len(before)] == before[name].tolist()
    assert after["intent_predicted"].notna().all()
    shown = [{**found.metrics, "gold": 0, "out_of_scope": 0} for found in (first, second)]
    assert shown[0] == shown[1]  # what training measured stands as it was
    if gold:
        gold_rows = after[after["split"] == "gold"]
        right = (gold_rows["intent_predicted"] == gold_rows["intent_given"]).mean()
        assert second.metrics["gold"]["intent"]["accuracy"] == right
        assert second.metrics["gold_rows"] == 2
    # What this night hands on is that model, and no other.
    assert fits.write(tmp_path / "again")
    models = [next((tmp_path / name).glob("*/model")) for name in ("carried", "again")]
    assert digest_tree(models[0]) == digest_tree(models[1]) == digest_tree(first.artifacts["model"])


def test_held_out_answers_are_of_rows_that_are_still_there(folder: Path, tmp_path: Path) -> None:
    rows = [row for row in ROWS if row[2] != "gold"]
    fits = Fits()
    first = perform(make_table(rows), tmp_path / "first", folder, fits)
    fits.write(tmp_path / "carried")
    held = read_table(first.artifacts[HELD_OUT])["id"][:]
    assert len(held) > 1
    gone, turned = held[0], held[1]
    changed = [(row[0], "another text", *row[2:]) if row[0] == turned else row for row in rows if row[0] != gone]
    second = perform(make_table(changed), tmp_path / "second", folder, Fits(carried=tmp_path / "carried", share=1.0))
    assert read_table(second.artifacts[HELD_OUT])["id"][:] == held[2:]


def test_another_config_or_the_first_gold_row_trains_anew(folder: Path, tmp_path: Path) -> None:
    rows = [row for row in ROWS if row[2] != "gold"]
    fits = Fits(basis={"config": "1"})
    perform(make_table(rows), tmp_path / "first", folder, fits)
    fits.write(tmp_path / "carried")
    later = Fits(carried=tmp_path / "carried", share=1.0, basis={"config": "2"}, date="2026-11-29")
    perform(make_table(), tmp_path / "second", folder, replace(later))
    [made] = [made for made in later.made if made.name == "the exported model"]
    assert not made.reused
    assert "config, whether there is gold" in made.why


def test_another_picture_is_another_row(tmp_path: Path) -> None:
    samples = picture_table(tmp_path, rows=12)
    handed = picture_resources(samples, HashingEncoder(), tmp_path)
    frame = table.to_pandas(samples)
    before = carried_model._digests(frame, handed.tasks, handed)
    assert len(before) == 12  # those of a picture alone, too
    handed.evidence.pictures.digests[2] = "another"  # type: ignore[union-attr]
    after = carried_model._digests(frame, handed.tasks, handed)
    assert len(set(before) - set(after)) == 1
