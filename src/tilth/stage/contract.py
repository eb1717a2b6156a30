"""The contract that every stage keeps, and the one place that calls a stage.

A stage is a package `tilth.<name>` with a frozen `Config` and a function
`run(samples, config, resources) -> StageResult`. It is pure but for `resources.scratch`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from datasets import Dataset

from tilth.config import Model
from tilth.samples import Task
from tilth.stage.questions import Question
from tilth.stage.tuning import EncoderTuner

if TYPE_CHECKING:
    from tilth.learn import Evidence


@dataclass(frozen=True, kw_only=True)
class Figure:
    """The numbers behind one picture of the report; the report draws it.

    Attributes:
        kind: `bar` (labels, values, optional series), `histogram` (edges, counts), `line` (x, y, optional series),
            `heatmap` (rows, columns, values) or `table` (columns, rows).
        title: what a reader sees above it.
        data: the fields that the kind needs, as plain JSON.
        note: one sentence that says how to read it.
    """

    kind: str
    title: str
    data: Mapping[str, Any]
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """As it is written beside a cached stage and in `report.json`."""
        return {"kind": self.kind, "title": self.title, "data": dict(self.data), "note": self.note}


@dataclass(frozen=True, kw_only=True)
class StageResult:
    """What a stage hands back.

    Attributes:
        samples: the table, with the stage's own columns set and, from augmentation alone, rows added at the end.
        metrics: plain JSON, shown in `run.json` and the report.
        figures: pictures for the report.
        artifacts: name in the run folder → file or folder under `resources.scratch`.
        carried: a folder under `resources.scratch` that the next night gets as `resources.carried`; None hands on what
            this night got.
        skipped: why the stage did nothing, where it did nothing.
        unavailable_services: services that gave no answer; the next night asks them again.
        questions: rows for the next night's queue, by sources that are registered (`tilth.stage.register_source`).
    """

    samples: Dataset
    metrics: Mapping[str, Any] = field(default_factory=dict)
    figures: Sequence[Figure] = ()
    artifacts: Mapping[str, Path] = field(default_factory=dict)
    carried: Path | None = None
    skipped: str | None = None
    unavailable_services: tuple[str, ...] = ()
    questions: Sequence[Question] = ()


@dataclass(frozen=True, kw_only=True)
class Resources:
    """All that a stage may use beside its input and its config.

    Attributes:
        tasks: what is classified, parents before children.
        seed: of every random choice.
        evidence: what several stages need, computed once.
        scratch: an empty folder, the only place where a stage may write.
        carried: what the last night's same stage left for this one.
        labeling_functions: the workspace's own labeling functions, as loaded objects.
        questions: what the last night's stages left for this night's queue; of active learning alone.
        candidates_wanted: whether a later stage of this night asks for transfer text; of augmentation alone.
        candidates: every readable paraphrase, accepted or not (`tilth.augmentation.transfer.SCHEMA`), where there is
            any, of this night's draw or of the run that the night starts from; of training alone.
        encoder_tuner: how this night's training would train the encoder, where it may; of augmentation alone.
        left_out: the tables of earlier stages that the night goes on without, for they harm what is trained: what they
            doubt is asked all the same; of active learning alone.
    """

    tasks: tuple[Task, ...]
    seed: int
    evidence: Evidence
    scratch: Path
    carried: Path | None = None
    labeling_functions: tuple[Any, ...] = ()
    questions: tuple[Question, ...] = ()
    candidates_wanted: bool = False
    candidates: Path | None = None
    encoder_tuner: EncoderTuner | None = None
    left_out: tuple[Dataset, ...] = ()


class StageModule(Protocol):
    """What `tilth.<name>` must hold; some also have functions of a config that `registry` calls, as `check`."""

    Config: type[Model]

    @staticmethod
    def run(samples: Dataset, config: Any, resources: Resources) -> StageResult:
        """Do the stage's work."""
