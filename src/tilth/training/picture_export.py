"""The picture side of the exported model: int8 where it answers as float does, else float."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from tilth.learn import RowPictures
from tilth.samples import evenly_spaced
from tilth.stage import Resources
from tilth.training.config import Config
from tilth.training.export import PackedPictures, PictureGraphs, add_pictures, open_session
from tilth.training.picture_view import PictureView

log = logging.getLogger(__name__)

_CALIBRATION = 64
"""Pictures by which the scales of activations are measured."""
_PROBED = 300
"""Labeled pictures at most on which int8 and float are compared."""


def export_pictures(folder: Path, view: PictureView, resources: Resources, config: Config) -> dict[str, Any]:
    """Add the picture side to a model's folder.

    Returns:
        `weights` ("int8" or "float32"), `bytes`, `bytes_float` and, where int8 was tried, `agreement`: the share of
        labeled pictures to which it gives float's label for every task.
    """
    pictures = resources.evidence.pictures
    if pictures is None or view.packed is None or view.rows is None:
        raise ValueError("there are no pictures to export")
    preparation, module = pictures.encoder.module()
    graphs = PictureGraphs(
        lambda key: resources.evidence.cache.folder("onnx", key), pictures.fingerprint, lambda: module, preparation.side
    )
    path = graphs.float32()
    facts: dict[str, Any] = {"weights": "float32", "bytes_float": path.stat().st_size}
    if config.quantize:
        places = np.flatnonzero(view.rows.labeled)
        small = graphs.int8(_digests(pictures, places, _CALIBRATION), lambda one: _pixels(pictures, one))
        facts["agreement"] = round(
            _agreement(small, view.packed, pictures, places[evenly_spaced(len(places), _PROBED)]), 4
        )
        if facts["agreement"] >= config.agreement:
            path, facts["weights"] = small, "int8"
        else:
            log.warning("int8 pictures agree with float on %s, below %s", facts["agreement"], config.agreement)
    add_pictures(
        folder, view.packed, graph=path, preparation=preparation, max_pixels=pictures.encoder.config.max_pixels
    )
    return {**facts, "bytes": path.stat().st_size}


def _agreement(graph: Path, packed: PackedPictures, pictures: RowPictures, places: np.ndarray) -> float:
    """The share of rows to whose pictures a graph gives the labels that the float model gives, for every task."""
    session = open_session(graph)
    digests = [one for place in places.tolist() if (one := pictures.digests[place]) is not None]
    vectors = np.concatenate([session.run(None, {"pixels": _pixels(pictures, one)[None]})[0] for one in digests])
    full = pictures.embeddings[places]
    same = [head.logits(vectors).argmax(1) == head.logits(full).argmax(1) for head in packed.heads.values()]
    return float(np.all(same, axis=0).mean())


def _pixels(pictures: RowPictures, one: str) -> np.ndarray:
    return pictures.encoder.pixels(one, pictures.paths[one])


def _digests(pictures: RowPictures, places: np.ndarray, most: int) -> list[str]:
    found = (pictures.digests[place] for place in places[evenly_spaced(len(places), most)].tolist())
    return list(dict.fromkeys(one for one in found if one is not None))
