"""Add the picture side to a model's folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tilth.learn.pictures import Preparation
from tilth.training.export.digests import write_digests
from tilth.training.export.packed_pictures import FILE, GRAPH, PackedPictures


def add_pictures(
    folder: Path, packed: PackedPictures, *, graph: Path, preparation: Preparation, max_pixels: int
) -> None:
    """Write a model's picture heads and its graph beside its text side, and say so in its settings.

    Args:
        folder: of the model, as `export` wrote it.
        packed: the heads.
        graph: the model of pictures, float or int8.
        preparation: how it wants its pixels.
        max_pixels: of a picture, as in the night's `image.max_pixels`.
    """
    shutil.copyfile(graph, folder / GRAPH)
    packed.save(folder / FILE)
    path = folder / "tilth.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    dimensions = next(iter(packed.heads.values())).weight.shape[1]
    settings["pictures"] = {
        "preparation": preparation.to_json(),
        "max_pixels": max_pixels,
        "dimensions": dimensions,
    }
    path.write_text(json.dumps(settings, indent=1, ensure_ascii=False), encoding="utf-8")
    write_digests(folder)
