"""Texts and pictures in one model: rows of either alone and of both, tasks of texts, of pictures and of both."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from tests.small_table import HashingEncoder
from tests.unit.training.tiny_encoder import FROZEN, FolderEncoder
from tests.unit.training.tiny_pictures import picture_resources, picture_table, see_colors
from tilth import samples as table
from tilth import store, training
from tilth.cli.models.predicting import answer
from tilth.errors import DamagedFileError, RequestError
from tilth.stage import StageResult
from tilth.training import Predictor


@pytest.fixture(scope="module")
def night(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StageResult, Path]]:
    """A night of all kinds of rows, and the folder of its pictures."""
    home = tmp_path_factory.mktemp("pictures")
    with pytest.MonkeyPatch.context() as patch:
        see_colors(patch)
        samples = picture_table(home)
        yield training.run(samples, FROZEN, picture_resources(samples, FolderEncoder(folder), home)), home


def test_gold_rows_of_a_picture_alone_are_measured_by_their_pictures(night: tuple[StageResult, Path]) -> None:
    result, _ = night
    frame = table.to_pandas(result.samples).set_index("id")
    gold = frame[frame["split"].eq("gold")]
    alone = gold[gold["text"].eq("")]
    assert len(alone) == 2
    assert alone["color_predicted"].tolist() == alone["color_given"].tolist()
    assert alone["shade_predicted"].tolist() == alone["shade_given"].tolist()
    assert gold["shade_predicted"].isna().tolist() == gold["picture_digest"].isna().tolist()
    assert result.metrics["gold"]["color"]["accuracy"] == 1.0
    facts = result.metrics["pictures"]["tasks"]
    assert facts["shade"]["why"] == "no text teaches it"
    assert facts["color"]["labeled_pictures"] == 40
    assert result.metrics["export"]["pictures"]["weights"] == "int8"
    assert "classes_without_rows" not in result.metrics  # of "shade" pictures teach every class


def test_the_folder_answers_texts_pictures_and_both_alone_and_in_a_batch(night: tuple[StageResult, Path]) -> None:
    result, home = night
    predictor = Predictor.load(result.artifacts["model"])
    frame = table.to_pandas(result.samples)
    pictures = [home / path if isinstance(path, str) else None for path in frame["picture_path"]]
    said = predictor(frame["text"].tolist(), pictures=pictures)
    assert [one["color"]["label"] for one in said] == frame["color_predicted"].tolist()
    for row in (0, 2, 4):  # a text, a picture, both
        assert predictor(frame["text"][row], pictures=pictures[row]) == said[row]
    alone = predictor(pictures=[home / "2.png", (home / "2.png").read_bytes(), Image.open(home / "2.png")])
    assert alone == [said[2]] * 3
    assert predictor(pictures=home / "2.png") == said[2]
    assert predictor([None], pictures=[None])[0]["color"] == {"label": None, "confidence": 0.0, "out_of_scope": True}
    assert predictor("my refund")["shade"]["label"] is None


@pytest.mark.parametrize(
    ("texts", "pictures", "expected"),
    [
        (["a", "b"], [None], "2 texts and 1 pictures"),
        (["a"], "a.png", "expected a list of pictures"),
        (None, ["gone.png"], "place 0 \\(gone.png\\) cannot be read"),
        (None, [b"GIF89a"], "place 0 cannot be used"),
        (None, [3.5], "expected a picture at place 0, found float"),
        (None, None, "found neither"),
    ],
)
def test_what_is_no_picture_is_named(night: tuple[StageResult, Path], texts: Any, pictures: Any, expected: str) -> None:
    with pytest.raises(RequestError, match=expected):
        Predictor.load(night[0].artifacts["model"])(texts, pictures=pictures)


def test_a_changed_picture_file_is_refused(night: tuple[StageResult, Path], tmp_path: Path) -> None:
    copy = tmp_path / "model"
    shutil.copytree(night[0].artifacts["model"], copy)
    (copy / "pictures.npz").write_bytes((copy / "pictures.npz").read_bytes() + b" ")
    with pytest.raises(DamagedFileError, match=r"pictures\.npz has changed"):
        Predictor.load(copy)


def test_pictures_alone_need_no_encoder(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    see_colors(monkeypatch)
    samples = picture_table(tmp_path, kinds="p", rows=40, gold="p")
    result = training.run(samples, FROZEN, picture_resources(samples, FolderEncoder(folder), tmp_path))
    assert result.metrics["gold"]["color"]["accuracy"] == 1.0
    assert (result.artifacts["model"] / "model.onnx").stat().st_size < 10_000
    answer = Predictor.load(result.artifacts["model"])
    assert answer(pictures=tmp_path / "0.png")["color"]["label"] == "red"
    assert answer("my refund")["color"]["label"] is None


def test_without_gold_pictures_alone_are_cross_validated_and_held_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    see_colors(monkeypatch)
    samples = picture_table(tmp_path, gold="")
    result = training.run(samples, FROZEN, picture_resources(samples, HashingEncoder(), tmp_path))
    assert result.metrics["cross_validated"]["shade"]["accuracy"] == 1.0
    held = store.read_table(result.artifacts[store.HELD_OUT]).to_pandas().set_index("id")
    frame = table.to_pandas(samples).set_index("id").loc[held.index]
    alone = held[frame["text"].eq("")]
    assert len(alone) > 0
    assert alone["shade_predicted"].tolist() == alone["shade"].tolist()
    assert alone["text_digest"].tolist() == frame.loc[alone.index, "picture_digest"].tolist()


def answer_file(model: Path, rows: Path, out: Path, **changes: Any) -> list[dict[str, Any]]:
    options: dict[str, Any] = {"text": None, "image": None, "force": True, "as_json": True}
    answer((), input=str(rows), out=out, run=str(model), **{**options, **changes})
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_predict_reads_a_column_of_pictures(
    night: tuple[StageResult, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, home = night[0].artifacts["model"], night[1]
    (home / "broken.png").write_bytes(b"GIF89a")
    rows = home / "rows.csv"
    rows.write_text("text,image\n,2.png\n,3.png\nmy refund,../2.png\nmy refund,broken.png\n,gone.png\n")
    said = answer_file(model, rows, tmp_path / "out.jsonl")
    assert [one["color_predicted"] for one in said] == ["red", "blue", "red", "red", None]
    assert [one["shade_predicted"] for one in said] == ["light", "light", None, None, None]
    expected = "whose rows went by their text (broken: 1, missing: 1, outside: 1; first: row 3)"
    assert expected in " ".join(capsys.readouterr().err.split())
    with pytest.raises(RequestError, match='no column "photo"'):
        answer_file(model, rows, tmp_path / "out.jsonl", image="photo")
    content = [{"bytes": (home / "3.png").read_bytes(), "path": None}, {"bytes": None, "path": "2.png"}, None]
    pd.DataFrame({"photo": content}).to_parquet(home / "rows.parquet")
    said = answer_file(model, home / "rows.parquet", tmp_path / "out.jsonl", image="photo")
    assert [one["color_predicted"] for one in said] == ["blue", "red", None]


def test_a_column_of_pictures_and_a_model_of_texts_alone(written: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text,image\nrefund still missing after two weeks,a.png\n")
    said = answer_file(written, tmp_path / "rows.csv", tmp_path / "out.jsonl")[0]
    text = "refund still missing after two weeks"
    assert said["intent_predicted"] == Predictor.load(written)(text)["intent"]["label"]
    with pytest.raises(RequestError, match="knows no pictures"):
        answer_file(written, tmp_path / "rows.csv", tmp_path / "out.jsonl", image="image")
