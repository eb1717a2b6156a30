"""What leaves the night: the model in full, or as small as its contract asks."""

from __future__ import annotations

import errno
import logging
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tilth.errors import RequestError
from tilth.samples import evenly_spaced
from tilth.stage import Resources
from tilth.training.exporting.compression_inputs import full_model, keep_winner, last_winner
from tilth.training.exporting.exported_model import Exported, Model, disk_is_full, no_model
from tilth.training.exporting.flipped_answers import Answering, compare_on_gold, flipped_on_held_out
from tilth.training.exporting.passage_reading import affordable, packed_passages
from tilth.training.exporting.scope_fitting import fit_scope
from tilth.training.exporting.windowed_export import windowed_trunk
from tilth.training.fitting import FittedModel, encoder_config
from tilth.training.heads import class_prototypes
from tilth.training.inputs import Config, TrainingSet
from tilth.training.views import PictureView, Wording

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from tilth.learn.encoder import WindowedTrunk
    from tilth.training.compression import FullModel, SmallerModel
    from tilth.training.export import PackedGraph, PackedPassages, TrunkGraphs
    from tilth.training.exporting.picture_export import PictureSide

PROBED = 500
_CALIBRATION = 64  # texts by which static scales are measured


@dataclass(frozen=True, kw_only=True)
class Exporter:
    """Writes model folders of one night.

    Attributes:
        frame: the table.
        training_set: the rows that were learned from.
        wording: the view beside the encoder, the same for every model.
        pictures: the view of rows with a picture, the same for every model.
        config: `[training]`.
        resources: the night's.
    """

    frame: pd.DataFrame
    training_set: TrainingSet
    wording: Wording
    pictures: PictureView
    config: Config
    resources: Resources

    def model(self, fitted: FittedModel, wording: Wording | None = None) -> Model:
        """An encoder and its heads, with what is fitted to its vectors; and another wording, where it has one."""
        wording = wording or self.wording
        known = fitted.training_set.labeled & fitted.training_set.original
        codes = {name: values[known] for name, values in fitted.training_set.codes.items()}
        return Model(
            fitted=fitted,
            wording=wording,
            pictures=self.pictures,
            prototypes=class_prototypes(fitted.embeddings[known], codes),
            scope=fit_scope(self.frame["text"].tolist(), fitted, wording, self.config),
        )

    def _smaller(self, fitted: FittedModel, smaller: SmallerModel) -> Model:
        return self.model(_with_student(fitted, smaller), smaller.wording)

    def export(self, fitted: FittedModel) -> Exported:
        """Write the smallest model that the contract lets pass, or the full one."""
        source = getattr(self.resources.evidence.encoder, "folder", None)
        if source is None:
            return no_model(self.model(fitted), "the encoder has no model folder, so that there is no model to export")
        by_windows = encoder_config(self.resources).attention != "full" and fitted.training_set.labeled.any()
        try:
            return self._by_torch(fitted, source) if by_windows else self._export(fitted, source)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise disk_is_full(self.resources.scratch) from error

    def _export(self, fitted: FittedModel, source: Path) -> Exported:
        from tilth.training.compression import compress, contract_figures, publish

        target = self.resources.scratch / "model"
        if not fitted.training_set.labeled.any():
            return self._by_pictures_alone(fitted, target, source)
        graphs, passages = self._graphs(fitted, source), packed_passages(fitted, self.resources)
        full = self._full_model(fitted, graphs, source, passages)
        compressed = compress(full, self.config.contract, last_winner(self.resources))
        figures, of_gold = contract_figures(compressed), dict[str, Any]()
        carried = keep_winner(compressed.winner, self.resources)
        if (smaller := compressed.candidate) is not None:
            publish(smaller, target)
            model = self.model(fitted) if smaller.model is None else self._smaller(fitted, smaller.model)
            facts = {"weights": "packed", "bytes": smaller.size}
            figures += flipped_on_held_out(self.frame, fitted, smaller.loss)
            most = encoder_config(self.resources).max_chunks
            answers = Answering(source=source, limit=self._limit(fitted), max_chunks=most)
            of_gold, shown = compare_on_gold(
                self.frame, fitted, self.wording, answers, target, self.resources.evidence.cache
            )
            figures += shown
        else:
            model = self.model(fitted)
            facts = self._write(target, model, graphs, source, self._limit(fitted), passages)
        facts |= self._write_pictures(target)
        edge, edge_facts = (
            self._edge(target, smaller.graph if smaller is not None else graphs.get("float32"))
            if self.config.edge
            else ({}, {})
        )
        return Exported(
            model=model,
            facts=facts | edge_facts,
            compression={**compressed.facts, **of_gold},
            artifacts={"model": target, **edge},
            figures=figures,
            carried=carried,
        )

    def _by_torch(self, fitted: FittedModel, source: Path) -> Exported:
        """A model whose encoder reads long texts by windows, where its heads go by what it makes of a whole text."""
        model, target = self.model(fitted), self.resources.scratch / "model"
        trunk, why = windowed_trunk(fitted, self.resources, source)
        log.warning("%s", why)
        if trunk is None:
            return no_model(model, why)
        facts = self._write(target, model, trunk, source, trunk.span) | self._write_pictures(target) | {"why": why}
        return Exported(model=model, facts=facts, artifacts={"model": target})

    def _by_pictures_alone(self, fitted: FittedModel, target: Path, source: Path) -> Exported:
        """A model whose text side knows nothing, of a night in which no text teaches any task."""
        from tilth.training.compression import no_encoder
        from tilth.training.export import TrunkGraphs

        trunk, heads = no_encoder(fitted.training_set.tasks, source)
        embeddings = np.ones((len(self.frame), 1), dtype=np.float32)
        model = self.model(replace(fitted, heads=heads, embeddings=embeddings, trunk=trunk))
        structures = partial(self.resources.evidence.cache.folder, "onnx")
        graphs = TrunkGraphs(self.resources.scratch / "graphs", lambda: trunk, structures)
        facts = self._write(target, model, graphs, source, self._limit(fitted)) | self._write_pictures(target)
        why = "no text teaches any task, so that there is no encoder to make smaller"
        return Exported(
            model=model, facts=facts, compression={"answer": "none", "why": why}, artifacts={"model": target}
        )

    def _write_pictures(self, target: Path) -> dict[str, Any]:
        """Add the picture side to a model's folder, where the night has one; what became of it."""
        return {} if self._picture_side is None else {"pictures": self._picture_side.write(target)}

    @cached_property
    def _picture_side(self) -> PictureSide | None:
        if self.pictures.packed is None or self.resources.evidence.pictures is None:
            return None
        from tilth.training.exporting.picture_export import picture_side

        return picture_side(self.pictures, self.resources, self.config)

    def _edge(self, model: Path, graph: Path) -> tuple[dict[str, Path], dict[str, Any]]:
        """The model once more for accelerators, and what became of it; a graph of another kind stays as it is."""
        from tilth.training.export import export_edge

        target = self.resources.scratch / "edge"
        try:
            facts = export_edge(model, target, trunk=graph, texts=self._labeled_texts(_CALIBRATION))
        except RequestError as error:
            log.warning("no model for the edge: %s", error)
            return {}, {"edge": {"why": str(error)}}
        return {"edge": target}, {"edge": {"bytes": facts.bytes, "unlisted": list(facts.unlisted)}}

    def _labeled_texts(self, most: int) -> list[str]:
        """Evenly spaced ones of those that were learned from."""
        texts = self.frame["text"][self.training_set.labeled]
        return texts.iloc[evenly_spaced(len(texts), most)].tolist()

    def _full_model(
        self, fitted: FittedModel, graphs: TrunkGraphs, source: Path, passages: PackedPassages | None = None
    ) -> FullModel:
        limit = self._limit(fitted)
        own = cache(lambda: self.model(fitted))  # the same in every form of the full encoder

        def write(
            folder: Path, other: SmallerModel | None, graph: TrunkGraphs | PackedGraph, tokenizer: Path
        ) -> dict[str, Any]:
            # Passages are weighed by the full encoder's vectors, which those of another encoder are not.
            model, weighed = (own(), passages) if other is None else (self._smaller(fitted, other), None)
            return self._write(folder, model, graph, tokenizer, limit, weighed)

        made = full_model(self.frame, fitted, self.wording, graphs, source, write, limit, self.config, self.resources)
        beside = self._picture_side.bytes if self._picture_side is not None else 0
        return replace(made, reads_passages=passages is not None, other_bytes=beside)

    def _graphs(self, fitted: FittedModel, source: Path) -> TrunkGraphs:
        from tilth.learn.encoder import Trunk
        from tilth.training.export import TrunkGraphs, cache_key

        evidence = self.resources.evidence
        structures = partial(evidence.cache.folder, "onnx")
        if fitted.trunk is not None:
            return TrunkGraphs(self.resources.scratch / "graphs", lambda: fitted.trunk, structures)
        # The same every night.
        cached = evidence.cache.folder("onnx", cache_key(evidence.encoder.fingerprint))
        return TrunkGraphs(cached, lambda: Trunk(source), structures)

    def _limit(self, fitted: FittedModel) -> int:
        """Tokens of a text that the night's encoder reads at once."""
        return self.config.max_tokens if fitted.trunk is not None else encoder_config(self.resources).max_tokens

    def _write(
        self,
        target: Path,
        model: Model,
        graph: TrunkGraphs | PackedGraph | WindowedTrunk,
        source: Path,
        limit: int,
        passages: PackedPassages | None = None,
    ) -> dict[str, Any]:
        from tilth.training.export import export

        probe = affordable(self._labeled_texts(PROBED))
        return export(
            target,
            trunk=graph,
            source=source,
            heads=model.fitted.heads,
            centers=model.prototypes,
            max_tokens=limit,
            max_chunks=encoder_config(self.resources).max_chunks,
            probe=probe,
            agreement=self.config.agreement,
            quantize=self.config.quantize and bool(probe),
            wording=model.wording.packed,
            scope=model.scope,
            passages=passages,
        )


def _with_student(fitted: FittedModel, smaller: SmallerModel) -> FittedModel:
    """The night's model with a student in the place of its encoder."""
    new = {"embeddings": smaller.embeddings(), "trunk": smaller.trunk, "held_out": smaller.held_out}
    rows = replace(fitted.training_set, named={})  # their vectors are the full encoder's
    return replace(fitted, heads=smaller.heads, training_set=rows, **new)
