"""Weak supervision: labeling functions vote, and a label model turns the votes into labels with confidence.

In: the table, the loaded labeling functions, and the history of the nights before. Out: proposed labels with their
probabilities (`<task>_weak`, `<task>_weak_confidence`), disputed labels, the votes, and the history for the next night.

`functions` loads the functions, `voting` has them vote in the guarded processes of `isolation`, `screening` leaves out
those that drift or err, `models` turns the rest into labels, `label_choice` takes the one that does best, and
`task_labels` puts this together for one task; each returns its result, and `stage` alone writes. A further label model
or limit: see the room that it belongs to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports
from tilth.weak_supervision.config import Config

if TYPE_CHECKING:
    from datasets import Dataset

    from tilth.stage import Resources, StageResult
    from tilth.weak_supervision.functions import (
        MINED_FILE_HEADER,
        LoadedFunction,
        LoadedFunctions,
        Suggestion,
        examples,
        examples_of,
        function_name,
        function_source,
        is_surely_below,
        load_functions,
        new_function_file,
        suggest_functions,
    )
    from tilth.weak_supervision.voting import Ballot, cast_votes

__getattr__, __dir__ = lazy_exports(__name__)


def run(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """Propose `<task>_weak` and `<task>_weak_confidence`.

    `resources.labeling_functions` holds one `LoadedFunctions`, as `load_functions` gives it.
    """
    from tilth.weak_supervision import stage

    return stage.run(samples, config, resources)
