"""The labels that an input brings.

In: columns of labels, files of annotators' votes, `[data.labels]`'s mapping. Out: the labels and classes of each task,
with what was wrong in them as notes or errors. A further place in which labels may stand is a module here, which
`ingestion.py` calls.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.io.labels.annotator_votes import apply_votes, column_of, read_votes, votes_of_rows
    from tilth.io.labels.given_labels import (
        note_definitions,
        note_gold,
        note_labels,
        pointless,
        read_labels,
        without_points,
    )
    from tilth.io.labels.label_mapping import LabelMapping
    from tilth.io.labels.task_classes import current_labels, find_tasks

__getattr__, __dir__ = lazy_exports(__name__)
