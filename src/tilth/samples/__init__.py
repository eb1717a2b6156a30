"""One table of samples, one row a text: its columns, its closed vocabularies, and the rule for the current label.

In: frames. Out: a checked table, each task's current label (`resolve`), masks of the rows that may be trained on. A new
column is declared once, in `columns.py`, with the one stage that writes it; a new reason is a line of `Reason`.
"""

from tilth.samples.annotator_consensus import joint_consensus
from tilth.samples.answered_rows import answered
from tilth.samples.columns import COLUMNS, Column, find, reserved
from tilth.samples.enums import Action, Origin, Reason, Source, Split, Status
from tilth.samples.resolve import resolve
from tilth.samples.row_masks import (
    gold_labels,
    learnable,
    learnable_by_picture,
    learnable_codes,
    picture_alone,
    sample_weights,
    settled,
    settled_by_any,
    unlabeled,
    unsure,
)
from tilth.samples.spacing import evenly_spaced
from tilth.samples.table import (
    Task,
    as_dataset,
    changed_columns,
    escalate_status,
    from_pandas,
    label_array,
    names,
    severity,
    to_pandas,
    validate,
)

__all__ = [
    "COLUMNS",
    "Action",
    "Column",
    "Origin",
    "Reason",
    "Source",
    "Split",
    "Status",
    "Task",
    "answered",
    "as_dataset",
    "changed_columns",
    "escalate_status",
    "evenly_spaced",
    "find",
    "from_pandas",
    "gold_labels",
    "joint_consensus",
    "label_array",
    "learnable",
    "learnable_by_picture",
    "learnable_codes",
    "names",
    "picture_alone",
    "reserved",
    "resolve",
    "sample_weights",
    "settled",
    "settled_by_any",
    "severity",
    "to_pandas",
    "unlabeled",
    "unsure",
    "validate",
]
