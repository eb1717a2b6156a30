from __future__ import annotations

import pytest

from tilth.augmentation.text.antonyms import replaces_by_opposite


@pytest.mark.parametrize(
    ("source", "paraphrase"),
    [
        ("Metals will continue to remain weak", "Metals will be strong"),
        ("gold prices are rising", "the price of gold falls"),
        ("Sensex rose on strong earnings", "Sensex fell on strong earnings"),
        ("my deposit is not there", "my withdrawal is not there"),
        ("how do I lock the card", "how do I unlock the card"),
    ],
)
def test_the_opposite_is_noticed(source: str, paraphrase: str) -> None:
    assert replaces_by_opposite(source, paraphrase)


@pytest.mark.parametrize(
    ("source", "paraphrase"),
    [
        ("Metals will continue to remain weak", "Metals stay weak"),
        ("the price went up and then down", "the price went down after it was up"),
        ("where is my card", "when does my new card come"),
        ("", ""),
    ],
)
def test_other_words_are_no_opposites(source: str, paraphrase: str) -> None:
    assert not replaces_by_opposite(source, paraphrase)
