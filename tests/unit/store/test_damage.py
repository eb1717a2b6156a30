"""One bit that a disk turned is found by a digest, said, and what it held is computed again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.small_table import make_table
from tilth import progress, store
from tilth.errors import DamagedFileError
from tilth.night.stages.result_cache import kept
from tilth.night.stages.stage_runner import write_result
from tilth.stage import StageResult
from tilth.store import Cache, Vectors, vectors


def turn_a_bit(path: Path) -> None:
    """Turn one bit of a file's last byte."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


def test_arrays_of_the_cache(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache, made = Cache(tmp_path), []

    def compute() -> dict[str, np.ndarray]:
        made.append(1)
        return {"a": np.arange(40.0), "b": np.ones(3, dtype=np.int32)}

    cache.arrays("fits", "0" * 32, compute)
    assert cache.arrays("fits", "0" * 32, compute)["a"].tolist() == list(range(40))
    assert len(made) == 1
    turn_a_bit(tmp_path / "fits" / f"{'0' * 32}.safetensors")
    assert cache.arrays("fits", "0" * 32, compute)["a"].tolist() == list(range(40))
    assert len(made) == 2
    assert "is damaged (its digest is another than when it was written)" in caplog.text


def test_vectors(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def lengths(texts: list[str]) -> np.ndarray:
        return np.array([[len(text), 1] for text in texts], dtype=np.float32)

    Vectors(tmp_path).of(["a", "bb", "ccc"], lengths)
    assert Vectors(tmp_path).of(["bb", "a"], lambda _: pytest.fail("computed again")).tolist() == [[2, 1], [1, 1]]
    [segment] = tmp_path.glob("*.safetensors")
    turn_a_bit(segment)
    assert Vectors(tmp_path).of(["bb", "a"], lengths).tolist() == [[2, 1], [1, 1]]
    assert "its checksum is another" in caplog.text


def test_a_table(tmp_path: Path) -> None:
    path = tmp_path / "1-cleaning.parquet"
    store.write_table(path, make_table())
    whole, row_group = path.read_bytes(), pq.read_metadata(path).row_group(0)
    for place in range(3):
        column = row_group.column(place)
        start = column.dictionary_page_offset or column.data_page_offset
        turned = bytearray(whole)
        turned[start + column.total_compressed_size - 1] ^= 1  # in the last page of the column
        path.write_bytes(bytes(turned))
        with pytest.raises(DamagedFileError, match=r"1-cleaning\.parquet is damaged"):
            store.read_table(path)


def test_a_stages_result(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_result(tmp_path / "result", StageResult(samples=make_table(), metrics={"rows": 12345}))
    assert kept(tmp_path / "result")
    path = tmp_path / "result" / "result.json"
    path.write_text(path.read_text().replace("12345", "12346"))  # as good JSON as before
    assert not kept(tmp_path / "result")
    assert "is damaged, by its digest: the stage is computed again" in caplog.text


def test_who_is_killed_while_texts_are_encoded_has_lost_one_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "_BLOCK", 3)
    texts, blocks, told = [f"{'x' * (20 - n)}" for n in range(10)], [], []

    def killed(part: list[str]) -> np.ndarray:
        blocks.append(part)
        progress.report("encoding", len(part), len(part))
        if len(blocks) == 3:
            raise KeyboardInterrupt
        return np.ones((len(part), 2), dtype=np.float32)

    with progress.listening(lambda *said: told.append(said)), pytest.raises(KeyboardInterrupt):
        Vectors(tmp_path).of(texts, killed)
    assert [len(part) for part in blocks] == [3, 3, 3]
    assert [len(text) for text in blocks[0]] == [11, 12, 13]  # those of like length together
    assert told == [("encoding", 3, 10), ("encoding", 6, 10), ("encoding", 9, 10)]
    again = Vectors(tmp_path)
    keys = [bytes.fromhex(store.digest(text)) for text in texts]
    assert len(again.missing(keys)) == 4


def test_what_nights_carry_over_is_replaced(tmp_path: Path) -> None:
    fits = store.Fits(date="2026-01-02")
    fits.arrays("probe", np.arange(3, dtype=np.uint64), lambda: {"weights": np.arange(4.0)}, basis={"code": "1"})
    fits.write(tmp_path / "fits")
    name = store.state_digest(tmp_path / "fits")
    store.keep_state(tmp_path / "fits", tmp_path / "state", name)
    [file] = (tmp_path / "state" / name).glob("*.safetensors")
    whole = file.read_bytes()
    assert store.is_whole_state(tmp_path / "state" / name)
    for path in (file, tmp_path / "state" / name / store.FIT_DATES):
        path.write_bytes(path.read_bytes()[:-9])
        assert not store.is_whole_state(tmp_path / "state" / name)
        store.keep_state(tmp_path / "fits", tmp_path / "state", name)
        assert store.is_whole_state(tmp_path / "state" / name)
    assert file.read_bytes() == whole
    assert [path.name for path in (tmp_path / "state").iterdir()] == [name]


def test_what_is_said_of_a_table_is_one_line(tmp_path: Path) -> None:
    store.write_table(tmp_path / "t.parquet", make_table())
    with (tmp_path / "t.parquet").open("r+b") as file:
        file.write(b"x" * 40)  # which Arrow speaks of in several lines
    with pytest.raises(DamagedFileError) as raised:
        store.read_table(tmp_path / "t.parquet")
    assert "\n" not in str(raised.value)
    assert "Invalid data" in str(raised.value)
