"""The picture side of the exported model: int8 where that loses little, by heads on its own vectors; else float."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tilth.learn import RowPictures
from tilth.samples import evenly_spaced
from tilth.stage import Resources
from tilth.training.export import (
    PackedPictures,
    PictureGraphs,
    PictureReader,
    add_pictures,
    open_session,
    picture_settings,
    picture_vectors,
)
from tilth.training.inputs import Config
from tilth.training.views import PictureView

log = logging.getLogger(__name__)

_CALIBRATION = 64
"""Pictures by which the scales of activations are measured."""


@dataclass(frozen=True, kw_only=True)
class PictureSide:
    """What knows pictures, the same in every model of a night.

    Attributes:
        packed: the heads.
        graph: the model of pictures.
        settings: see `picture_settings`.
        bytes: of both.
        facts: `weights` ("int8" or "float32"), `bytes`, `bytes_float` and, where int8 was tried, `points_lost`, of 100.
    """

    packed: PackedPictures
    graph: Path
    settings: Mapping[str, Any]
    bytes: int
    facts: Mapping[str, Any]

    def write(self, folder: Path) -> dict[str, Any]:
        """Add it to a model's folder; gives the facts."""
        add_pictures(folder, self.packed, self.graph, self.settings)
        return dict(self.facts)


def picture_side(view: PictureView, resources: Resources, config: Config) -> PictureSide:
    """The night's picture side, ready to be written.

    Heads are fitted to the vectors of what is exported, so that they take up what rounding does to them. Int8 is kept
    where cross-validated macro-F1 by pictures alone loses no more than the contract lets the model lose.
    """
    pictures = resources.evidence.pictures
    if pictures is None or view.packed is None or view.rows is None or view.refit is None:
        raise ValueError("there are no pictures to export")
    preparation, module = pictures.encoder.module()
    cache = resources.evidence.cache
    graphs = PictureGraphs(
        lambda key: cache.folder("onnx", key), pictures.fingerprint, lambda: module, preparation.side
    )
    settings = picture_settings(preparation, pictures.encoder.config.max_pixels, pictures.embeddings.shape[1])
    path, packed = graphs.float32(), view.packed
    facts: dict[str, Any] = {"weights": "float32", "bytes_float": path.stat().st_size}
    if config.quantize:
        places = np.flatnonzero(view.rows.labeled)
        chosen = dict.fromkeys(pictures.digests[place] for place in places[evenly_spaced(len(places), _CALIBRATION)])
        shown = [one for one in chosen if one is not None]
        small = graphs.int8(shown, lambda one: pictures.encoder.pixels(one, pictures.paths[one]))
        other = view.refit(_vectors(small, pictures, places, settings, resources))
        lost = 100 * (view.macro_f1() - other.macro_f1())
        facts["points_lost"], allowed = round(lost, 2), _allowed(config)
        if other.packed is not None and lost <= allowed:
            path, packed, facts["weights"] = small, other.packed, "int8"
        else:
            log.warning("int8 pictures lose %.2f points, allowed are %.2f: float is exported", lost, allowed)
    facts["bytes"] = path.stat().st_size
    heads = resources.scratch / "picture_heads"
    packed.save(heads)
    size = facts["bytes"] + heads.stat().st_size
    heads.unlink()
    return PictureSide(packed=packed, graph=path, settings=settings, bytes=size, facts=facts)


def _allowed(config: Config) -> float:
    """Points that may be lost: the contract's, and where it is off or names none, those that it has by default."""
    return config.contract.model_copy(update={"enabled": True}).filled().points_lost or 0.0


def _vectors(
    graph: Path, pictures: RowPictures, places: np.ndarray, settings: dict[str, Any], resources: Resources
) -> np.ndarray:
    """Vectors by a graph of the pictures at some rows, zeros elsewhere, shape (rows, dimensions)."""
    reader = PictureReader(lambda: open_session(graph), settings, os.cpu_count() or 1)
    references = pictures.references()
    paths = dict(one for place in places.tolist() if (one := references[place]) is not None)
    kept = picture_vectors(resources.evidence.cache, graph, settings)
    found = kept.of(list(paths), lambda new: reader.embed([paths[one] for one in new]))
    row_of = {one: row for row, one in enumerate(paths)}
    vectors = np.zeros_like(pictures.embeddings)
    vectors[places] = found[[row_of[str(pictures.digests[place])] for place in places.tolist()]]
    return vectors
