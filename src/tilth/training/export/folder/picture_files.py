"""Add the picture side to a model's folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tilth.learn.pictures import Preparation
from tilth.training.export.folder.digests import write_digests
from tilth.training.export.packed import PICTURE_GRAPH, PICTURES, PackedPictures


def picture_settings(preparation: Preparation, max_pixels: int, dimensions: int) -> dict[str, Any]:
    """What `PictureReader` needs to know, as a model's settings hold it under `pictures`.

    Args:
        preparation: how the model of pictures wants its pixels.
        max_pixels: of a picture, as in the night's `image.max_pixels`.
        dimensions: of its vectors.
    """
    return {"preparation": preparation.to_json(), "max_pixels": max_pixels, "dimensions": dimensions}


def add_pictures(folder: Path, packed: PackedPictures, graph: Path, settings: Mapping[str, Any]) -> None:
    """Write a model's picture heads and its graph beside its text side, and say so in its settings.

    Args:
        folder: of the model, as `export` wrote it.
        packed: the heads.
        graph: the model of pictures, float or int8.
        settings: by `picture_settings`.
    """
    shutil.copyfile(graph, folder / PICTURE_GRAPH)
    packed.save(folder / PICTURES)
    path = folder / "tilth.json"
    whole = {**json.loads(path.read_text(encoding="utf-8")), "pictures": dict(settings)}
    path.write_text(json.dumps(whole, indent=1, ensure_ascii=False), encoding="utf-8")
    write_digests(folder)
