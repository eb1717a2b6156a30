"""One table of samples, one row a text: its columns, its words, and the rule that puts a label in force."""

from tilth.samples.columns import COLUMNS, Column, find, reserved
from tilth.samples.resolve import resolve
from tilth.samples.table import (
    Task,
    changed_columns,
    from_pandas,
    gold_labels,
    learnable,
    lesson_weights,
    names,
    settled,
    severity,
    tighten,
    to_pandas,
    unlabeled,
    unsure,
    validate,
)
from tilth.samples.words import Action, Origin, Reason, Source, Split, Status

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
    "find",
    "from_pandas",
    "gold_labels",
    "learnable",
    "lesson_weights",
    "names",
    "reserved",
    "resolve",
    "settled",
    "severity",
    "tighten",
    "to_pandas",
    "unlabeled",
    "unsure",
    "validate",
]
