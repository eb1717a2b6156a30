from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

import tilth
from tilth.config import EncoderConfig
from tilth.errors import InputError
from tilth.learn.encoder.text_encoder import Encoder
from tilth.store import Cache, Run, locate


def test_rows_are_read_as_a_night_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("body,domain,intent\nwhere is it,orders,late\nhow much,billing,price\nhello,,\n", encoding="utf-8")
    found = tilth.read(path, text="body", tasks=["domain", "domain/intent"])
    assert found.samples["split"][:] == ["train", "train", "unlabeled"]
    assert [(task.name, task.parent) for task in found.tasks] == [("domain", None), ("intent", "domain")]
    assert found.tasks[1].parent_of == {"late": "orders", "price": "billing"}
    with pytest.raises(InputError, match='no column "text"'):
        tilth.read(path)


FRAME = pd.DataFrame(
    {"text": ["where is it", "how much", "hello"], "intent": ["late", "price", None], "channel": ["web", "web", "app"]}
)


def test_a_frame_is_read_as_its_file_is(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "rows.parquet")
    expected = tilth.read(tmp_path / "rows.parquet", tasks="intent").samples.to_pandas()
    found = tilth.read(FRAME, tasks="intent")
    pd.testing.assert_frame_equal(found.samples.to_pandas(), expected)
    assert expected["intent"].tolist()[:2] == ["late", "price"]
    assert [(item["path"], item["rows"]) for item in found.inputs] == [("the DataFrame of rows", 3)]
    kinds = FRAME.astype("category").set_index(pd.Index(["a", "b", "c"], name="id"))
    assert tilth.read(kinds, tasks=["intent"]).samples["id"][:] == ["a", "b", "c"]
    assert list(kinds.columns) == ["text", "intent", "channel"], "the frame itself stays as it is"
    with pytest.raises(InputError, match=r'the DataFrame of rows: no column "body"'):
        tilth.read(FRAME, text="body", tasks="intent")


def test_a_data_set_is_read_by_the_names_of_its_classes(tmp_path: Path) -> None:
    kinds = Features({"text": Value("string"), "label": ClassLabel(names=["no", "yes"])})
    rows = Dataset.from_dict({"text": ["a b", "c d", "e f"], "label": [1, 0, -1]}, features=kinds)
    gold = Dataset.from_dict({"text": ["g h"], "label": [1]}, features=kinds)
    found = tilth.read(rows, gold=gold)
    assert found.tasks[0].labels == ("no", "yes")
    assert found.samples["label"][:] == ["yes", "no", None, "yes"]
    assert found.samples["split"][:] == ["train", "train", "unlabeled", "gold"]
    both = DatasetDict(train=rows, test=gold)
    with pytest.raises(InputError, match=r"rows: found DatasetDict, .* give one of its splits, 'train', 'test'"):
        tilth.read(both)
    both.save_to_disk(tmp_path / "saved")
    again = tilth.read(tmp_path / "saved/train", gold=tmp_path / "saved/test")
    assert again.samples["label"][:] == ["yes", "no", None, "yes"]
    with pytest.raises(InputError, match=r"is a folder; name a file, for example .*saved/test"):
        tilth.read(tmp_path / "saved")


def test_what_is_no_rows_is_named() -> None:
    with pytest.raises(InputError, match=r"rows: found list, expected a path, a DataFrame or a datasets\.Dataset"):
        tilth.read(["a", "b"])


def test_each_thing_says_in_a_line_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "tilth.toml").write_text("", encoding="utf-8")
    run = Run.create(tmp_path / "data/runs", {})
    cache = Cache(tmp_path / "cache")
    assert repr(run) == f"<Run {run.path.name}, running: {run.path}>"
    assert repr(Run(tmp_path)) == f"<Run {tmp_path.name}, no record: {tmp_path}>"
    assert repr(locate(tmp_path / "tilth.toml")) == f"<Workspace {tmp_path}, runs in {tmp_path / 'data/runs'}>"
    assert repr(cache) == f"<Cache {tmp_path / 'cache'}>"
    shown = f"<Encoder default, 256 tokens a chunk, vectors in {tmp_path / 'cache'}>"
    assert repr(Encoder(EncoderConfig(), cache)) == shown


def test_the_nights_of_a_workspace(tmp_path: Path) -> None:
    (tmp_path / "tilth.toml").write_text("", encoding="utf-8")
    assert tilth.runs(tmp_path) == []
    made = [Run.create(tmp_path / "data/runs", {"seed": seed}) for seed in (1, 2)]
    assert [run.record["seed"] for run in tilth.runs(tmp_path)] == [1, 2]
    assert [run.path for run in tilth.runs(tmp_path)] == [run.path for run in made]


def test_public_names_are_there_and_others_are_not() -> None:
    assert all(getattr(tilth, name) is not None for name in tilth.__all__)
    assert dir(tilth) == ["Predictor", "__version__", "examples", "read", "runs"]
    assert tilth.__version__ == version("tilth")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = tilth.nothing
