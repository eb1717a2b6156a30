"""What people confirm and overturn says how often each detector is right here."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from tilth.io.answers.detector_record import detector_record, detectors_in_words


def rows(*said: tuple[str | None, dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"t_answer": [answer for answer, _ in said], "t_shown": [json.dumps(shown) for _, shown in said]}, dtype=object
    )
    return pd.concat([frame, pd.DataFrame([{"t_answer": None, "t_shown": None}])], ignore_index=True)


def test_each_detector_is_counted_by_what_people_said() -> None:
    frame = rows(
        ("b", {"given": "a", "suspect": True, "functions": {"f": "b", "g": "a"}}),
        ("a", {"given": "a", "suspect": True, "functions": {"f": "b"}}),
        (None, {"given": "a", "suspect": True}),  # none of these: the given label is wrong
        ("a", {"given": "a", "disputed": True, "detector": "random"}),
        ("b", {"label": "b", "origin": "propagated", "confidence": 0.6}),
        ("b", {"label": "a", "origin": "weak", "confidence": 0.9, "detector": "random"}),
    )
    found = detector_record(frame, "t")
    suspects = found["suspects"]
    assert (suspects["checked"], suspects["right"], suspects["share"]) == (3, 2, 0.6667)
    # Wilson, z = 1.96: center (2/3 + 0.6403)/(1 + 1.2805), half-width 1.96·sqrt(2/27 + 3.8415/36)/2.2805
    assert (suspects["low"], suspects["high"]) == (0.2077, 0.9385)
    assert (found["disputes"]["checked"], found["disputes"]["right"]) == (1, 0)
    assert found["disputes"]["at_random"] == {"checked": 1, "right": 0}
    assert (found["propagated"]["right"], found["weak"]["right"]) == (1, 0)
    assert {name: (one["checked"], one["right"]) for name, one in found["functions"].items()} == {
        "f": (2, 1),
        "g": (1, 0),
    }
    assert (found["given"]["checked"], found["given"]["right"]) == (1, 1)
    assert detectors_in_words("t", {"suspects": suspects}) == [
        "t: people checked 3 suspects: 2 were wrong (67%, 95% interval 21% to 94%)"
    ]
    assert detectors_in_words("t", {"given": found["given"]}) == [
        "t: people checked 1 given label drawn by lot: 1 was right (100%, 95% interval 21% to 100%)"
    ]


def test_possible_errors_are_counted_where_they_were_asked_as_such() -> None:
    asked = {"given": "a", "given_confidence": 1.0, "detector": "possible_error"}
    found = detector_record(rows(("b", asked), ("a", asked), ("b", {"given": "a", "detector": "random"})), "t")
    assert (found["possible_errors"]["checked"], found["possible_errors"]["right"]) == (2, 1)
    assert detectors_in_words("t", found)[0].startswith("t: people checked 2 possible errors: 1 was wrong (50%")


def test_without_answers_nothing_is_said() -> None:
    assert detector_record(pd.DataFrame({"t": ["a"]}), "t") == {}
