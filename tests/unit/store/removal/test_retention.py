"""What stays of earlier nights and of the cache."""

from __future__ import annotations

import json
import os
import re
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tilth
from tilth import store
from tilth.config import StoreConfig
from tilth.errors import DamagedFileError, RequestError, WorkspaceBusyError
from tilth.night import promote
from tilth.store import Cache, Run, Vectors, Workspace, cache
from tilth.store.files import TEMPORARY, size
from tilth.store.removal import retention
from tilth.store.tables import read_column

TODAY = 1_767_225_600  # 2026-01-01
DAY = 86_400


def at(path: Path) -> Workspace:
    return Workspace(root=path, config=None, data=path / "data", runs=path / "data/runs")


def texts(path: Path, *values: str) -> None:
    pq.write_table(pa.table({"text": list(values)}), path)


def night(place: Workspace, day: int, *words: str, status: str = "completed", promoted: bool = False) -> Run:
    """A night of that day of 2026, on rows with these texts."""
    folder = place.runs / f"202601{day:02d}-000000"
    folder.mkdir(parents=True)
    record = {
        "run_id": folder.name,
        "status": status,
        "started": f"2026-01-{day:02d}T00:00:00+00:00",
        "promoted": promoted,
        "carried": {"in": {}, "out": {"augmentation": f"{day:032x}"}},
        "stages": [{"name": "training", "artifacts": ["model", "queue.csv", "held_out.parquet"]}],
    }
    store.write_json(folder / "run.json", record)
    (place.state / f"{day:032x}").mkdir(parents=True)
    (place.state / f"{day:032x}" / "weights").write_bytes(b"w" * 100)
    for name in ("0-input.parquet", "5-training.parquet", "held_out.parquet"):
        texts(folder / name, *words)
    (folder / "model").mkdir()
    (folder / "model/model.onnx").write_bytes(b"m" * 1000)
    for name in ("queue.csv", "unreadable.txt", "report.html", "notes.txt"):
        (folder / name).write_text(name, encoding="utf-8")
    return Run(folder)


def left(run: Run) -> set[str]:
    return {path.name for path in run.path.iterdir()}


ALL = {
    "run.json", "0-input.parquet", "5-training.parquet", "held_out.parquet", "model", "queue.csv", "report.html",
    "notes.txt", "unreadable.txt",
}  # fmt: skip


STAY = {"run.json", "report.html", "notes.txt"}


def test_of_older_nights_the_record_the_report_and_promoted_models_stay(tmp_path: Path) -> None:
    place = at(tmp_path)
    nights = [night(place, day, "a", promoted=day == 2) for day in (1, 2, 3, 4)]
    (place.data / "labels.sqlite").write_bytes(b"answers")
    (place.data / "odd").write_bytes(b"unknown")
    found = retention.clean_workspace(place, StoreConfig(keep_runs=2))
    assert left(nights[0]) == STAY
    assert left(nights[1]) == STAY | {"model", "held_out.parquet"}
    assert left(nights[2]) == left(nights[3]) == ALL
    assert sorted(path.name for path in place.state.iterdir()) == [f"{day:032x}" for day in (3, 4)]
    assert (place.data / "labels.sqlite").read_bytes() == b"answers"
    assert (place.data / "odd").exists()
    counts = {item.what: (item.count, item.bytes) for item in found.removed}
    tables = sum(size(nights[3].path / name) for name in ALL - STAY - {"held_out.parquet", "model"})
    assert counts == {  # the first night's held-out answers go with its model
        "tables of nights": (9, 2 * tables + size(nights[3].path / "held_out.parquet")),
        "models of nights": (1, 1000),
        "state that only those nights name": (2, 200),
    }
    assert found.nights == 2
    assert nights[0].record["status"] == "completed"
    with pytest.raises(RequestError, match=r"tilth clean removed its tables on .*keep_runs"):
        store.newest_table(nights[0].path)
    assert retention.clean_workspace(place, StoreConfig(keep_runs=2)).removed == []


def test_the_latest_promoted_night_stays_whole_however_old(tmp_path: Path) -> None:
    place = at(tmp_path)
    nights = [night(place, day, "a", promoted=day == 1) for day in (1, 2, 3)]
    nights[0].promote()
    retention.clean_workspace(place, StoreConfig(keep_runs=1))
    assert left(nights[0]) == left(nights[2]) == ALL
    assert "model" not in left(nights[1])


