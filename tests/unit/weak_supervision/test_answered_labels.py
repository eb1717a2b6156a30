"""Labels that people found wrong more often than they should be lose confidence; unlikely ones are not given."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from tilth.learn import correct_confidence
from tilth.weak_supervision.answered_labels import correct_by_answers


def test_the_shift_makes_what_is_expected_what_was_found() -> None:
    """Where answers are many, the prior fades: of 400 labels at 0.9 three in four are right, so that 0.9 is 0.75."""
    found = correct_confidence(np.array([0.9, np.nan]), np.full(400, 0.9), np.arange(400) < 300)
    assert found.confidence[0] == pytest.approx(0.75, abs=0.005)
    assert np.isnan(found.confidence[1])
    # Its error is 1/sqrt(400·0.75·0.25 + 1) = 0.115
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * 0.1147, abs=0.002)
    assert (found.checked, found.right, round(found.expected)) == (400, 300, 360)


def test_one_answer_moves_little() -> None:
    found = correct_confidence(np.array([0.9]), np.array([0.9]), np.array([False]))
    # shift s with −expit(logit 0.9 + s) = s: s = −0.79…
    assert found.shift == pytest.approx(-expit(logit(0.9) + found.shift))
    assert found.confidence[0] > 0.75


def test_labels_of_functions_and_of_similar_texts_are_corrected_apart() -> None:
    answered = [
        ("a", {"label": "a" if row < 5 else "b", "origin": "propagated", "confidence": 0.9}) for row in range(20)
    ]
    frame = pd.DataFrame(
        {
            "t_answer": [*(answer for answer, _ in answered), None, None, None],
            "t_shown": [*(json.dumps(shown) for _, shown in answered), None, None, None],
        },
        dtype=object,
    )
    labels = np.array([None] * 20 + ["a", "b", "a"], dtype=object)
    columns = {
        "t_weak": labels.copy(),
        "t_weak_confidence": np.array([np.nan] * 20 + [0.95, 0.6, 0.8], dtype=np.float32),
        "t_propagated": np.array([False] * 20 + [True, True, False]),
    }
    found = correct_by_answers(frame, "t", columns, 0.7)
    assert list(found) == ["propagated"]
    assert (found["propagated"]["checked"], found["propagated"]["right"]) == (20, 5)
    assert found["propagated"]["not_given_any_more"] == 1
    assert columns["t_weak"][20:].tolist() == ["a", None, "a"]
    assert columns["t_propagated"][20:].tolist() == [True, False, False]
    assert columns["t_weak_confidence"][22] == np.float32(0.8)  # no function's label was checked
    assert columns["t_weak_confidence"][20] < 0.8
    assert correct_by_answers(frame.iloc[20:], "t", {}, 0.7) == {}


def test_answers_on_corrected_labels_do_not_undo_what_earlier_answers_said() -> None:
    """Each night half of twenty labels that the functions hold for 90% sure are wrong: 90% comes to mean 50%."""

    def night(nights: list[list[dict[str, object]]]) -> tuple[float, dict[str, np.ndarray]]:
        shown = [one for answers in nights for one in answers]
        frame = pd.DataFrame(
            {
                "t_answer": [*["a", "b"] * (len(shown) // 2), None],
                "t_shown": [*(json.dumps(one) for one in shown), None],
            },
            dtype=object,
        )
        columns = {
            "t_weak": np.array([*[None] * len(shown), "a"], dtype=object),
            "t_weak_confidence": np.array([*[np.nan] * len(shown), 0.9], dtype=np.float32),
        }
        found = correct_by_answers(frame, "t", columns, 0.2)
        assert found["weak"]["checked"] == len(shown)
        return float(columns["t_weak_confidence"][-1]), columns

    first = [{"label": "a", "origin": "weak", "confidence": 0.9}] * 20
    once, columns = night([first])
    assert columns["t_weak_confidence_before_answers"][-1] == np.float32(0.9)
    second = [
        {"label": "a", "origin": "weak", "confidence": once, "weak_confidence_before_answers": 0.9},
    ] * 20
    twice, _ = night([first, second])
    assert 0.5 < twice < once < 0.65  # nearer to the half that people found right, both times
    assert twice == pytest.approx(night([first, first])[0])
