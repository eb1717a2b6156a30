"""How often each detector was right, by what people said of the rows that it had put before them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from tilth.samples import answered

RANDOM = "random"
"""The detector of rows that were drawn by lot: what they show holds for all rows, where that of the others holds for
rows such as were asked."""

Right = Callable[[Mapping[str, Any], object], bool | None]
"""Of what was shown and the answer: whether the detector was right; None where it had nothing to say."""


def _wrong_given(flag: str) -> Right:
    def right(shown: Mapping[str, Any], answer: object) -> bool | None:
        return shown["given"] != answer if shown.get(flag) and "given" in shown else None

    return right


def _wrong_asked_by(detector: str) -> Right:
    def right(shown: Mapping[str, Any], answer: object) -> bool | None:
        return shown["given"] != answer if shown.get("detector") == detector and "given" in shown else None

    return right


def _of_origin(origin: str) -> Right:
    def right(shown: Mapping[str, Any], answer: object) -> bool | None:
        return shown.get("label") == answer if shown.get("origin") == origin else None

    return right


DETECTORS: Mapping[str, Right] = {
    "suspects": _wrong_given("suspect"),
    "possible_errors": _wrong_asked_by("possible_error"),
    "disputes": _wrong_given("disputed"),
    "weak": _of_origin("weak"),
    "propagated": _of_origin("propagated"),
    "corrected": _of_origin("corrected"),
    "suggested": _of_origin("suggested"),
}
"""Who put rows before people, or labeled them → whether it was right."""


def detector_record(frame: pd.DataFrame, task: str) -> dict[str, Any]:
    """What people's answers of one task say of each detector.

    Args:
        frame: the input's rows, with what people said of them.
        task: by name.

    Returns:
        Detector → `checked`, `right`, `share`, the 95% interval of the share (Wilson 1927) as `low` and `high`, and
        `at_random`: the same two counts among the rows drawn by lot. `functions` holds one such entry a function, and
        `given` the given labels of rows drawn by lot alone, `right` where people confirmed them.
    """
    rows = answered(frame, task)
    pairs = list(zip(rows["shown"], rows["answer"], strict=True))
    entries = {name: entry for name, right in DETECTORS.items() if (entry := _entry(pairs, right)) is not None}
    names = sorted({name for shown, _ in pairs for name in shown.get("functions", {})})
    functions = {name: _entry(pairs, _of_function(name)) for name in names}
    if functions:
        entries["functions"] = functions
    by_lot = [(shown, answer) for shown, answer in pairs if shown.get("detector") == RANDOM and "given" in shown]
    if by_lot and (entry := _entry(by_lot, lambda shown, answer: shown["given"] == answer)) is not None:
        entries["given"] = entry
    return entries


def _of_function(name: str) -> Right:
    def right(shown: Mapping[str, Any], answer: object) -> bool | None:
        vote = shown.get("functions", {}).get(name)
        return None if vote is None else vote == answer

    return right


def _entry(pairs: Sequence[tuple[Mapping[str, Any], object]], right: Right) -> dict[str, Any] | None:
    checked = [
        (bool(was), shown.get("detector") == RANDOM)
        for shown, answer in pairs
        if (was := right(shown, answer)) is not None
    ]
    if not checked:
        return None
    from scipy.stats import binomtest  # a second to load, which a night without answers saves

    count = sum(was for was, _ in checked)
    interval = binomtest(count, len(checked)).proportion_ci(method="wilson")
    return {
        "checked": len(checked),
        "right": count,
        "share": round(count / len(checked), 4),
        "low": round(float(interval.low), 4),
        "high": round(float(interval.high), 4),
        "at_random": {"checked": sum(lot for _, lot in checked), "right": sum(was for was, lot in checked if lot)},
    }


def detectors_in_words(task: str, record: Mapping[str, Any]) -> list[str]:
    """What a person reads of it, a sentence a detector.

    >>> detectors_in_words("intent", {"suspects": {"checked": 38, "right": 21, "low": 0.397, "high": 0.699}})
    ['intent: people checked 38 suspects: 21 were wrong (55%, 95% interval 40% to 70%)']
    """
    return [
        f"{task}: people checked {entry['checked']} {one if entry['checked'] == 1 else several}: {entry['right']} "
        f"{'was' if entry['right'] == 1 else 'were'} {right} "
        f"({entry['right'] / entry['checked']:.0%}, 95% interval {entry['low']:.0%} to {entry['high']:.0%})"
        for name, (one, several, right) in _SENTENCES.items()
        if (entry := record.get(name)) is not None
    ]


_SENTENCES = {
    "suspects": ("suspect", "suspects", "wrong"),
    "possible_errors": ("possible error", "possible errors", "wrong"),
    "disputes": ("label that functions dispute", "labels that functions dispute", "wrong"),
    "weak": ("label by functions", "labels by functions", "right"),
    "propagated": ("label taken from similar texts", "labels taken from similar texts", "right"),
    "corrected": ("correction", "corrections", "right"),
    "suggested": ("suggested label that training took", "suggested labels that training took", "right"),
    "given": ("given label drawn by lot", "given labels drawn by lot", "right"),
}
"""What a detector's rows are called, one of them and several, and how those are that count."""
