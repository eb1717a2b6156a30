"""Which labeling functions a task leaves out, and why: drift from the nights before, and accuracy on labeled rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tilth.weak_supervision.functions import FunctionRecord, describe_drift, is_surely_below
from tilth.weak_supervision.models import measure_accuracies
from tilth.weak_supervision.night_inputs import NightInputs
from tilth.weak_supervision.voting import Ballot, full_name


@dataclass(frozen=True, kw_only=True)
class Screening:
    """How the functions of one task did, and which of them are left out; each by `<task>.<function>`.

    Attributes:
        records: how each function did tonight.
        drifted: functions that are not what they were on the nights before, and how.
        inaccurate: functions that are too often wrong, and how often.
    """

    records: dict[str, FunctionRecord] = field(default_factory=dict)
    drifted: dict[str, str] = field(default_factory=dict)
    inaccurate: dict[str, str] = field(default_factory=dict)

    @property
    def left_out(self) -> dict[str, str]:
        """Function → why it is left out, in the order of the functions."""
        reasons = self.drifted | self.inaccurate
        return {name: reasons[name] for name in self.records if name in reasons}

    def __or__(self, other: Screening) -> Screening:
        """Both, of functions of different tasks."""
        return Screening(
            records=self.records | other.records,
            drifted=self.drifted | other.drifted,
            inaccurate=self.inaccurate | other.inaccurate,
        )

    def passes(self, ballot: Ballot) -> bool:
        """Whether a function's votes are used."""
        return full_name(ballot) not in self.left_out


def screen_functions(
    inputs: NightInputs, ballots: Sequence[Ballot], matrix: np.ndarray, truth: np.ndarray
) -> Screening:
    """Compare each function of a task with its own past and with the labels.

    Args:
        inputs: the night's.
        ballots: the task's functions.
        matrix: their votes, shape (rows, functions), -1 abstains.
        truth: the rows' labels as codes, shape (rows,), -1 for none.
    """
    config = inputs.config
    records: dict[str, FunctionRecord] = {}
    drifted: dict[str, str] = {}
    inaccurate: dict[str, str] = {}
    accuracies, counts = measure_accuracies(matrix, truth)
    for place, ballot in enumerate(ballots):
        name, accuracy, labeled = full_name(ballot), float(accuracies[place]), int(counts[place])
        records[name] = record = FunctionRecord(
            key=ballot.function.key or ballot.function.fingerprint,
            rows=len(matrix),
            voted=int((matrix[:, place] >= 0).sum()),
            labeled=labeled,
            right=round(accuracy * labeled) if labeled else 0,
        )
        enough = labeled >= config.min_measured
        if why := describe_drift(record, inputs.history.get(name, ()), config.max_drift):
            drifted[name] = why
        elif enough and is_surely_below(record.right, labeled, config.min_accuracy):
            least = f"below min_accuracy = {config.min_accuracy}"
            inaccurate[name] = f"right on {record.right} of {labeled} labeled rows, {least}"
    return Screening(records=records, drifted=drifted, inaccurate=inaccurate)
