"""Pictures that come with rows: read where they are whole, set aside and counted where they are not."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tilth.config import DataConfig, ImageConfig, Settings, TaskConfig
from tilth.errors import RequestError
from tilth.io import ingest
from tilth.io.ingestion import Ingested
from tilth.pictures import PictureError, open_picture
from tilth.samples import to_pandas
from tilth.store import Workspace, digest


def written(picture: Image.Image, form: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


RED = written(Image.new("RGB", (4, 3), (255, 0, 0)))


def settings(path: str, **data: object) -> Settings:
    return Settings(
        data=DataConfig(input=(path,), image="image", **data),  # type: ignore[arg-type]
        tasks=(TaskConfig(name="kind"),),
        image=ImageConfig(max_pixels=100),
    )


def read(tmp_path: Path, frame: pd.DataFrame, name: str = "rows.csv", **data: object) -> Ingested:
    folder = tmp_path / "data"
    folder.mkdir(exist_ok=True)
    frame.to_parquet(folder / name) if name.endswith("parquet") else frame.to_csv(folder / name, index=False)
    workspace = Workspace(root=tmp_path, config=None, data=tmp_path / "data", runs=tmp_path / "data" / "runs")
    return ingest(settings(f"data/{name}", **data), tmp_path, workspace=workspace)


def bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """A PNG whose header says so many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_bad_pictures_are_set_aside_and_counted_and_their_rows_go_on(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (10, 10, 3), dtype=np.uint8)
    frames = [Image.new("RGB", (2, 2), color) for color in ("blue", "green")]
    files = {
        "good.png": RED,
        "text.png": b"not a picture",
        "half.png": written(Image.fromarray(noise))[:200],
        "bomb.png": bomb(),
        "wide.png": written(Image.new("L", (101, 1))),
        "moving.gif": written(frames[0], "GIF", save_all=True, append_images=frames[1:]),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (tmp_path / "outside.png").write_bytes(RED)
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    names = [*files, "gone.png", "../outside.png", "link.png", str(tmp_path / "outside.png"), None, "a\0b.png"]
    frame = pd.DataFrame({"text": [f"row {i}" for i in range(len(names))], "image": names, "kind": "a"})
    ingested = read(tmp_path, frame, "rows.parquet")
    table = to_pandas(ingested.samples)
    there = table["picture_digest"].notna()
    assert table.loc[there, "text"].tolist() == ["row 0", "row 5"]
    assert table["picture_digest"].iloc[0] == digest(RED)
    assert table["picture_path"].iloc[0] == "data/good.png"
    assert table["meta.image"].iloc[0] == "good.png"
    notes = {note.kind: (note.count, note.first) for note in ingested.notes}
    assert notes["pictures_broken"] == (2, "rows.parquet, row 2")
    assert notes["pictures_too_large"] == (2, "rows.parquet, row 4")
    assert notes["pictures_animated"] == (1, "rows.parquet, row 6")
    assert notes["pictures_missing"] == (2, "rows.parquet, row 7")
    assert notes["pictures_outside"] == (3, "rows.parquet, row 8")
    assert len(table) == len(names)
    words = {note.kind: note.message for note in ingested.notes}
    assert words["pictures_broken"] == (
        '2 pictures could not be read whole as PNG, JPEG, GIF, WebP, BMP or TIFF, such as "text.png": '
        "left out, only the text is used"
    )
    assert words["pictures_animated"] == "1 picture with several frames: the first is taken"


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1_000_000, 1), "1,000,000 x 1 pixels, a side may have 65,535"),
        ((1, 70_000), "1 x 70,000 pixels, a side may have 65,535"),
        ((8_000, 8_000), "8,000 x 8,000 = 64,000,000 pixels, allowed are 50,000,000"),
        ((20_000, 20_000), "it has more than 178,956,970 pixels, allowed are 50,000,000"),
    ],
)
def test_a_picture_that_is_too_large_says_how_large(size: tuple[int, int], expected: str) -> None:
    with pytest.raises(PictureError, match=f"^{expected}$") as found:
        open_picture(bomb(*size), 50_000_000)
    assert found.value.kind == "too_large"


def test_what_is_no_picture_is_said_in_plain_words() -> None:
    with pytest.raises(PictureError, match="it is none of PNG, JPEG, GIF, WEBP, BMP, TIFF"):
        open_picture(b"not a picture", 100)


