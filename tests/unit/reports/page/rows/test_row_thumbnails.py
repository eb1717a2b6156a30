"""Pictures on the page: made small, of the rows that matter most, and nothing but pixels."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.unit.reports.fake_run import frame, make
from tests.unit.reports.page_parser import parsed
from tilth import reports, store
from tilth.pictures import thumbnail
from tilth.reports.page.rows import row_thumbnails
from tilth.store import digest


def noise(side: int = 200) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 255, (side, side, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def night(root: Path) -> Path:
    """A run of which three rows have a picture: one, one that changed since, one under a hostile name."""
    (root / "a.png").write_bytes(noise())
    rows: pd.DataFrame = frame()
    names = {1: "a.png", 4: "gone.png", 2: '"><script>.png'}
    (root / names[2]).write_bytes(noise(20))
    rows["picture_path"] = pd.Series(names, dtype=object).reindex(rows.index).where(lambda one: one.notna(), None)
    known = {1: digest(noise()), 4: digest(b"another"), 2: digest(noise(20))}
    rows["picture_digest"] = pd.Series(known, dtype=object).reindex(rows.index).where(lambda one: one.notna(), None)
    return make(root / "run", rows, workspace={"root": str(root)})


def test_thumbnails_stand_in_the_page_as_data(tmp_path: Path) -> None:
    page = reports.write(night(tmp_path)).read_text("utf-8")
    parser = parsed(page)
    rows = {one["i"]: one for one in json.loads(parser.scripts[1])}
    assert rows["row-0001"]["pp"] == "a.png"
    assert "pic" not in rows["row-0004"]  # gone since
    assert "pp" not in rows["row-0003"]
    start, _, content = rows["row-0001"]["pic"].partition(",")
    assert start == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as small:
        assert (small.format, max(small.size)) == ("JPEG", row_thumbnails.SIDE)
    assert '"><script>.png' not in page
    assert "img-src data:" in page
    found = json.loads((tmp_path / "run" / "report.json").read_text())["thumbnails"]
    assert found == {"rows": 3, "shown": 2, "why_not": None}
    assert "2 of these are shown" in page
    shown = reports.story_lines(reports.story(tmp_path / "run", "row-0001"))
    assert any(line.split() == ["picture", "a.png"] for line in shown)


def test_the_bytes_of_all_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_thumbnails, "MOST_BYTES", 1)
    reports.write(night(tmp_path))
    assert json.loads((tmp_path / "run" / "report.json").read_text())["thumbnails"]["shown"] == 1


def test_a_page_without_pictures_is_as_it_was(tmp_path: Path) -> None:
    page = reports.write(make(tmp_path)).read_text("utf-8")
    assert "img-src" not in page
    assert "thumbnails" not in store.read_json(tmp_path / "report.json")


def test_a_thumbnail_is_small() -> None:
    assert len(thumbnail(noise(), row_thumbnails.SIDE, 100_000)) < 12_000
