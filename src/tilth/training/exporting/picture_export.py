"""The picture side of the exported model: int8 where that loses little, by heads on its own vectors; else float."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from torch import nn

    from tilth.training.exporting.picture_rounding import Rounded

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
        facts: `weights` ("int8" or "float32"), `bytes`, `bytes_float` and, where int8 was tried, `points_lost` by plain
            rounding, of 100, and `quantization_aware` where the model was trained for it.
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
    where macro-F1 by pictures alone, of rows that the side did not learn from, loses no more than the contract lets the
    model lose.
    """
    pictures = resources.evidence.pictures
    if pictures is None or view.packed is None or view.rows is None or view.refit is None:
        raise ValueError("there are no pictures to export")
    preparation, module = pictures.encoder.module()
    if view.rows.trunk is not None:
        module = view.rows.trunk
    graphs = _graphs(module, view.rows.trunk is None, preparation.side, resources)
    settings = picture_settings(preparation, pictures.encoder.config.max_pixels, pictures.embeddings.shape[1])
    path, packed = graphs.float32(), view.packed
    facts: dict[str, Any] = {"weights": "float32", "bytes_float": path.stat().st_size}
    if config.quantize:
        small, rounding = _smallest(view, module, graphs, settings, config, resources)
        facts |= rounding
        if small is not None:
            (path, packed), facts["weights"] = small, "int8"
    facts["bytes"] = path.stat().st_size
    heads = resources.scratch / "picture_heads"
    packed.save(heads)
    size = facts["bytes"] + heads.stat().st_size
    heads.unlink()
    return PictureSide(packed=packed, graph=path, settings=settings, bytes=size, facts=facts)


def _smallest(
    view: PictureView,
    module: nn.Module,
    graphs: PictureGraphs,
    settings: dict[str, Any],
    config: Config,
    resources: Resources,
) -> tuple[tuple[Path, PackedPictures] | None, dict[str, Any]]:
    """The int8 graph that loses least, with its heads, or None where that is too much; and what was found.

    A model is trained for its int8 where plain rounding costs too much, or the config asks for it.
    """
    allowed, facts = _allowed(config), dict[str, Any]()
    small, packed, lost = _int8(view, graphs, settings, resources)
    facts["points_lost"] = round(lost, 2)
    if config.quantization_aware == "always" or (config.quantization_aware == "auto" and lost > allowed):
        rounded = _trained(view, module, config, resources)
        aware = _graphs(rounded.module, False, graphs.side, resources, "picture_graphs_for_int8")
        found, its_packed, its_lost = _int8(view, aware, settings, resources)
        kept = config.quantization_aware == "always" or its_lost < lost
        cosines = [round(1 - loss, 4) for loss in (rounded.losses[0], rounded.losses[-1])]
        facts["quantization_aware"] = {"points_lost": round(its_lost, 2), "kept": kept, "cosines": cosines}
        if kept:
            small, packed, lost = found, its_packed, its_lost
    if packed is None or lost > allowed:
        log.warning("int8 pictures lose %.2f points, allowed are %.2f: float is exported", lost, allowed)
        return None, facts
    return (small, packed), facts


def _int8(
    view: PictureView, graphs: PictureGraphs, settings: dict[str, Any], resources: Resources
) -> tuple[Path, PackedPictures | None, float]:
    """The static int8 graph of a model, heads on its vectors, and the points of macro-F1 that they lose, of 100."""
    pictures = resources.evidence.pictures
    assert pictures is not None
    assert view.rows is not None
    assert view.refit is not None
    places = np.flatnonzero(view.rows.labeled)
    chosen = dict.fromkeys(pictures.digests[place] for place in places[evenly_spaced(len(places), _CALIBRATION)])
    shown = [one for one in chosen if one is not None]
    small = graphs.int8(shown, pictures.pixels)
    other = view.refit(_vectors(small, pictures, places, settings, resources))
    return small, other.packed, 100 * (view.macro_f1() - other.macro_f1())


def _trained(view: PictureView, module: nn.Module, config: Config, resources: Resources) -> Rounded:
    """The model after its training for int8, on the labeled pictures."""
    from tilth.training.exporting.picture_rounding import train_for_int8

    pictures = resources.evidence.pictures
    assert pictures is not None
    assert view.rows is not None
    places = np.flatnonzero(view.rows.labeled)

    def pixels(row: int) -> np.ndarray:
        return pictures.pixels(str(pictures.digests[places[row]]))

    return train_for_int8(module, view.rows.vectors[places], pixels, device=config.device, seed=resources.seed)


def _graphs(
    module: nn.Module, as_it_came: bool, side: int, resources: Resources, name: str = "picture_graphs"
) -> PictureGraphs:
    """Those of a model as it came are kept for other nights; those of a trained one are this night's."""
    pictures = resources.evidence.pictures
    assert pictures is not None
    if as_it_came:
        folders = partial(resources.evidence.cache.folder, "onnx")
        return PictureGraphs(folders, pictures.fingerprint, lambda: module, side)
    return PictureGraphs((resources.scratch / name).joinpath, "trained", lambda: module, side)


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
