"""Fits that go on from night to night: what is taken over, what is fitted anew, and why."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tilth.store import Cache, Fits, fits_left, labeled_row_digests, link_or_copy, row_digests
from tilth.store.fits.fit_records import rows_changed

KEYS = np.arange(100, 200, dtype=np.uint64)
CODES = np.zeros(100, dtype=np.int64)


class Night:
    """A night with one fit, which counts how often it is fitted."""

    def __init__(self, folder: Path, carried: Path | None, **settings: Any) -> None:
        settings = {"share": 0.05, "date": "2026-11-28T02:00:00+00:00", "basis": {"code": "1"}, **settings}
        self.fits, self.folder, self.fitted = Fits(carried=carried, **settings), folder, 0

    def fit(self, keys: np.ndarray = KEYS, codes: np.ndarray = CODES, **rest: Any) -> float:
        def mean() -> dict[str, np.ndarray]:
            self.fitted += 1
            return {"mean": np.array([keys.mean()])}

        found = self.fits.arrays("a mean", row_digests(keys, codes[: len(keys)]), mean, **rest)
        return float(found["mean"][0])

    def close(self) -> Path:
        assert self.fits.write(self.folder)
        return self.folder


@pytest.fixture
def first(tmp_path: Path) -> Path:
    night = Night(tmp_path / "first", None)
    assert night.fit() == 149.5
    assert [(one.reused, one.why) for one in night.fits.made] == [(False, "no earlier night left one")]
    return night.close()


def test_below_the_share_a_fit_is_taken_over_with_its_date(first: Path, tmp_path: Path) -> None:
    night = Night(tmp_path / "second", first, date="2026-11-29T02:00:00+00:00")
    changed = np.where(np.arange(100) < 4, KEYS + 1000, KEYS)
    assert night.fit(changed) == 149.5
    assert night.fitted == 0
    [made] = night.fits.made
    assert (made.reused, made.changed, made.rows, made.date[:10]) == (True, 4, 100, "2026-11-28")
    assert made.why == "4 of 100 rows changed since, below 5.0%"
    third = Night(tmp_path / "third", night.close())  # changes add up since the fit, not since the last night
    assert third.fit(np.where(np.arange(100) < 6, KEYS + 1000, KEYS)) == 209.5
    assert third.fits.made[0].why == "6 of 100 rows changed since 2026-11-28, 5.0% or more"


def test_whoever_reads_a_night_again_has_what_it_left(first: Path, tmp_path: Path) -> None:
    shutil.copytree(first, tmp_path / "data" / "state" / "left")
    record = {"workspace": {"data": str(tmp_path / "data")}, "carried": {"in": {}, "out": {"cleaning.fits": "left"}}}
    for name, found in (("cleaning", 149.5), ("training", 1149.5)):
        night = Night(tmp_path / name, None)
        night.fits = fits_left(record, name, Cache(tmp_path / "cache"))
        assert night.fit(KEYS + 1000, basis={"code": "1"}) == found
    assert fits_left({**record, "carried": {}}, "cleaning", Cache(tmp_path / "cache")).carried is None


@pytest.mark.parametrize(
    ("rows", "codes"),
    [(np.arange(100, 206), np.zeros(106)), (np.arange(106, 200), np.zeros(94)), (KEYS, np.arange(100) < 6)],
    ids=["added", "removed", "relabeled"],
)
def test_rows_that_come_go_or_change_their_label_count_alike(
    rows: np.ndarray, codes: np.ndarray, first: Path, tmp_path: Path
) -> None:
    night = Night(tmp_path / "second", first)
    night.fit(rows.astype(np.uint64), codes.astype(np.int64))
    assert night.fitted == 1
    assert night.fits.made[0].why.startswith("6 of ")


def test_whatever_else_a_fit_rests_on_is_named_where_it_changed(first: Path, tmp_path: Path) -> None:
    night = Night(tmp_path / "second", first, basis={"code": "2"})
    night.fit(basis={"classes": "a"})
    assert night.fitted == 1
    assert night.fits.made[0].why == "changed since 2026-11-28: classes, code"


def test_a_name_that_comes_again_has_a_fit_of_its_own_and_the_same_rows_are_fitted_once(tmp_path: Path) -> None:
    night = Night(tmp_path / "first", None)
    assert [night.fit(), night.fit(KEYS[:50]), night.fit(), night.fit(KEYS[:50])] == [149.5, 124.5, 149.5, 124.5]
    assert night.fitted == 2
    later = Night(tmp_path / "second", night.close())
    assert [later.fit(KEYS[:99]), later.fit(KEYS[:49])] == [149.5, 124.5]
    assert [made.name for made in later.fits.made] == ["a mean", "a mean #2"]


def test_plain_data_goes_on_too(tmp_path: Path) -> None:
    rows = row_digests(KEYS, CODES)
    night = Fits(date="2026-11-28T02:00:00+00:00")
    assert night.facts("best", rows, lambda: {"rank": 3, "says": "so"}) == {"rank": 3, "says": "so"}
    night.write(tmp_path / "first")
    later = Fits(carried=tmp_path / "first", share=0.01)
    assert later.facts("best", rows, lambda: pytest.fail("fitted again")) == {"rank": 3, "says": "so"}


def test_who_was_killed_finds_what_was_fitted_in_the_cache(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    killed, again = Night(tmp_path / "a", None, cache=cache), Night(tmp_path / "b", None, cache=cache)
    assert killed.fit() == again.fit()
    assert (killed.fitted, again.fitted) == (1, 0)
    assert again.fits.made[0].reused is False  # for the record it is this night's, whoever computed it
    again.fit(weights=np.ones(100))
    assert again.fitted == 0  # the same rows in the same night
    assert Night(tmp_path / "c", None, cache=cache).fit(weights=np.ones(100)) == 149.5


@pytest.mark.parametrize("file", ["fits.json", "*.safetensors"])
def test_what_is_damaged_is_fitted_anew_and_said(
    file: str, first: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    [path] = first.glob(file)
    path.write_bytes(path.read_bytes()[:-5])
    night = Night(tmp_path / "second", first)
    assert night.fit() == 149.5
    assert night.fitted == 1
    assert "fitted anew" in caplog.text


def test_models_that_were_taken_away_are_not_called_damaged(
    first: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.rmtree(first)
    assert Night(tmp_path / "second", first).fit() == 149.5
    assert f"{first} is gone (tilth forget takes such models away): what it held is fitted anew" in caplog.text
    assert "damaged" not in caplog.text


def test_no_fit_leaves_no_folder(tmp_path: Path) -> None:
    assert not Fits().write(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


def test_a_row_counts_with_the_labels_of_all_its_tasks() -> None:
    keys = np.array([1, 2, 3], dtype=np.uint64)
    first, second = np.array([0, -1, -1]), np.array([-1, 1, -1])
    both = labeled_row_digests(keys, [first, second])
    assert both.tolist() == row_digests(row_digests(keys, first), second)[:2].tolist()
    assert rows_changed(both, labeled_row_digests(keys, [first, np.array([-1, 0, -1])])) == 1
    assert len(labeled_row_digests(keys, [])) == 0


def test_a_file_is_copied_where_the_disk_gives_no_second_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("what it holds")
    link_or_copy(str(tmp_path / "a"), str(tmp_path / "b"))
    assert (tmp_path / "b").stat().st_ino == (tmp_path / "a").stat().st_ino

    def refuse(*_names: str) -> None:
        raise OSError("this disk has no links")

    monkeypatch.setattr(os, "link", refuse)
    link_or_copy(str(tmp_path / "a"), str(tmp_path / "c"))
    assert (tmp_path / "c").read_text() == "what it holds"
    assert (tmp_path / "c").stat().st_ino != (tmp_path / "a").stat().st_ino
