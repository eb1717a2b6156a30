from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.small_table import HashingEncoder
from tilth.config import EncoderConfig
from tilth.learn.encoder import Encoder
from tilth.learn.encoder_reading import EncoderReading, measure_reading, neighbor_agreement
from tilth.store import Cache

WORKSPACES = Path(__file__).parents[2] / "workspaces"


def test_agreement_of_neighbors_by_hand() -> None:
    # Two groups of six that are near their own alone; one row of each has the other's label. Of 12 x 5 pairs those
    # between five equal rows agree, 2 x 5 x 4 = 40; chance is 1/2.
    similarities = np.kron(np.eye(2), np.ones((6, 6)))
    codes = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0])
    assert neighbor_agreement(similarities, codes) == pytest.approx((40 / 60 - 0.5) / 0.5)


class Cutting(HashingEncoder):
    """Takes a number of tokens a text, some of which it does not know."""

    def __init__(self, tokens: int, unknown: int = 0) -> None:
        self.tokens, self.unknown = tokens, unknown

    def count_tokens(self, texts: Sequence[str]) -> tuple[int, int]:
        return self.tokens * len(texts), self.unknown * len(texts)


def reading(encoder: Any, texts: Sequence[str], vectors: np.ndarray, codes: Sequence[int]) -> EncoderReading:
    return measure_reading(encoder, texts, vectors, np.array(codes))


def test_few_tokens_a_letter_ask_for_nothing() -> None:
    texts, codes = ["abcdefghij"] * 40, [0, 1] * 20
    found = reading(Cutting(3), texts, HashingEncoder().encode(texts), codes)
    assert (found.tokens_a_letter, found.unknown, found.agreement, found.badly) == (0.3, 0.0, None, False)


def test_without_labels_the_tokens_decide() -> None:
    texts = ["abcdefghij"] * 40
    vectors = HashingEncoder().encode(texts)
    assert reading(Cutting(4), texts, vectors, [-1] * 40).badly
    assert reading(Cutting(2, 1), texts, vectors, [-1] * 40).badly
    assert not reading(Cutting(3), texts, vectors, [-1] * 40).badly


def test_with_labels_an_encoder_whose_neighbors_share_them_is_not_accused() -> None:
    texts = [f"{'abcde' if row % 2 else 'vwxyz'} {row:05d}".replace("0", "q") for row in range(40)]
    codes = np.arange(40) % 2
    good, blind = np.eye(2, dtype=np.float32)[codes], np.eye(2, dtype=np.float32)[np.arange(40) // 2 % 2]
    found = reading(Cutting(9), texts, good, codes.tolist())
    assert (found.agreement, found.badly) == (1.0, False)
    found = reading(Cutting(9), texts, blind, codes.tolist())
    assert found.agreement is not None
    assert found.agreement < 0.5
    assert found.agreement_by_ngrams == 1.0
    assert found.badly
    assert found.to_json()["try"] == "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2"


@pytest.mark.parametrize(("name", "cut"), [("german", (0.4, 0.5, 0.0, 0.0)), ("chinese", (0.3, 0.4, 0.6, 0.8))])
def test_the_default_encoder_cuts_other_languages_small(name: str, cut: tuple[float, ...], tmp_path: Path) -> None:
    encoder = Encoder(EncoderConfig(), Cache(tmp_path))
    texts = pd.read_csv(WORKSPACES / name / "data/messages.csv")["text"].tolist()
    found = measure_reading(encoder, texts, np.zeros((len(texts), 2), dtype=np.float32), np.full(len(texts), -1))
    assert cut[0] < found.tokens_a_letter < cut[1]
    assert cut[2] <= found.unknown <= cut[3]
    assert found.badly
    english = ["my card has not arrived yet", "where is the refund that you promised me"]
    assert not measure_reading(encoder, english, np.zeros((2, 2), dtype=np.float32), np.full(2, -1)).badly


@pytest.mark.parametrize(
    ("settings", "share"), [({}, 0.5), ({"long_texts": "passages"}, 0.0), ({"attention": "dynamic"}, 0.0)]
)
def test_texts_that_are_averaged_are_counted(settings: dict[str, Any], share: float) -> None:
    """Of texts of 10 and 90 letters at 50 letters for 15 tokens, one is longer than 16 tokens: 27."""
    encoder = Cutting(15)
    encoder.config = EncoderConfig(max_tokens=16, **settings)  # type: ignore[attr-defined]
    found = reading(encoder, ["a" * 10, "a" * 90], np.zeros((2, 2), dtype=np.float32), [-1, -1])
    assert found.averaged == share