def test_bytes_are_written_once_to_the_cache(tmp_path: Path) -> None:
    values = [{"bytes": RED, "path": None}, {"bytes": RED, "path": "x.png"}, None]
    frame = pd.DataFrame({"text": ["one", "two", ""], "image": values, "kind": "a"})
    table = to_pandas(read(tmp_path, frame, "rows.parquet").samples)
    assert table["picture_digest"].dropna().tolist() == [digest(RED), digest(RED)]
    assert "meta.image" not in table
    kept = list((tmp_path / "data" / "cache" / "pictures").iterdir())
    assert [path.read_bytes() for path in kept] == [RED]
    assert table["picture_path"].iloc[0] == kept[0].relative_to(tmp_path).as_posix()


def test_a_picture_alone_makes_a_row(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name, color in (("a.png", "red"), ("b.png", "blue")):
        Image.new("RGB", (2, 2), color).save(tmp_path / "data" / name)
    ingested = read(tmp_path, pd.DataFrame({"text": "", "image": ["a.png", "b.png", ""], "kind": "a"}))
    table = to_pandas(ingested.samples)
    assert [one.split("-")[0] for one in table["id"][:2]] == [one[:16] for one in table["picture_digest"][:2]]
    assert {note.kind: note.count for note in ingested.notes}["rows_without_a_text"] == 1


def test_a_file_without_a_column_of_texts_is_read_by_its_pictures(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    Image.new("RGB", (2, 2), "red").save(tmp_path / "data" / "a.png")
    frame = pd.DataFrame({"image": ["a.png", "gone.png"], "kind": "a"})
    ingested = read(tmp_path, frame)
    table = to_pandas(ingested.samples)
    assert table["text"].tolist() == ["", ""]
    assert table["picture_digest"].notna().tolist() == [True, False]
    notes = {note.kind: str(note) for note in ingested.notes}
    assert notes["no_column_of_texts"] == (
        'rows.csv has no column "text": its rows are read by their pictures alone (--text names one)'
    )
    for wrong in ({"text": "body"}, {}):  # one that was named, and one that is all but there
        with pytest.raises(RequestError, match=f'no column "{wrong.get("text", "text")}" for the text'):
            read(tmp_path, frame.assign(Text="one"), **wrong)


def test_a_changed_picture_changes_what_the_night_knows_of_its_input(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    frame = pd.DataFrame({"text": ["one", "two"], "image": "a.png", "kind": "a"})
    sums = []
    for color in ("red", "red", "blue"):
        Image.new("RGB", (2, 2), color).save(tmp_path / "data" / "a.png")
        sums.append([item["sha256"] for item in read(tmp_path, frame).inputs])
    assert sums[0] == sums[1] != sums[2]


def test_append_keeps_pictures_of_earlier_nights_apart(tmp_path: Path) -> None:
    from tilth.io import held_rows as held

    rows = pd.DataFrame({"text": ["", "", "a"], "picture_digest": ["1", "2", "3"]})
    assert held._content(rows).tolist() == ["1", "2", "a"]


def test_without_the_extra_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(RequestError, match=r'pip install "tilth\[images\]"'):
        read(tmp_path, pd.DataFrame({"text": ["one"], "image": "a.png", "kind": "a"}))


def test_a_column_of_pictures_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match='no column "image" for the pictures'):
        read(tmp_path, pd.DataFrame({"text": ["one"], "img": "a.png", "kind": "a"}))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (written(Image.new("CMYK", (1, 1), (0, 255, 255, 0)), "JPEG", quality=100), (254, 0, 0)),
        (written(Image.fromarray(np.full((1, 1), 65535, dtype=np.uint16))), (255, 255, 255)),
        (written(Image.fromarray(np.full((1, 1), 32896, dtype=np.uint16))), (128, 128, 128)),
        (written(Image.new("RGBA", (1, 1), (0, 0, 0, 0))), (255, 255, 255)),
        (written(Image.new("LA", (1, 1), (0, 255))), (0, 0, 0)),
        (written(Image.new("1", (1, 1), 1)), (255, 255, 255)),
    ],
)
def test_every_kind_of_pixel_becomes_rgb(content: bytes, expected: tuple[int, int, int]) -> None:
    picture, _ = open_picture(content, 10)
    assert picture.mode == "RGB"
    assert np.abs(np.subtract(picture.getpixel((0, 0)), expected)).max() <= 2
