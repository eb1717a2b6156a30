"""Which labeling functions a night leaves out, and why: failures, drift, accuracy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tilth.weak_supervision.functions import below, history
from tilth.weak_supervision.models import label_model
from tilth.weak_supervision.night_state import _Night
from tilth.weak_supervision.voting import Ballot, name_of


def _unfit(night: _Night, ballots: Sequence[Ballot], matrix: np.ndarray, truth: np.ndarray) -> set[str]:
    """Names of the functions that are too often wrong, or not what they were on the nights before."""
    accuracy, count = label_model.accuracies(matrix, truth)
    config, out = night.config, set()
    for place, ballot in enumerate(ballots):
        name = name_of(ballot)
        told = int(count[place])
        right = round(float(accuracy[place]) * told) if told else 0
        night.tonight[name] = now = history.Measured(
            key=ballot.function.key or ballot.function.fingerprint,
            rows=len(matrix),
            voted=int((matrix[:, place] >= 0).sum()),
            told=told,
            right=right,
        )
        if why := history.drifted(now, night.before.get(name, ()), config.max_drift):
            night.drifted[name] = night.left_out[name] = why
            out.add(ballot.function.name)
        elif told >= config.min_measured and below(right, told, config.min_accuracy):
            least = f"below min_accuracy = {config.min_accuracy}"
            night.left_out[name] = f"right on {accuracy[place]:.2f} of {told} labeled rows, {least}"
            out.add(ballot.function.name)
    return out
