import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.small_table import make_table
from tilth import store
from tilth.errors import RequestError, WorkspaceBusyError
from tilth.store import Cache, Run, Vectors, Workspace
from tilth.store.files import TEMPORARY, clear_leftovers


def workspace(path: Path) -> Workspace:
    return Workspace(root=path, config=None, data=path / "data", runs=path / "data/runs")


def test_nothing_appears_under_the_final_name_when_writing_fails(tmp_path: Path) -> None:
    def fail() -> None:
        with store.atomic(tmp_path / "file.json") as beside:
            beside.write_text("half", encoding="utf-8")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_process_killed_while_writing_leaves_no_half_file(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from tilth.store import atomic\n"
        f"with atomic(Path({str(tmp_path / 'out.bin')!r})) as beside:\n"
        "    file = beside.open('wb'); file.write(b'x' * 1000); file.flush()\n"
        "    print('writing', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "out.bin").exists()
    with store.atomic(tmp_path / "ours.bin") as beside:
        assert clear_leftovers(tmp_path) == 1  # the other's, who is dead
        beside.write_bytes(b"whole")
    (tmp_path / "ours.bin").unlink()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["runs", "cache", "state"])
def test_a_folder_that_cannot_be_written_is_said_before_a_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (folder := tmp_path / "data" / name).mkdir(parents=True)
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != folder and allowed(path, mode))
    words = rf"nothing can be written in .*/data/{name} \(it is read-only for you\); make it writable"
    with pytest.raises(RequestError, match=words), workspace(tmp_path).lock():
        pass
    assert not any(folder.iterdir())


def test_a_table_comes_back_as_it_was_and_equal_tables_have_equal_digests(tmp_path: Path) -> None:
    table = make_table()
    store.write_table(tmp_path / "t.parquet", table)
    back = store.read_table(tmp_path / "t.parquet")
    assert back.data.table.equals(table.data.table)
    assert store.digest_table(back) == store.digest_table(table)
    assert store.digest_table(back.select(range(3))) != store.digest_table(table)


def test_the_lock_keeps_a_second_night_out_and_closes_what_a_killed_one_left(tmp_path: Path) -> None:
    place = workspace(tmp_path)
    dead = Run.create(place.runs, {})
    with place.lock():
        assert dead.record["status"] == "failed"
        code = (
            "from pathlib import Path; from tilth.store import Workspace\n"
            f"root = Path({str(tmp_path)!r})\n"
            "with Workspace(root=root, config=None, data=root / 'data', runs=root / 'data/runs').lock(): pass"
        )
        second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert second.returncode != 0
    assert WorkspaceBusyError.__name__ in second.stderr


def test_two_workspaces_do_not_write_runs_into_one_folder_at_once(tmp_path: Path) -> None:
    one, two = (
        Workspace(root=tmp_path / name, config=None, data=tmp_path / name / "data", runs=tmp_path / "nights")
        for name in "ab"
    )
    with one.lock():
        running = Run.create(one.runs, {})
        with pytest.raises(WorkspaceBusyError, match="nights"), two.lock():
            pass
        assert running.record["status"] == "running"
    with two.lock():
        assert running.record["status"] == "failed"


def test_what_another_machine_left_is_a_leftover_after_a_day(tmp_path: Path) -> None:
    for name, age in (("fresh", 60), ("old", 100_000)):
        path = tmp_path / f"{TEMPORARY}other-host-7-{name}"
        path.mkdir()
        os.utime(path, (time.time() - age,) * 2)
    assert clear_leftovers(tmp_path) == 1
    assert [path.name[-5:] for path in tmp_path.iterdir()] == ["fresh"]


def test_runs_are_found_promoted_and_named(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="tilth run"):
        store.find(tmp_path)
    run = Run.create(tmp_path, {"seed": 1})
    run.finish("completed")
    assert store.latest(tmp_path) is None
    run.promote()
    assert store.find(tmp_path).path == run.path
    assert json.loads((tmp_path / "latest" / "run.json").read_text(encoding="utf-8"))["status"] == "completed"
    with pytest.raises(RequestError, match=r"valid:|did you mean"):
        store.find(tmp_path, "nope")


def test_a_night_follows_the_newest_one_where_the_clock_was_put_back(tmp_path: Path) -> None:
    """A day ahead, over the end of a month, and beside it a folder that only looks like a night."""
    for name in ("29991231-235959", "29991231-235959-2", "99999999-999999"):
        (tmp_path / name).mkdir()
    assert Run.create(tmp_path, {}).path.name == "30000101-000000"
    again = Run.create(tmp_path, {"started": "2999-12-31T23:00:00+00:00"})
    assert again.path.name == "30000101-000001"
    assert again.finish("completed")["seconds"] == 0.0
    assert [run.path.name for run in store.all_runs(tmp_path)] == ["30000101-000000", "30000101-000001"]


def test_vectors_are_kept_once_and_joined_when_there_are_many_files(tmp_path: Path) -> None:
    keys = [bytes([n]) * 16 for n in range(40)]
    for n, key in enumerate(keys):
        vectors = Vectors(tmp_path)
        assert vectors.missing([key, key]) == [0]
        vectors.add([key], np.full((1, 4), n, dtype=np.float32))
    assert Vectors(tmp_path).get(keys)[:, 0].tolist() == list(range(40))
    assert len(list(tmp_path.iterdir())) < 40


def test_vectors_of_texts_are_computed_for_those_not_held(tmp_path: Path) -> None:
    asked = []

    def lengths(texts: list[str]) -> np.ndarray:
        asked.append(texts)
        return np.array([[len(text)] for text in texts], dtype=np.float32)

    assert Vectors(tmp_path).of(["a", "bb", "a"], lengths)[:, 0].tolist() == [1, 2, 1]
    assert Vectors(tmp_path).of(["ccc", "bb"], lengths)[:, 0].tolist() == [3, 2]
    assert asked == [["a", "bb"], ["ccc"]]


def test_a_damaged_cache_file_is_computed_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    value = {"x": np.arange(3)}
    cache.arrays("kind", "key", lambda: value)
    (tmp_path / "kind" / "key.safetensors").write_bytes(b"garbage")
    assert cache.arrays("kind", "key", lambda: value)["x"].tolist() == [0, 1, 2]


def test_no_file_of_a_published_folder_is_temporary(tmp_path: Path) -> None:
    with store.atomic(tmp_path / "folder") as beside:
        beside.mkdir()
        (beside / "a").write_text("1", encoding="utf-8")
    assert [p.name for p in tmp_path.rglob("*")] == ["folder", "a"]
    assert not any(TEMPORARY in path.name for path in tmp_path.iterdir())
