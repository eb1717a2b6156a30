"""Long texts that share nearly all their sentences, where the one that they do not share may decide."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tilth.cleaning.checks.config import ChecksConfig
from tilth.cleaning.checks.duplicates import boilerplate, near_duplicate
from tilth.learn.neighbors import NearCopies, nearest

SPEECH = [f"the {word} of the union is as strong as it was in the year before" for word in "abcdefghijklmnop"]
OWN = ["where is my refund", "the internet is slow", "please cancel the card", "tell me the weather", "", "ok then"]


def checked(check: Any, by_passages: bool) -> list[bool]:
    texts = [". ".join([*SPEECH[:8], own, *SPEECH[8:]]) + "." for own in OWN]
    vectors = np.ones((len(texts), 4), dtype=np.float32) / 2
    frame = pd.DataFrame({"id": list("abcdef"), "text": texts, "split": "train", "is_exact_duplicate_issue": False})
    frame["status"], frame["source"], frame["intent_given"] = "active", "input", "refund"
    long = np.full(len(texts), by_passages)

    def near_copies(rows: np.ndarray, turns: np.ndarray, *, cosine: float) -> NearCopies:
        among = vectors[rows]
        return NearCopies(texts, among, nearest(among, 20), turns, long=long, cosine=cosine)

    evidence = SimpleNamespace(near_copies=near_copies, read_by_passages=long)
    return list(check(frame, ChecksConfig(), evidence).issue)


@pytest.mark.parametrize("check", [near_duplicate, boilerplate])
def test_a_sentence_of_its_own_keeps_a_long_text(check: Any) -> None:
    assert checked(check, by_passages=True) == [False, False, False, False, True, True]


def test_in_averaged_chunks_it_would_be_lost() -> None:
    assert checked(near_duplicate, by_passages=False) == [False, True, True, True, True, True]
    assert checked(boilerplate, by_passages=False) == [True] * 6
