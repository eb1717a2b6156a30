from __future__ import annotations

import random
from collections import Counter

from tilth.augmentation.quality.synthetic_errors import with_synthetic_error

TEXT = "The cards were declined twice and I have not received any of them"


def test_one_mistake_is_made_and_the_seed_settles_which() -> None:
    made = [with_synthetic_error(TEXT, random.Random(seed)) for seed in range(200)]
    assert made == [with_synthetic_error(TEXT, random.Random(seed)) for seed in range(200)]
    assert all(text is not None and text != TEXT for text in made)
    before = Counter(TEXT.split())
    for text in made:
        after = Counter((text or "").split())
        assert (before - after).total() <= 1
        assert (after - before).total() <= 1


def test_all_kinds_are_made() -> None:
    made = {with_synthetic_error(TEXT, random.Random(seed)) for seed in range(400)}
    for changed in (
        TEXT.replace("were", "was"),
        TEXT.replace("declined", "declin"),
        TEXT.replace("received", "receive"),
        TEXT.replace("I have", "have I"),
        TEXT.replace("of them", "them"),
    ):
        assert changed in made


def test_what_is_too_short_has_no_mistake() -> None:
    assert with_synthetic_error("hello", random.Random(0)) is None
    assert with_synthetic_error("", random.Random(0)) is None
