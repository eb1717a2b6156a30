"""What the steps of one night share, read back from its record, and what a stage's result depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets import Dataset

from tilth import stage as stages
from tilth import store
from tilth.config import load
from tilth.io import LabelMapping
from tilth.learn.encoder import Encoder
from tilth.learn.pictures import PictureEncoder
from tilth.night.stages.result_cache import code_digest
from tilth.samples import Task
from tilth.store import Cache, Fits, LabelChanges, Workspace

if TYPE_CHECKING:
    from tilth.learn import ClassTexts, Evidence
    from tilth.weak_supervision import LoadedFunctions

QUESTIONS = ".questions"
"""Ends the name, in the carried state, of what a stage leaves for the next night's queue."""
DOUBTS = ("cleaning", "weak_supervision")
"""The stages that doubt labels."""


class Context:
    """The folders, config, tasks and cache of the night that a record describes."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        root, config, data = (record["workspace"][name] for name in ("root", "config", "data"))
        self.workspace = Workspace(
            root=Path(root), config=Path(config) if config else None, data=Path(data), runs=Path(data) / "runs"
        )
        # The record's config and not the file's, which a person may have edited since the night began.
        self.settings = load(None, record["config"], stages.configs())
        self.tasks = tuple(Task.from_json(task) for task in record["tasks"])
        self.cache = Cache(self.workspace.cache)
        self._carried: Mapping[str, str] = record["carried"]["in"]
        self._asked: Sequence[str] = record.get("asked", ())
        self._fits: Mapping[str, Mapping[str, str | None]] = record.get("fits", {})
        self._started = record.get("started", "")

    @cached_property
    def encoder(self) -> Encoder:
        """The night's encoder."""
        return Encoder(self.settings.encoder, self.cache)

    @cached_property
    def picture_encoder(self) -> PictureEncoder | None:
        """The night's model of pictures; None where no column holds any."""
        if self.settings.data.image is None:
            return None
        return PictureEncoder(self.settings.image, self.cache, self.workspace.root)

    @property
    def _fingerprints(self) -> list[str]:
        """Of the models that every vector comes from."""
        pictures = self.picture_encoder
        return [self.encoder.fingerprint, *([pictures.fingerprint] if pictures else [])]

    @cached_property
    def class_texts(self) -> Mapping[str, ClassTexts]:
        """What the classes are called, and the sentences on them, as texts that models may learn from, by task."""
        from tilth.learn import class_texts

        mapping, data = LabelMapping(LabelChanges.read(self.workspace.data)), self.settings.data
        return class_texts(self.tasks, mapping.definitions(self.settings), data.class_names)

    def evidence(self, samples: Dataset, fits: Fits | None = None) -> Evidence:
        """The shared evidence on one table."""
        from tilth.learn import Evidence

        return Evidence(
            samples,
            encoder=self.encoder,
            cache=self.cache,
            folds=self.settings.folds,
            fits=fits,
            pictures=self.picture_encoder,
            class_texts=self.class_texts,
        )

    def fits(self, name: str, carried: str | None) -> Fits:
        """What a stage fits on many rows, or takes over from an earlier night's, which a digest names."""
        basis = {
            "code": code_digest(name),
            "config": store.digest_json(self.settings.stage(name).model_dump(mode="json")),
            "encoder": "+".join(self._fingerprints),
            "libraries": store.digest_json(store.library_versions()),
            "seed": str(self.settings.seed),
        }
        return Fits(
            carried=self.workspace.state / carried if carried else None,
            share=self.settings.night.refit_share,
            date=self._started,
            basis=basis,
            cache=self.cache,
        )

    def functions(self, name: str) -> LoadedFunctions | None:
        """The workspace's labeling functions, for the stage that takes them."""
        if name != "weak_supervision":
            return None
        from tilth.weak_supervision import load_functions

        return load_functions(self.workspace.labeling_functions, self.tasks)

    def carried(self, name: str) -> Path | None:
        """What the stage's last night left for this one."""
        return self.workspace.state / self._carried[name] if name in self._carried else None

    def questions(self, name: str) -> list[str]:
        """Digests of what the last night's stages left for this night's queue, for the stage that makes it."""
        if name != "active_learning":
            return []
        return [digest for key, digest in sorted(self._carried.items()) if key.endswith(QUESTIONS)]

    def candidates_wanted(self, name: str) -> bool:
        """Whether a later stage of this night asks for transfer text, for the stage that draws it."""
        if name != "augmentation":
            return False
        return any(stages.wants_candidates(other, self.settings.stage(other)) for other in self._asked)

    def encoder_tuner(self, name: str) -> stages.EncoderTuner | None:
        """How a later stage of this night would train the encoder, for the stage that asks what more rows bring it."""
        if name != "augmentation" or getattr(self.settings.stage(name), "when", None) != "auto":
            return None  # nothing is decided by it
        tuners = (stages.encoder_tuner(other, self.settings.stage(other)) for other in self._asked)
        return next((tuner for tuner in tuners if tuner is not None), None)

    def candidates(self, name: str, files: Mapping[str, Path]) -> Path | None:
        """The transfer text among the night's files, for the stage that learns from it."""
        return files.get(store.CANDIDATES) if name == "training" else None

    def left_out(self, name: str, files: Mapping[str, Path]) -> list[Path]:
        """The tables among the night's files of stages that it goes on without, for the stage that asks people."""
        if name != "active_learning":
            return []
        named = (files.get(store.LEFT_OUT.format(stage=stage)) for stage in DOUBTS)
        return [path for path in named if path is not None]

    def result(
        self, name: str, before: Dataset, functions: LoadedFunctions | None, files: Mapping[str, Path]
    ) -> tuple[Path, str]:
        """Where the result of a stage on a table stands, or would, and whose fits it starts from (see `offered_fits`).

        Where all else is as it was in the night before, it is that night's result, which started from what that night
        started from; elsewhere the stage goes on from what that night left. So a second identical night is the first
        one again, and one with a new row does not begin at nothing.
        """
        again = self._result_folder(name, before, functions, files, self.offered_fits(name, "in"))
        if again.name == self._fits.get(name, {}).get("result"):
            return again, "in"
        left = self.offered_fits(name, "out")
        return self._result_folder(name, before, functions, files, left), "out"

    def offered_fits(self, name: str, side: str) -> str | None:
        """The digest of what the night before started from (`in`) or left (`out`) under a name."""
        return self._fits.get(name, {}).get(side)

    def _result_folder(
        self,
        name: str,
        before: Dataset,
        functions: LoadedFunctions | None,
        files: Mapping[str, Path],
        fits: str | None,
    ) -> Path:
        """The cache's folder of a stage's result, there or not yet; its name is a digest of all that it rests on."""
        tuner, candidates = self.encoder_tuner(name), self.candidates(name, files)
        key = store.digest_json(
            [
                name,
                code_digest(name),
                store.library_versions(),
                store.digest_table(before),
                self.settings.stage(name).model_dump(mode="json"),
                stages.external_cache_inputs(name, self.settings.stage(name)),
                [self.settings.seed, self.settings.folds, *self._fingerprints],
                [task.to_json() for task in self.tasks],
                {task: texts.fingerprint for task, texts in self.class_texts.items()},
                functions.fingerprint if functions else "",
                [self._carried.get(name), *self.questions(name)],
                [self.candidates_wanted(name), store.sha256_file(candidates) if candidates else ""],
                [store.sha256_file(path) for path in self.left_out(name, files)],
                [fits, self.settings.night.refit_share] if fits else None,
                [tuner.fingerprint, code_digest("training")] if tuner else None,
            ]
        )
        return self.cache.folder("stages", key)