def test_failed_nights_do_not_push_out_completed_ones(tmp_path: Path) -> None:
    place = at(tmp_path)
    nights = [night(place, day, "a", status="completed" if day < 3 else "failed") for day in (1, 2, 3, 4, 5)]
    retention.clean_workspace(place, StoreConfig(keep_runs=2))
    assert [left(run) == ALL for run in nights] == [True] * 5


def test_killed_nights_and_unfinished_files_go_and_are_counted(tmp_path: Path) -> None:
    place = at(tmp_path)
    dead = night(place, 1, "a", status="running")
    (place.data / "cache").mkdir()
    (place.data / "cache" / f"{TEMPORARY}other-7-x").write_bytes(b"half")
    os.utime(place.data / "cache" / f"{TEMPORARY}other-7-x", (0, 0))
    with place.lock(put_right=False):
        dry = retention.clean_workspace(place, StoreConfig(), dry_run=True)
        assert left(dead) == ALL
        found = retention.clean_workspace(place, StoreConfig())
    assert dry.removed == found.removed
    assert [(item.what, item.count, item.bytes) for item in found.removed][:2] == [
        ("unfinished files", 1, 4),
        ("nights that were killed, closed as failed", 1, 0),
    ]
    assert dead.record["status"] == "failed"
    assert left(dead) == STAY
    assert list((place.data / "cache").iterdir()) == []


def entry(place: Workspace, kind: str, number: int, bytes_: int, days: float) -> Path:
    """An entry of the cache, last used so many days after the first of January."""
    path = place.cache / kind / f"{number:032x}"
    path = path if kind in cache.FOLDERS else path.with_suffix(".safetensors")
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind in cache.FOLDERS:
        path.mkdir()
        (path / "file").write_bytes(b"x" * bytes_)
    else:
        path.write_bytes(b"x" * bytes_)
    os.utime(path, (TODAY + days * DAY,) * 2)
    return path


