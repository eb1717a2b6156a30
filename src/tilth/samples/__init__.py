"""One table of samples, one row a text: its columns, its words, and the rule that puts a label in force."""

from tilth.samples.columns import COLUMNS, Column, find, reserved
from tilth.samples.enums import Action, Origin, Reason, Source, Split, Status
from tilth.samples.resolve import resolve
from tilth.samples.table import (
    Task,
    changed_columns,
    escalate_status,
    from_pandas,
    gold_labels,
    learnable,
    names,
    sample_weights,
    settled,
    severity,
    to_pandas,
    unlabeled,
    unsure,
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
    "changed_columns",
    "escalate_status",
    "find",
    "from_pandas",
    "gold_labels",
    "learnable",
    "names",
    "reserved",
    "resolve",
    "sample_weights",
    "settled",
    "severity",
    "to_pandas",
    "unlabeled",
    "unsure",
    "validate",
]
