"""Weak supervision: labeling functions vote, and Snorkel's label model turns votes into labels with confidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports
from tilth.weak_supervision.config import Config

if TYPE_CHECKING:
    from datasets import Dataset

    from tilth.stage import Resources, StageResult
    from tilth.weak_supervision.functions.accuracy_bounds import below
    from tilth.weak_supervision.functions.loader import LoadedFunction, LoadedFunctions
    from tilth.weak_supervision.functions.phrase_mining import Suggestion
    from tilth.weak_supervision.functions.unit_examples import examples_of
    from tilth.weak_supervision.voting.cached_applier import cast_all
    from tilth.weak_supervision.voting.label_matrix import Ballot

__all__ = [
    "Ballot",
    "Config",
    "LoadedFunction",
    "LoadedFunctions",
    "Suggestion",
    "below",
    "cast_all",
    "examples_of",
    "run",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "functions.accuracy_bounds": ("below",),
        "functions.loader": ("LoadedFunction", "LoadedFunctions"),
        "functions.phrase_mining": ("Suggestion",),
        "functions.unit_examples": ("examples_of",),
        "voting.cached_applier": ("cast_all",),
        "voting.label_matrix": ("Ballot",),
    },
)


def run(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """Propose `<task>_weak` and `<task>_weak_confidence`.

    `resources.labeling_functions` holds one `LoadedFunctions`, as `loader.load` gives it.
    """
    from tilth.weak_supervision import stage

    return stage.run(samples, config, resources)