def test_the_cache_shrinks_to_its_limit_by_what_no_kept_night_used_oldest_first(tmp_path: Path) -> None:
    place = at(tmp_path)
    night(place, 10, "a")
    days = {"stages": 1, "onnx": 2, "votes": 3, "neighbors": 20}
    paths = {kind: entry(place, kind, n, 400_000_000 // 1000, day) for n, (kind, day) in enumerate(days.items())}
    unknown = place.cache / "of somebody else"
    unknown.mkdir()
    for limit, gone in ((0.002, []), (0.0011, ["stages", "onnx"]), (0.0, ["stages", "onnx", "votes"])):
        expected = retention.clean_workspace(place, StoreConfig(max_cache_gb=limit), dry_run=True)
        found = retention.clean_workspace(place, StoreConfig(max_cache_gb=limit))
        assert found == expected
        assert [kind for kind, path in paths.items() if not path.exists()] == gone
    assert found.cache_bytes == 400_000  # a kept night used it
    assert "more than its limit" in retention.cleaning_in_words(found.to_json())[-1]
    assert unknown.exists()


def test_vectors_of_texts_that_no_kept_night_has_are_forgotten(tmp_path: Path) -> None:
    place = at(tmp_path)
    night(place, 1, "old text")
    night(place, 2, "kept", "kept too")
    folder = place.cache / "embeddings" / f"{1:032x}"

    def compute(texts: list[str]) -> np.ndarray:
        return np.array([[len(text)] * 8 for text in texts], dtype=np.float32)

    Vectors(folder).of(["old text", "kept", "a candidate", "kept too"], compute)
    roomy = retention.clean_workspace(place, StoreConfig(keep_runs=1, max_cache_gb=1))
    assert len(Vectors(folder)) == 4  # within the limit nothing of the cache goes
    assert [item.what for item in roomy.removed] == [
        "tables of nights", "models of nights", "state that only those nights name"
    ]  # fmt: skip
    found = retention.clean_workspace(place, StoreConfig(keep_runs=1, max_cache_gb=0))
    assert [(item.what, item.count) for item in found.removed] == [("vectors of texts that no kept night has", 2)]
    held = Vectors(folder)
    assert len(held) == 2
    assert held.of(["kept too", "kept"], lambda texts: pytest.fail("computed again"))[:, 0].tolist() == [8, 4]


def test_taking_a_value_is_a_use_of_it(tmp_path: Path) -> None:
    made = Cache(tmp_path)
    made.arrays("neighbors", "0" * 32, lambda: {"x": np.zeros(1)})
    vectors = Vectors(tmp_path / "embeddings" / ("1" * 32))
    vectors.of(["a"], lambda texts: np.zeros((1, 2), dtype=np.float32))
    for unit in cache.units(tmp_path):
        os.utime(unit.path, (0, 0))
    made.arrays("neighbors", "0" * 32, dict)
    Vectors(vectors.folder).missing([b"x" * 16])  # asking whether it is there is none
    used = {unit.kind: time.time() - unit.used < 60 for unit in cache.units(tmp_path)}
    assert used == {"neighbors": True, "embeddings": False}
    Vectors(vectors.folder).of(["a"], lambda texts: np.zeros((1, 2), dtype=np.float32))
    assert all(time.time() - unit.used < 60 for unit in cache.units(tmp_path))


def test_every_kind_of_the_cache_is_known_to_retention() -> None:
    named = set()
    for path in Path(tilth.__file__).parent.rglob("*.py"):
        named |= set(re.findall(r"\b_?cache\.(?:folder|arrays)\(\s*\"(\w+)\"", path.read_text(encoding="utf-8")))
    assert named == {*cache.VECTORS, *cache.FOLDERS, *cache.FILES}


def test_a_night_at_work_keeps_cleaning_out(tmp_path: Path) -> None:
    place, other = at(tmp_path), at(tmp_path)
    with place.lock(), pytest.raises(WorkspaceBusyError, match="wait for it to end") as refused, other.lock():
        pass
    assert refused.value.exit_status == 2


def test_vectors_stay_on_disk_and_are_joined_without_being_in_memory(tmp_path: Path) -> None:
    rows, width = 4000, 256
    vectors = Vectors(tmp_path)
    whole = 31 * rows * width * 4  # 127 MB
    keys = [[b"%08d%08d" % (part, row) for row in range(rows)] for part in range(32)]
    tracemalloc.start()
    try:
        for part in range(32):
            vectors.add(keys[part], np.full((rows, width), part, dtype=np.float32))
        opened = Vectors(tmp_path)
        found = opened.get([keys[3][7], keys[31][0], keys[3][7]])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(list(tmp_path.iterdir())) == 1
    assert found[:, 0].tolist() == [3, 31, 3]
    assert peak < whole / 2


def test_a_damaged_file_is_named_with_the_way_out(tmp_path: Path) -> None:
    for name in ("run.json", "0-input.parquet"):
        (tmp_path / name).write_bytes(b"PAR1 no")
    readers = {"run.json": store.read_json, "0-input.parquet": store.read_table}
    readers["0-input.parquet "] = lambda path: list(read_column(tmp_path / "0-input.parquet", "text"))
    for name, reader in readers.items():
        with pytest.raises(DamagedFileError, match=rf"{name.strip()} is damaged: expected .* 7 bytes .*backup"):
            reader(tmp_path / name)


def test_one_damaged_record_stops_no_night(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    place = at(tmp_path)
    bad, good = night(place, 1, "a"), night(place, 2, "a", status="running")
    (bad.path / "run.json").write_text("{", encoding="utf-8")
    with place.lock():
        assert json.loads((good.path / "run.json").read_text(encoding="utf-8"))["status"] == "failed"
    assert f"run {bad.path.name} is left out" in caplog.text
    retention.clean_workspace(place, StoreConfig(keep_runs=1))
    assert "model" in left(bad)


def test_a_night_cleans_after_itself_only_where_that_is_asked_for(tmp_path: Path) -> None:
    place = at(tmp_path)
    nights = [night(place, day, "a") for day in (1, 2)]
    for auto, kept in ((False, True), (True, False)):
        nights[1].update(
            config={"store": {"keep_runs": 1, "auto_clean": auto}},
            workspace={"root": str(tmp_path), "config": None, "data": str(place.data)},
            tasks=[],
        )
        promote(nights[1])
        assert ("model" in left(nights[0])) is kept
        assert ("cleaned_up" in nights[1].record) is auto
    assert retention.cleaning_in_words(nights[1].record["cleaned_up"])[1] == "removed models of nights: 1 (1.0 kB)"


def test_a_cleaning_that_fails_leaves_the_night_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("tilth.store.files.discard", refuse)
    new = [night(at(tmp_path), day, "a") for day in (1, 2)][1]
    new.update(
        config={"store": {"keep_runs": 1, "auto_clean": True}},
        workspace={"root": str(tmp_path), "config": None, "data": str(tmp_path / "data")},
        tasks=[],
    )
    promote(new)
    assert new.record["status"] == "completed"
    assert "auto_clean removed only a part: [Errno 13] Permission denied" in caplog.text
