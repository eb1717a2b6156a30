"""What leaves the night: the model, and what was written of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tilth.errors import StageError
from tilth.stage import Figure
from tilth.training.fitting import FittedModel
from tilth.training.views import PictureView, Wording

if TYPE_CHECKING:
    from tilth.training.export import Scope


@dataclass(frozen=True, kw_only=True)
class Model:
    """All that is exported.

    Attributes:
        fitted: the encoder and the heads on it.
        wording: the view beside it.
        pictures: the view of rows with a picture.
        prototypes: of the classes, shape (prototypes, dimensions).
        scope: how the out-of-scope score is scaled.
    """

    fitted: FittedModel
    wording: Wording
    pictures: PictureView
    prototypes: np.ndarray
    scope: Scope


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written.

    Attributes:
        model: what stands in the folder.
        facts: for `run.json`.
        compression: the contract and its answer, for `run.json`.
        artifacts: the folder, where there is one.
        figures: of the contract's search, for the report.
        carried: what the next night's search starts from, where the contract is met.
    """

    model: Model
    facts: Mapping[str, Any]
    compression: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Mapping[str, Path] = field(default_factory=dict)
    figures: Sequence[Figure] = ()
    carried: Path | None = None


def no_model(model: Model, why: str) -> Exported:
    """Nothing was written."""
    return Exported(model=model, facts={"weights": None, "why": why})


def disk_is_full(scratch: Path) -> StageError:
    """What to say where a model could not be written."""
    return StageError(
        f"the disk is full: the model could not be written in {scratch}; every smaller model that is tried takes up to "
        "0.2 GB until the night ends: free as much and run the night again, or set training.contract = false, which "
        "writes one model alone"
    )
