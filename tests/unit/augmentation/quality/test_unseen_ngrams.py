from __future__ import annotations

import numpy as np

from tilth.augmentation.quality.unseen_ngrams import UnseenNgramChecker

CORPUS = ["Where is my card?", "where is my card now", "Where is my new card?"]


def test_trigrams_that_nobody_wrote_are_counted() -> None:
    checker = UnseenNgramChecker(CORPUS, least=0.0)
    # "is my card", "my card $" and the like are known; "my card is", "card is now" and "is now $" are not
    assert checker.problems(["Where is my CARD", "where is my new card", "Where is my card is now"]).tolist() == [
        0,
        0,
        3,
    ]


def test_fours_that_nobody_wrote_are_counted() -> None:
    checker = UnseenNgramChecker(CORPUS, least=0.0)
    # "my new card now" and "new card now $" stand in no text
    assert checker.unseen_fourgrams(["where is my card", "where is my new card now"]).tolist() == [0, 2]
    # Where people repeat little they count all the same: what nobody wrote is no sign of a good text anywhere.
    assert UnseenNgramChecker(CORPUS, least=0.9).unseen_fourgrams(["where is my new card now"]).tolist() == [2]


def test_the_share_is_that_of_trigrams_which_another_text_holds() -> None:
    # each 3 of 4: "my card $" and "my card now", "card now $" and "is my new", "my new card", "new card $" stand alone
    assert np.isclose(UnseenNgramChecker(CORPUS, least=0.0).share, np.mean([3 / 4, 3 / 5, 2 / 5]))


def test_where_people_repeat_little_there_is_no_answer() -> None:
    checker = UnseenNgramChecker(CORPUS, least=0.9)
    assert not checker.informative
    assert np.isnan(checker.problems(["anything at all goes"])).all()


def test_no_corpus() -> None:
    checker = UnseenNgramChecker([], least=0.6)
    assert checker.share == 0.0
    assert np.isnan(checker.problems(["where is it"])).all()
    assert np.isnan(UnseenNgramChecker(["", "!"], least=0.6).problems(["where is it"])).all()
